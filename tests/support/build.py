"""Builds the program from a copy of its sources that a test has changed."""
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def copy_of_the_sources(folder):
    source = folder / "source"
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return source


def build(source):
    """Builds the binary. It takes minutes: the compiled code contains the path of the precompiled header, so the compiler
    cache does not help."""
    for command in (["cmake", "--preset", "release", "-DTPS_TESTS=OFF", "-DTPS_BENCH=OFF"],
                    ["cmake", "--build", str(source / "build" / "release"), "--target", "tps"]):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{source}: the build failed\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
    return source / "build" / "release" / "tps"
