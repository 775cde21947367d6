"""Simulates a person at a terminal who types into a program and reads its output."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

ROWS, COLUMNS = 100, 300
# The prompts of pagers at the end of a page and of the last page.
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
        """The output up to `prompt`. Turns the pages of a pager."""
        said, left = "", False
        deadline = time.monotonic() + self.seconds
        while not said.rstrip().endswith(prompt):
            ready, _, _ = select.select([self.ours], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {prompt!r} within {self.seconds} s, but: {said}"
            said += os.read(self.ours, 65536).decode(errors="replace")
            if MORE in said:
                said = said.replace(MORE, "")
                self.type(" ", end="")
            # A pager may print its prompt twice before it reads the key. A second key would go to the program.
            if END in said and not left:
                left = True
                self.type("q", end="")
        return said

    def type(self, text, end="\n"):
        os.write(self.ours, (text + end).encode())

    def close(self):
        """Returns the exit code of a program that is about to end."""
        try:
            return self.child.wait(self.seconds)
        finally:
            self.child.kill()
            os.close(self.ours)
