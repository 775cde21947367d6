"""PostgreSQL crashes under load: nothing acknowledged is lost, no key is doubled, and service is back soon after it."""
import signal
import time

from support.deployment import deploy
from support.every_route import EveryRoute
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


def test_every_route_survives_without_the_database(postgres, redis):
    with deploy("postgres", postgres, redis) as running:
        with running.client() as client:
            assert client.post("/transactions", {"user_id": "u", "amount": 5, "currency": "USD"}).status == 201
        postgres.process.end(signal.SIGQUIT)
        try:
            routes = EveryRoute(running.first.port, threads=16, rounds=60).start()
            routes.join()
            routes.check()
        finally:
            postgres.start()
        wait_until(lambda: running.first.status("/readiness") == 200, 20, "readiness after the restart")
