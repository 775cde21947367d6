"""Starts, watches and ends the processes of tests, always by pid.

Every child ends with the thread that started it, so that a killed test run leaves no processes. Start children from the
main thread only.
"""
import os
import random
import signal
import socket
import subprocess
import time


def wait_until(condition, seconds=10.0, what="the condition"):
    """Polls until `condition()` is truthy and returns it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.01)


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it while a server is restarting."""
    for _ in range(1000):
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    def __init__(self, command, log_path, user=None, environment=None, folder=None, namespace=None):
        """`user`: run as this user if we are root. `namespace`: run in this network namespace."""
        launcher = ["ip", "netns", "exec", namespace] if namespace else []
        launcher += ["setpriv", "--pdeathsig", "KILL"]
        if user and os.geteuid() == 0:
            launcher += [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        with open(log_path, "ab") as log:
            self.child = subprocess.Popen(
                launcher + command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder
            )

    @property
    def running(self):
        return self.child.poll() is None

    def send(self, number):
        self.child.send_signal(number)

    def wait(self, seconds=30):
        return self.child.wait(seconds)

    def kill(self):
        """Sends SIGKILL. The process is gone when this returns."""
        if self.running:
            self.child.kill()
        self.child.wait(10)

    def end(self, number=signal.SIGTERM, seconds=30):
        """Stops it and returns the exit code. A process that does not end is killed and reported."""
        if self.running:
            self.send(signal.SIGCONT)
            self.send(number)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.child.args[-3:]} did not end within {seconds} s of {number!r}") from None


def run(command, **options):
    """Runs a short command to its end. Its outputs are text."""
    options.setdefault("timeout", 30)
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
