"""PostgreSQL crashes under load: nothing acknowledged is lost, no key is doubled, and service is back soon after it."""
import signal
import threading
import time

from support.client import Client
from support.deployment import deploy
from support.fixtures import short_or_long
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.process import wait_until

ROUNDS = short_or_long(1, 10)
BACK_WITHIN = 2  # seconds after the database


def test_immediate_restart_under_load(postgres, redis):
    with deploy("pair", postgres, redis) as running:
        load = Load(running.ports).start()
        for _ in range(ROUNDS):
            load.wait_for(300)
            postgres.restart_immediately()
            back = time.monotonic()
            with running.client() as client:
                for _ in running.instances:
                    wait_until(lambda: client.get("/readiness").status == 200, 20, "readiness after the restart")
            load.wait_for(1, 20)
            took = time.monotonic() - back
            print(f"service back {took:.2f} s after the database")
            assert took < BACK_WITHIN
            load.wait_for(300)
        sent = load.stop()
        retry_unknown(running.ports, sent)
        wait_settled(running.database)
        check(running.database, sent)
        for one in running.instances:
            assert one.metric("tps_store_reconnects_total") > 0


READS = ("/transactions/1", "/transactions", "/transactions?order=asc&after=0", "/users/u/balances",
         "/users/u/balances?at=2026-01-01T00:00:00Z", "/users/u/statement?currency=USD")
WRITES = (("POST", "/transactions", {"user_id": "u", "amount": 1, "currency": "USD"}),
          ("POST", "/transactions/batch", {"transactions": [{"user_id": "u", "amount": 1, "currency": "USD"}]}),
          ("POST", "/transactions/1/reverse", {}), ("PUT", "/users/u/accounts/USD", {"frozen": False}))


def ask_everything(port, failures):
    """Every route again and again while the database is away: refused, or not known, and never a broken connection."""
    try:
        with Client(port, timeout=20) as client:
            for _ in range(60):
                for path in READS:
                    assert client.get(path).status in (200, 503), path
                for method, path, body in WRITES:
                    assert client.request(method, path, body).status in (200, 201, 503, 504), path
    except BaseException as error:  # for the main thread to raise
        failures.append(error)


def test_every_route_survives_without_the_database(postgres, redis):
    with deploy("postgres", postgres, redis) as running:
        with running.client() as client:
            assert client.post("/transactions", {"user_id": "u", "amount": 5, "currency": "USD"}).status == 201
        failures = []
        postgres.process.end(signal.SIGQUIT)
        threads = [threading.Thread(target=ask_everything, args=(running.first.port, failures)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(100)
        postgres.start()
        assert not failures, failures[0]
        wait_until(lambda: running.first.status("/readiness") == 200, 20, "readiness after the restart")
