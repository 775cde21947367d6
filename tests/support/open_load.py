"""Load at a rate that does not depend on the responses, from the load generator of the bench (`tps-load --help`)."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

LOAD = pathlib.Path(os.environ.get("TPS_LOAD", "build/release/bench/tps-load"))


class OpenLoad:
    """Keyed POSTs from start to stop(). Without a rate, each connection sends as fast as it can. With a rate, a request is
    given up if no connection is free within `patience` seconds."""

    def __init__(self, port, rate=None, patience=600, connections=64, seconds=300, seed=1):
        if not LOAD.exists():
            pytest.skip(f"there is no load generator at {LOAD}")
        command = ["setpriv", "--pdeathsig", "KILL", str(LOAD), "post", "--keys", "--address", f"127.0.0.1:{port}",
                   "--connections", str(connections), "--seconds", str(seconds), "--seed", str(seed)]
        if rate:
            command += ["--rate", f"{rate:.0f}", "--patience", str(patience)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def running(self):
        return self.child.poll() is None

    def wait(self):
        """Waits for the end and returns the printed figures."""
        out, err = self.child.communicate(timeout=330)
        assert self.child.returncode == 0, err
        return json.loads(out)

    def stop(self):
        """Stops the load and returns the figures after the last response."""
        assert self.running, f"the load ended by itself: {self.child.communicate()}"
        self.child.send_signal(signal.SIGINT)
        return self.wait()

    def end(self):
        """Stops the process, also after a failure."""
        self.child.kill()
        self.child.communicate()


def peak(port, seconds=4, connections=64, seed=1):
    """The figures when every connection sends as fast as it can."""
    return OpenLoad(port, connections=connections, seconds=seconds, seed=seed).wait()
