"""The figures of a bench run, their ratios and targets, as tables for people."""

import dataclasses
import datetime
import os
import platform
import statistics
import textwrap
import time

LINE_LENGTH = 130  # of prose in the documents
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


@dataclasses.dataclass(frozen=True)
class Target:
    """At least `bound` times the base, or, without a base, the bound itself."""

    bound: float
    base: str = ""
    at_most: bool = False

    def text(self):
        return f"{'<=' if self.at_most else '>='} {self.bound:g}{' x ' + self.base if self.base else ''}"

    def is_met(self, figure):
        return figure <= self.bound if self.at_most else figure >= self.bound


# The figures to reach, by the names under which the cases record them.
TARGETS = {
    "POST, PostgreSQL, 1 connection": [Target(0.5, "P1")],
    "POST, PostgreSQL, 256 connections": [Target(1.8, "P64"), Target(0.4, "F")],
    "POST, PostgreSQL, 256 connections, keys": [Target(1.25, "P64")],
    "POST, SQLite, 64 connections": [Target(1.5, "P64")],
    "batch of 1000, PostgreSQL": [Target(4, "P64")],
    "GET settled, PostgreSQL and Redis": [Target(0.75, "F")],
    "GET pending, PostgreSQL": [Target(0.4, "F")],
    "GET settled, with a token": [Target(0.85, "GET settled, without authentication")],
    "settled as they come, PostgreSQL": [Target(0.75, "P64")],
    "oldest pending while settling": [Target(2, at_most=True)],
    "p99 of POST at half of peak, PostgreSQL": [Target(10, at_most=True)],
    "memory with 1000 connections": [Target(200, at_most=True)],
    "empty start to first 201": [Target(300, at_most=True)],
    "5 million rows against 10,000, PostgreSQL": [Target(0.8)],
    "5 million rows against 10,000, SQLite": [Target(0.8)],
    "transfers settled as they come, PostgreSQL": [Target(0.9, "P64"), Target(4, "L")],
    "transfers settled as they come, PostgreSQL, one hot account": [
        Target(0.9, "transfers settled as they come, PostgreSQL"), Target(12, "LH")],
    "oldest pending, transfers": [Target(2, at_most=True)],
    "oldest pending, transfers, one hot account": [Target(2, at_most=True)],
    "settle alone from a backlog, PostgreSQL": [Target(3, "P64")],
    "settle alone from a backlog, SQLite": [Target(2.5, "P64")],
    "p50 of POST with Prefer: wait, SQLite, 1 connection": [Target(2, at_most=True)],
    "p99 of balance read while settling, PostgreSQL": [Target(20, at_most=True)],
    "p99 of the first page of a long statement, PostgreSQL": [Target(20, at_most=True)],
    "p99 of the first page of a long statement, SQLite": [Target(20, at_most=True)],
    "POST with a long snapshot against without": [Target(0.8)],
    "settling with a long snapshot against without": [Target(0.8)],
}


@dataclasses.dataclass
class Sample:
    value: float
    unit: str
    load: dict | None = None


class Report:
    def __init__(self, say):
        self.samples = {}
        self.notes = []
        self.failures = []  # cases that could not be measured
        self.checked_ids = 0
        self.missing_ids = 0
        self._say = say

    def add(self, name, value, unit="/s", load=None):
        self.samples.setdefault(name, []).append(Sample(value, unit, load))
        trouble = (load or {}).get("trouble")
        if trouble:
            self.notes.append(f"{name}: " + ", ".join(f"{count} x {what}" for what, count in trouble.items()))
        self._say(f"  {name}: {number(value)} {unit}{' TROUBLE ' + str(trouble) if trouble else ''}")

    def median(self, name):
        return statistics.median_low(sample.value for sample in self.samples[name]) if name in self.samples else None

    def ratio(self, name, base):
        """The median of the rounds' own ratios; a case that ran once is held against the base's median."""
        above, below = self.samples[name], self.samples.get(base)
        if not below:
            return None
        if len(above) == len(below):
            return statistics.median(a.value / b.value for a, b in zip(above, below))
        return self.median(name) / self.median(base)

    def rows(self):
        for name, samples in self.samples.items():
            middle = self.median(name)
            sample = next(one for one in samples if one.value == middle)
            targets = TARGETS.get(name, [])
            for index, target in enumerate(targets or [None]):
                figure = verdict = ""
                if target:
                    value = self.ratio(name, target.base) if target.base else middle
                    figure = f"{value:.2f}" if target.base and value else ""
                    verdict = "no base" if value is None else "met" if target.is_met(value) else "**missed**"
                yield sample if index == 0 else None, name, figure, target.text() if target else "", verdict

    def tables(self):
        """Rates with their latencies, then all other figures."""
        rates = ["| workload | rate | p50 ms | p99 ms | ratio | target |", "|---|---:|---:|---:|---:|---|"]
        others = ["| workload | figure | target |", "|---|---:|---|"]
        for sample, name, ratio, target, verdict in self.rows():
            target += "" if verdict in ("", "met") else f", {verdict}"
            unit = self.samples[name][0].unit
            latency = (sample and sample.load or {}).get("latency_us", {})
            cells = [name, f"{number(sample.value)} {sample.unit}"] if sample else ["", ""]
            if unit == "/s":
                cells += [f"{latency[quantile] / 1000:.2f}" if latency else "" for quantile in ("p50", "p99")]
                rates.append(row([*cells, ratio, target]))
            elif unit != "%":  # a share below 99% is a failure; see check_share_settled
                others.append(row([*cells, target]))
        return "\n".join([*rates, "", *others])

    def missed(self):
        return [name for _, name, _, _, verdict in self.rows() if verdict == "**missed**"]

    def text(self, settings, machine):
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        above = [f"Measured on {today}: {machine}. {settings}."]
        below = [f"Missed targets: {'; '.join(self.missed()) or 'none'}.", "",
                 f"Acknowledged ids looked up in the database afterwards: {self.checked_ids:,}; "
                 f"missing or given twice: {self.missing_ids:,}."]
        below += [f"- {note}" for note in self.notes]
        below += [f"- **not measured**: {failure}" for failure in self.failures]
        return "\n".join([*map(wrapped, above), "", self.tables(), "", *map(wrapped, below)])


def wrapped(line):
    return textwrap.fill(line, LINE_LENGTH, break_on_hyphens=False)


def row(cells):
    return "| " + " | ".join(cells) + " |"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def machine(folder, postgres_version):
    """This machine, as far as it bears on the figures."""
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        memory = int(meminfo.readline().split()[1]) / 1024 / 1024
    return (f"{os.cpu_count()} cores shared by client, server and database, {memory:.0f} GB of memory, "
            f"Linux {platform.release().split('-')[0]}, {postgres_version}, fdatasync {fdatasync_ms(folder):.2f} ms")


def fdatasync_ms(folder):
    """The median of 300 rewrites of a block, as in a log file that is used again: what a commit costs at least."""
    path = folder / "fdatasync"
    blocks = 300
    waits = []
    with path.open("wb", buffering=0) as file:
        file.write(bytes(8192 * blocks))
        os.fsync(file)
        for block in range(blocks):
            before = time.perf_counter()
            os.pwrite(file.fileno(), b"\1" * 8192, block * 8192)
            os.fdatasync(file)
            waits.append((time.perf_counter() - before) * 1000)
    path.unlink()
    return statistics.median(waits)


def write_between_markers(path, text):
    page = path.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no {BEGIN} ... {END}")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
