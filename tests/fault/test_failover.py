"""The primary of a synchronous pair is killed under load, again and again: no acknowledged transaction is lost
(G1), no key is doubled (G2), and writes continue once the standby has been promoted."""
import time

import pytest
from support.client import Broken
from support.database import PostgresDatabase
from support.fixtures import short_or_long
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.patroni import Cluster
from support.process import wait_until
from support.tps import Tps

KILLS = short_or_long(1, 10)
RESUMES_WITHIN = 2  # seconds after the failover


@pytest.fixture
def cluster():
    one = Cluster()
    yield one
    one.stop()


def serves(server, number):
    """True if the instance is ready and accepts a payment."""
    if server.status("/readiness") != 200:
        return False
    with server.client(timeout=5) as client:
        try:
            one = {"user_id": f"after_kill_{number}", "amount": 1, "currency": "USD"}
            return client.post("/transactions", one).status == 201
        except Broken:
            return False


def fail_over(cluster, servers, load, number):
    """(seconds until there is a new primary, seconds from then on until each instance has taken a write)"""
    cluster.wait_synchronous()
    load.wait_for(300)
    primary, standby = cluster.primary(), cluster.standby()
    primary.kill()
    killed = time.monotonic()
    wait_until(standby.is_primary, 60, "the promotion of the standby")
    promoted = time.monotonic()
    for server in servers:  # each of them: clients that find one dead would go to the other
        wait_until(lambda: serves(server, number), 20, f"a write by the instance on port {server.port}")
    resumed = time.monotonic()
    load.wait_for(300)
    primary.start()
    return promoted - killed, resumed - promoted


def test_the_primary_is_killed(cluster, folder):
    database = PostgresDatabase(cluster)
    servers = [Tps(folder, "--database-url", database.url, "--migrate").start() for _ in range(2)]
    ports = [one.port for one in servers]
    load, slowest = Load(ports, threads=8, timeout=15).start(), 0.0
    try:
        for number in range(KILLS):
            failover, after = fail_over(cluster, servers, load, number)
            print(f"kill {number}: failover {failover:.1f} s, writes {after:.2f} s after it")
            slowest = max(slowest, after)
        sent = load.stop()
    finally:
        load.stopping.set()
    outcomes = [one.outcome for one in sent]
    unknown = retry_unknown(ports, sent)
    print(f"{KILLS} kills, {len(sent)} requests, {outcomes.count('acknowledged')} acknowledged, {unknown} of unknown outcome "
          f"asked again; slowest resumption {slowest:.2f} s after the failover")
    assert slowest < RESUMES_WITHIN
    wait_settled(database)
    check(database, sent)
    for one in servers:
        one.stop()
