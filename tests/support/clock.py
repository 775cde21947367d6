"""A clock of its own for one process, which tests set while it runs. Debian's libfaketime answers its calls for the time; the
clocks that nothing can set (CLOCK_MONOTONIC, CLOCK_BOOTTIME) stay true."""
import os
import pathlib

LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    def __init__(self, folder, name="clock"):
        self.file = folder / name
        self.set(0)

    def set(self, seconds):
        """This far from the true time, from now on."""
        before = self.file.with_suffix(".new")
        before.write_text(f"{seconds:+d}\n")
        os.replace(before, self.file)

    @property
    def environment(self):
        assert LIBRARIES, "the package libfaketime is missing"
        return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
