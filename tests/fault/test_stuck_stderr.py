"""Logging never blocks serving: the reader of stderr stops reading (a stuck log driver, `less`, a stopped terminal) under load
and at the most talkative level. The server answers all requests, drops and counts lines, and obeys SIGTERM."""
import contextlib
import fcntl
import os
import pty
import re
import time

import pytest
from support.client import Connection, request_bytes
from support.fixtures import short_or_long
from support.process import wait_until
from support.tps import PATIENCE, Tps

CONNECTIONS = 300
ROUNDS = short_or_long(20, 200)
TERM_WITHIN = 5 if PATIENCE == 10 else 30  # draining idle connections takes half a second, the last words wait one
DROPPED = "tps_log_lines_dropped_total"
DEPOSIT = {"user_id": "ada", "amount": 1, "currency": "USD"}


class Reader:
    """The reading end of a process's stderr, at `path`. It reads only when the test says so."""

    def __init__(self, kind, folder):
        if kind == "pipe":
            self.path = folder / "stderr"
            os.mkfifo(self.path)
            self.ends = [os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)]
        else:
            self.ends = list(pty.openpty())
            self.path = os.ttyname(self.ends[1])
            os.set_blocking(self.ends[0], False)
        self.text = ""

    def fill(self):
        end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        with contextlib.suppress(BlockingIOError):
            while os.write(end, b"x"):
                pass
        os.close(end)

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.ends[0], 65536):
                self.text += piece.decode().replace("\r\n", "\n")
        return self.text

    def close(self):
        for end in self.ends:
            os.close(end)


@pytest.fixture(params=["pipe", "terminal"])
def reader(request, folder):
    one = Reader(request.param, folder)
    yield one
    one.close()


def talkative(folder, reader, command):
    """An instance that logs every request to the reader."""
    server = Tps(folder, "--log-level", "debug", "--log-format", "json", command=command)
    server.log_path = reader.path
    return server


@pytest.fixture(params=["serve", "worker"])
def server(request, folder, reader):
    one = talkative(folder, reader, request.param).launch()
    wait_until(lambda: one.status("/readiness") == 200, PATIENCE, "readiness")
    yield one
    if one.running:
        one.kill()


def load(server):
    """Sends a request on all connections at once, in rounds. Returns the statuses."""
    api = server.arguments[0] == "serve"
    data = request_bytes("POST", "/transactions", DEPOSIT) if api else request_bytes("GET", "/health")
    statuses = []
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(server.port)) for _ in range(CONNECTIONS)]
        for _ in range(ROUNDS):
            for one in connections:
                one.send(data)
            statuses += [one.read().status for one in connections]
            assert server.status("/health") == 200
    return statuses, 201 if api else 200


def stop(server):
    started = time.monotonic()
    server.process.child.terminate()
    assert server.process.wait(TERM_WITHIN) == 0
    print(f"SIGTERM to the end: {time.monotonic() - started:.2f} s")


def test_requests_are_answered(server):
    statuses, good = load(server)
    assert statuses == [good] * CONNECTIONS * ROUNDS
    assert server.metric(DROPPED) > 0
    stop(server)


def test_a_reader_that_comes_back_is_told_of_the_gap(server, reader):
    load(server)
    dropped = server.metric(DROPPED)
    wait_until(lambda: "lines were dropped" in reader.read(), PATIENCE, "a line about the lines dropped")
    [told] = re.findall(r'dropped[^}]*"lines":"(\d+)"', reader.text)
    assert dropped <= int(told) <= dropped + 100, "the scrape and its like were dropped, too"
    assert server.metric(DROPPED) == int(told)
    server.process.child.terminate()
    wait_until(lambda: not server.running or (reader.read() and False), TERM_WITHIN, "the end")
    assert '"stopped"' in reader.read()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_failed_start_does_not_wait_for_the_reader(folder, reader, command):
    reader.fill()
    server = talkative(folder, reader, command)
    server.arguments += ["--assets", "no such thing"]
    assert server.launch().process.wait(TERM_WITHIN) == 2


def test_the_descriptor_stays_as_it_is(server, reader):
    """Other processes may share the descriptor, such as a shell its terminal."""
    number = f"/proc/{server.process.child.pid}/fdinfo/2"
    with open(number, encoding="ascii") as lines:
        [flags] = [int(line.split()[1], 8) for line in lines if line.startswith("flags:")]
    assert not flags & os.O_NONBLOCK and fcntl.fcntl(reader.ends[0], fcntl.F_GETFL) & os.O_NONBLOCK
    stop(server)
