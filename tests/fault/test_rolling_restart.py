"""Every instance and every worker is restarted (SIGTERM), one after the other, at 80% of the peak load: no client sees it."""
import signal

from support.client import Connection, request_bytes
from support.deployment import deploy
from support.fixtures import short_or_long
from support.fleet import fleet
from support.history import wait_settled
from support.open_load import OpenLoad, peak
from support.process import wait_until

ROUNDS = short_or_long(1, 3)
SHARE_OF_PEAK = 0.8


def restart(running, one):
    one.stop()
    running.start_again(one)


def test_no_client_sees_a_rolling_restart(postgres):
    with fleet(postgres) as running:
        most = peak(running.port)
        rate = SHARE_OF_PEAK * most["rate"]
        load = OpenLoad(running.port, rate=rate, connections=256, seed=2)
        try:
            for _ in range(ROUNDS):
                for one in [*running.instances, *running.workers]:
                    restart(running, one)
            figures = load.stop()
        finally:
            load.end()
        print(f"{ROUNDS} x {len(running.instances)} instances and {len(running.workers)} workers restarted in "
              f"{figures['seconds']:.1f} s at {rate:.0f} of {most['rate']:.0f} POST/s: {figures['answers']} answers, "
              f"{figures['status']}, {figures['broken']} connections broken, latency {figures['latency_us']} us")
        failed = figures["answers"] - figures["status"].get("201", 0)
        assert failed == 0, figures
        assert figures["broken"] == figures["malformed"] == figures["unanswered"] == 0, figures
        wait_settled(running.database, 120)
        # The log has exactly the acknowledged transactions, all settled: the server executed no request twice.
        assert running.settled() == most["stored_total"] + figures["stored_total"]


def test_an_idle_connection_hears_of_it_with_its_next_answer():
    with deploy("sqlite", environment={"TPS_DRAIN_DELAY": "5000"}) as running:
        with Connection(running.first.port) as idle, Connection(running.first.port) as asking:
            ask = request_bytes("GET", "/transactions")
            assert "connection" not in idle.send(ask).read().headers
            running.first.process.send(signal.SIGTERM)
            wait_until(lambda: running.first.status("/readiness") == 503, 4, "readiness to turn")  # on new connections
            assert running.first.status("/health") == 200
            for one in (idle, asking):
                answer = one.send(ask).read()
                assert answer.status == 200 and answer.headers["connection"] == "close", answer
                assert one.ended()
