"""The program under test, run like a user runs it."""
import json
import os
import signal
import time

from support.client import Broken, Client, Connection
from support.process import Process, free_port, run, wait_until

BINARY = os.environ.get("TPS_BINARY", "build/release/tps")
PATIENCE = 10 if "SAN_OPTIONS" not in str(list(os.environ)) else 60


def clean_environment(extra=None):
    """Our environment without settings of the program, so that a developer's shell does not change tests."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("TPS_") and name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | (extra or {})


def tps(*arguments, environment=None, binary=BINARY, **options):
    """Runs a command to its end."""
    return run([os.path.abspath(binary), *arguments], env=clean_environment(environment), **options)


class Tps:
    """A `tps serve` that keeps its port over restarts."""

    def __init__(self, folder, *arguments, environment=None, command="serve", binary=BINARY, address="127.0.0.1", tls=None):
        """`tls`: the ssl.SSLContext of its clients, for https."""
        self.folder = folder
        self.tls = tls
        self.host = "127.0.0.1" if address == "0.0.0.0" else address.strip("[]")
        self.binary = binary
        self.port = free_port()
        self.arguments = [command, "--listen", f"{address}:{self.port}", *map(str, arguments)]
        self.environment = clean_environment(environment)
        self.log_path = folder / f"tps-{self.port}.log"
        self.process = None

    def launch(self):
        """Starts it without waiting."""
        self.process = Process([os.path.abspath(self.binary), *self.arguments], self.log_path, environment=self.environment,
                               folder=self.folder)
        return self

    def start(self):
        """Starts it and returns when it is ready."""
        return self.launch().wait_ready()

    def wait_ready(self):
        wait_until(self.ready, PATIENCE, "readiness")
        return self

    def ready(self):
        assert self.process.running, f"ended with {self.process.child.returncode}:\n{self.log()}"
        return self.status("/readiness") == 200

    def status(self, path, timeout=2):
        """The status of a GET, or None if there is no response."""
        try:
            with self.client(timeout=timeout) as client:
                return client.get(path).status
        except (Broken, OSError):
            return None

    def client(self, **options):
        return Client(self.port, tls=self.tls, host=self.host, **options)

    def connect(self, **options):
        return Connection(self.port, tls=self.tls, host=self.host, **options)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def running(self):
        return self.process is not None and self.process.running

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_records(self):
        """The JSON lines of the log."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def metric(self, name):
        """The sum of all series whose text starts with `name` ('tps_x', 'tps_x{a="b"')."""
        with self.client() as client:
            lines = client.get("/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def kill(self):
        self.process.kill()

    def pause(self):
        self.process.send(signal.SIGSTOP)

    def resume(self):
        self.process.send(signal.SIGCONT)

    def stop(self):
        """Sends SIGTERM. A healthy server exits with 0, a sanitizer's finding does not."""
        if not self.running:
            return
        started = time.monotonic()
        code = self.process.end(signal.SIGTERM, 35)
        assert code == 0, f"exit code {code} after {time.monotonic() - started:.1f} s:\n{self.log()[-4000:]}"
