"""The file of tools/make_sample, with the expected results."""
import importlib.machinery
import importlib.util
import io
import json
import pathlib
from collections import defaultdict

from support.history import minor

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "make_sample"
LOADER = importlib.machinery.SourceFileLoader("make_sample", str(TOOL))
make_sample = importlib.util.module_from_spec(importlib.util.spec_from_loader(LOADER.name, LOADER))
LOADER.exec_module(make_sample)


class Sample:
    """`count` lines from a seed. `lines[i]` is the NDJSON, `invalid[i]` the pointer that its error must name."""

    def __init__(self, count, invalid_share=0.02, seed=1, users=5000, **options):
        made = list(make_sample.make_lines(count, seed, users, invalid_share * 100, **options))
        self.bodies = [body for body, _ in made]
        self.invalid = {number: pointer for number, (_, pointer) in enumerate(made) if pointer != ""}
        self.lines = [json.dumps(body) for body in self.bodies]

    def valid(self):
        """(number, body) of the valid lines in order."""
        return [(number, body) for number, body in enumerate(self.bodies) if number not in self.invalid]

    def deposited(self):
        """The sum of the valid deposits by currency, in minor units."""
        sums = defaultdict(int)
        for _, body in self.valid():
            if body["type"] == "deposit":
                sums[body["currency"]] += minor(body["amount"], body["currency"])
        return dict(sums)

    def batches(self, size):
        """(number of the first line, NDJSON text) of each batch."""
        for first in range(0, len(self.lines), size):
            yield first, "\n".join(self.lines[first:first + size]) + "\n"

    def ndjson(self):
        return "".join(line + "\n" for line in self.lines)

    def csv(self):
        """Only for samples with the faults make_sample.CSV_FAULTS."""
        text = io.StringIO()
        make_sample.write_csv(self.bodies, text)
        return text.getvalue()
