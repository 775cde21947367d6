"""Two API instances and a worker on PostgreSQL and Redis, with ways to break each of them."""
import shutil

from support.answers import pay, read
from support.database import PostgresDatabase
from support.process import wait_until
from support.servers import Postgres, Redis, temporary_folder
from support.tcp_proxy import PASS, TcpProxy
from support.tps import Tps

QUEUE = 8
CONNECTIONS = 100


class Fleet:
    """`second` has small limits. It and the worker reach the database through a proxy."""

    def __init__(self):
        self.folder = temporary_folder("fleet")
        self.stoppable = []
        # Alerts depend on the latency of POSTs, and the disk of this test may be slow.
        self.postgres, self.redis = self._keep(Postgres(["fsync=off"])), self._keep(Redis())
        self.database = PostgresDatabase(self.postgres)
        self.judges = {"second": lambda data: PASS, "worker": lambda data: PASS}
        self.first = self._launch(self.database.url, "--redis-url", self.redis.url, "--migrate", "--no-worker")
        self.second = self._launch(self._proxied("second"), "--redis-url", self.redis.url, "--no-worker",
                                   "--submit-queue", QUEUE, "--max-connections", CONNECTIONS)
        self.worker = self._launch(self._proxied("worker"), command="worker")

    def _keep(self, server):
        self.stoppable.append(server)
        return server

    def _proxied(self, name):
        proxy = self._keep(TcpProxy(self.postgres.port, on_request=lambda data: self.judges[name](data)))
        return self.postgres.url(self.database.name, proxy.port)

    def _launch(self, url, *options, command="serve"):
        return self._keep(Tps(self.folder, "--database-url", url, *options, command=command).start())

    @property
    def ports(self):
        return [self.first.port, self.second.port]

    @property
    def targets(self):
        return {"tps-api": self.ports, "tps-worker": [self.worker.port]}

    def wait_well(self):
        """Waits until all processes are ready, nothing is pending, the ledger check has succeeded, and Redis is in use."""
        for one in (self.first, self.second, self.worker):
            if not one.running:
                one.start()
            wait_until(one.ready, 30, "readiness")
        wait_until(lambda: self.worker.metric("tps_settlement_backlog") == 0, 30, "settlement")
        wait_until(lambda: self.worker.metric("tps_ledger_imbalance") == 0, 30, "a look at the ledger")
        for one in (self.first, self.second):
            wait_until(lambda one=one: self._uses_redis(one), 30, "Redis")

    @staticmethod
    def _uses_redis(instance):
        with instance.client() as client:
            read(client, pay(client, "well", 1)["id"])  # a final transaction is put into Redis
        return instance.metric("tps_cache_breaker_open") == 0

    def stop(self):
        for server in reversed(self.stoppable):
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
