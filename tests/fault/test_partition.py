"""The network between the API and the database drops everything for a while. Every request ends in time, the probes report the
fault, and service is back soon after the network is."""
import time

import pytest
from support.clients import Clients
from support.database import PostgresDatabase
from support.every_route import EveryRoute
from support.fixtures import short_or_long
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.namespace import Network
from support.process import wait_until
from support.servers import Postgres
from support.tps import Tps

LASTS = short_or_long(8, 60)  # seconds
DEADLINE = 4  # of a request; the least that can be set
BACK_WITHIN = 3
NOTICED_WITHIN = 3.5  # docs/availability.md says 3 s after the last answer; probes ask every 0.1 s


@pytest.fixture
def network():
    one = Network()
    yield one
    one.remove()


@pytest.fixture
def far_postgres(network):
    server = Postgres(host=network.far_address, namespace=network.far)
    yield server
    server.stop()


class Probes(Clients):
    """Probes /health and /readiness like a kubelet."""

    def __init__(self, server):
        super().__init__(1)
        self.server = server
        self.health, self.readiness = [], []  # (when, status)

    def _run(self, _number):
        while not self.stopping.wait(0.1):
            for path, seen in (("/health", self.health), ("/readiness", self.readiness)):
                seen.append((time.monotonic(), self.server.status(path)))


def test_the_database_cannot_be_reached(network, far_postgres, folder):
    database = PostgresDatabase(far_postgres)
    server = Tps(folder, "--database-url", database.url, "--migrate", "--request-timeout", DEADLINE * 1000).start()
    with Load([server.port], timeout=40) as load:
        load.wait_for(300)
        with EveryRoute(server.port, threads=4) as routes, Probes(server) as probes:
            load.wait_for(300)
            network.cut()
            cut = time.monotonic()
            wait_until(lambda: probes.readiness and probes.readiness[-1][1] == 503, 10, "readiness to turn")
            noticed = time.monotonic() - cut
            time.sleep(max(0, cut + LASTS - time.monotonic()))  # how long it lasts is given
            refused = [one for mine in load.sent for one in mine if one.outcome == "refused"]
            network.heal()
            healed = time.monotonic()
            wait_until(lambda: server.status("/readiness") == 200, 20, "readiness after the partition")
            ready = time.monotonic() - healed
            load.wait_for(1, 20)
            served = time.monotonic() - healed
            load.wait_for(300)
        sent = load.stop()
    longest = max(one.seconds for one in sent)
    print(f"{LASTS} s of partition: readiness said so after {noticed:.1f} s; {len(refused)} requests refused, the longest of "
          f"the load took {longest:.2f} s, of all routes {routes.slowest}; ready again {ready:.2f} s and serving "
          f"{served:.2f} s after it healed")
    assert noticed < NOTICED_WITHIN
    assert refused, "nobody was told so"
    assert {status for _, status in probes.health} == {200}
    assert {status for when, status in probes.readiness if cut + noticed < when < healed} == {503}
    assert longest < DEADLINE + 1 and routes.slowest[0] < DEADLINE + 1
    assert ready < BACK_WITHIN and served < BACK_WITHIN
    retry_unknown([server.port], sent)
    wait_settled(database)
    check(database, sent)
    server.stop()
