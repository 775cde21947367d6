#!/usr/bin/python3
"""planted_bugs.py: proves that the bank test can fail, for the right reasons.

Each patch in tests/fault/planted plants one bug that a ledger could really have. The program is built with it, in a copy
of the sources, and the bank test must then fail with one of the words that the patch's first line gives
("expect: WORDS | WORDS"). A patch that does not apply any more fails too: move it along with the code.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.build import build, copy_of_the_sources  # noqa: E402  (the path must be set first)

PLANTED = ROOT / "tests" / "fault" / "planted"
ATTEMPTS = 5  # some bugs need a kill at the right moment
PATIENCE = 600  # seconds for one attempt; a bank with a bug in it may wait for what never comes
PYTHON = "/usr/bin/python3"


def run(command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


def run_bank(environment):
    """The exit code and the output; -1 if the test did not end."""
    command = [PYTHON, "-m", "pytest", "-q", "-x", "--tb=short", "-p", "no:cacheprovider",
               ROOT / "tests/fault/test_bank.py"]
    try:
        done = run(command, env=environment, cwd=ROOT, timeout=PATIENCE)
    except subprocess.TimeoutExpired as late:
        return -1, (late.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout


def plant(patch, source):
    text = patch.read_text().partition("\n")[2]
    applied = run(["patch", "-p1", "--fuzz=0", "--directory", str(source)], input=text)
    if applied.returncode != 0:
        sys.exit(f"{patch.name} does not apply any more:\n{applied.stdout}")


def is_caught(patch, binary):
    words = [word.strip() for word in patch.read_text().partition("\n")[0].removeprefix("expect:").split("|")]
    environment = os.environ | {"TPS_BINARY": str(binary), "PYTHONPATH": str(ROOT / "tests"),
                                "PYTHONDONTWRITEBYTECODE": "1"}
    for attempt in range(ATTEMPTS):
        code, output = run_bank(environment)
        found = [word for word in words if word in output]
        if code == 1 and found:
            print(f"{patch.stem}: caught ({found[0]}), attempt {attempt + 1}", flush=True)
            return True
        said = [line for line in output.splitlines() if line.startswith("E  ")][:1]
        print(f"{patch.stem}: exit code {code}, attempt {attempt + 1} {said}", flush=True)
    print(output[-3000:])
    return False


def main():
    caught = []
    for patch in sorted(PLANTED.glob("*.patch")):
        with tempfile.TemporaryDirectory(prefix="tps-planted-") as folder:
            source = copy_of_the_sources(pathlib.Path(folder))
            plant(patch, source)
            caught.append(is_caught(patch, build(source)))
    print(f"{sum(caught)} of {len(caught)} planted bugs caught")
    return 0 if caught and all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
