"""A person at a terminal, who types into a program and reads what it says."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

ROWS, COLUMNS = 100, 300
# What pagers say at the end of a page, and of the last one.
MORE, END = "--More--", "(END)"


class Terminal:
    def __init__(self, command, environment, seconds=30):
        self.seconds = seconds
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
                                      start_new_session=True)
        os.close(theirs)

    def read_until(self, prompt):
        """What was said until `prompt` came; pages are turned."""
        said, left = "", False
        deadline = time.monotonic() + self.seconds
        while not said.rstrip().endswith(prompt):
            ready, _, _ = select.select([self.ours], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {prompt!r} within {self.seconds} s, but: {said}"
            said += os.read(self.ours, 65536).decode(errors="replace")
            if MORE in said:
                said = said.replace(MORE, "")
                self.type(" ", end="")
            # A pager may say so twice before it sees the key; a second one would be typed into the program itself.
            if END in said and not left:
                left = True
                self.type("q", end="")
        return said

    def type(self, text, end="\n"):
        os.write(self.ours, (text + end).encode())

    def close(self):
        """Returns the exit code of a program that was told to end."""
        try:
            return self.child.wait(self.seconds)
        finally:
            self.child.kill()
            os.close(self.ours)
