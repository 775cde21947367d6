"""API instances behind haproxy, and workers, on one PostgreSQL."""
import contextlib
import shutil
import signal

from support.database import PostgresDatabase
from support.haproxy import NOTICED_WITHIN_MS, Haproxy
from support.process import wait_until
from support.servers import temporary_folder
from support.tps import Tps, tps

WORKERS = 2


class Fleet:
    def __init__(self, postgres, folder, instances, retries):
        self.folder = folder
        self.database = PostgresDatabase(postgres)
        options = ["--database-url", self.database.url]
        assert tps("migrate", *options).returncode == 0
        drain = {"TPS_DRAIN_DELAY": str(NOTICED_WITHIN_MS)}
        self.instances = [Tps(folder, *options, "--no-worker", environment=drain) for _ in range(instances)]
        self.workers = [Tps(folder, *options, command="worker") for _ in range(WORKERS)]
        self.retries = retries
        self.haproxy = None

    def start(self):
        for one in [*self.instances, *self.workers]:
            one.start()
        self.haproxy = Haproxy([one.port for one in self.instances], self.retries)

    @property
    def port(self):
        return self.haproxy.port

    def start_again(self, one):
        """Starts a process. If it serves clients, haproxy uses it again when this returns."""
        one.start()
        if one in self.instances:
            wait_until(lambda: self.haproxy.is_up(one.port), 10, "haproxy seeing the instance again")

    def settled(self):
        return self.database.rows("SELECT count(*) FROM settlement_log")[0][0]

    def stop(self):
        for one in [*self.instances, *self.workers]:
            one.process.send(signal.SIGTERM)
        for one in [*self.instances, *self.workers]:
            one.stop()

    def end(self):
        """Stops everything, also after a failure."""
        if self.haproxy:
            self.haproxy.stop()
        for one in [*self.instances, *self.workers]:
            if one.running:
                one.kill()


@contextlib.contextmanager
def fleet(postgres, instances=3, retries=0):
    folder = temporary_folder("fleet")
    running = Fleet(postgres, folder, instances, retries)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        running.end()
        shutil.rmtree(folder, ignore_errors=True)
