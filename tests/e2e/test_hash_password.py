"""`tps hash-password`: from a pipe, and from a terminal that must not show the password and must get its echo back."""
import os
import pty
import select
import signal
import termios
import time

import pytest
from support.process import wait_until
from support.tps import BINARY, clean_environment, tps

PASSWORD = "correct horse"


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self):
        self.child, self.descriptor = pty.fork()
        if self.child == 0:
            os.execve(BINARY, [BINARY, "hash-password"], clean_environment())
        self.shown = ""

    def read_until(self, text, seconds=10):
        end = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < end:
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self.descriptor, 4096).decode(errors="replace")
                except OSError:  # the other side is closed
                    break
        assert text in self.shown, self.shown

    def wait_for_the_prompt(self):
        self.read_until("Password: ")
        wait_until(lambda: not self.echoes(), 10, "no echo")
        # A signal between the switch of the echo and the read would not end the read.
        wait_until(self.sleeps, 10, "the read of the password")

    def echoes(self):
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def sleeps(self):
        with open(f"/proc/{self.child}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(") ")[2].startswith("S ")

    def end(self):
        _, status = os.waitpid(self.child, 0)
        return status

    def close(self):
        os.close(self.descriptor)


@pytest.fixture
def terminal():
    one = Terminal()
    yield one
    one.close()


def test_from_a_pipe():
    for text in (PASSWORD + "\n", PASSWORD, PASSWORD + "\nmore\n"):
        done = tps("hash-password", input=text)
        assert done.returncode == 0 and done.stdout.startswith("$argon2id$") and done.stderr == "", done


@pytest.mark.parametrize("text", ["", "short\n", "x" * 1025 + "\n"])
def test_a_bad_length_is_refused(text):
    done = tps("hash-password", input=text)
    assert done.returncode == 2 and "8 to 1024 bytes" in done.stderr and done.stdout == ""


def test_a_terminal_does_not_show_it(terminal):
    terminal.wait_for_the_prompt()
    os.write(terminal.descriptor, PASSWORD.encode() + b"\n")
    terminal.read_until("$argon2id$")
    assert os.waitstatus_to_exitcode(terminal.end()) == 0
    assert PASSWORD not in terminal.shown


@pytest.mark.parametrize("how", ["typed", "sent"])
def test_the_terminal_has_its_echo_back_after_an_interrupt(terminal, how):
    terminal.wait_for_the_prompt()
    if how == "typed":
        os.write(terminal.descriptor, b"\x03")
    else:
        os.kill(terminal.child, signal.SIGINT)
    terminal.read_until("no password was given")
    assert terminal.echoes()
    assert os.waitstatus_to_exitcode(terminal.end()) == 1
