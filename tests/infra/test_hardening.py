"""The real binary has the hardening of the compiler and the linker (cmake/Hardening.cmake)."""
import pathlib
import platform
import re

import pytest
from support.process import run
from support.tps import BINARY

LIBRARIES = sorted(pathlib.Path(BINARY).resolve().parent.glob("libtps_*.a"))
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="CET is of x86-64")


def read(*options, file=BINARY):
    done = run(["readelf", "--wide", *options, file], timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def segments():
    """(type, flags) of each segment."""
    return re.findall(r"^  (\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3}) ", read("--segments"), re.MULTILINE)


def imports():
    return set(re.findall(r" UND (\w+)@", read("--dyn-syms")))


def test_it_is_loaded_anywhere():
    """PIE: address randomisation covers the program itself."""
    assert re.search(r"Type: +DYN", read("--file-header"))
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", read("--dynamic"))


def test_what_the_loader_has_written_is_read_only_afterwards():
    """Full RELRO: no lazy binding."""
    assert "GNU_RELRO" in {kind for kind, _ in segments()}
    assert re.search(r"\(FLAGS\).*\bBIND_NOW\b", read("--dynamic")) and re.search(r"\(FLAGS_1\).*\bNOW\b", read("--dynamic"))


def test_nothing_is_both_written_and_run():
    found = segments()
    assert len([1 for kind, _ in found if kind == "LOAD"]) >= 3
    assert [one for one in found if "W" in one[1] and "E" in one[1]] == []
    assert [flags.strip() for kind, flags in found if kind == "GNU_STACK"] == ["RW"]
    assert "TEXTREL" not in read("--dynamic")


def test_libraries_come_from_the_system_only():
    assert not re.search(r"\((RPATH|RUNPATH)\)", read("--dynamic"))


def test_a_smashed_stack_is_noticed():
    assert "__stack_chk_fail" in imports()


def test_copies_know_how_large_their_target_is():
    """_FORTIFY_SOURCE."""
    assert {"__memcpy_chk", "__vsnprintf_chk"} <= imports()


def test_the_standard_library_checks_its_bounds():
    """_GLIBCXX_ASSERTIONS."""
    assert any(name.startswith("_ZSt21__glibcxx_assert_fail") for name in imports())


@on_x86
def test_large_frames_touch_every_page_of_the_stack():
    """-fstack-clash-protection: a frame larger than a page is allocated in probed steps."""
    code = run(["objdump", "--disassemble", "--no-show-raw-insn", BINARY], timeout=120).stdout
    assert re.search(r"sub +\$0x1000,%rsp\n[^\n]*movq +\$0x0,\(%rsp\)", code)


@on_x86
def test_all_of_our_code_is_ready_for_cet():
    """Indirect branch tracking and shadow stacks. Debian 12's C library and start files are not marked, so the linker
    does not mark the program. The test checks our objects instead."""
    assert len(LIBRARIES) >= 6
    for library in LIBRARIES:
        members = read("--notes", file=library).split("\nFile: ")[1:] or [read("--notes", file=library)]
        unmarked = [one.splitlines()[0] for one in members if "IBT, SHSTK" not in one]
        assert not unmarked, f"{library.name}: {unmarked}"
