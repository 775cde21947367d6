"""Ten times the load that the system can carry. It keeps its peak rate, sheds the excess honestly (G8), bounds the wait of
accepted requests (G9), and passes the liveness probe."""
import time
from collections import Counter

import pytest
from support.clients import Clients
from support.cpu_cap import CpuCap
from support.database import PostgresDatabase
from support.fixtures import short_or_long
from support.open_load import OpenLoad, peak
from support.tps import Tps

ROUNDS = short_or_long(1, 3)
SECONDS = short_or_long(4, 10)
OVERLOAD = 10
SHARE = 0.1  # of one processor, so that this machine can make ten times the load
DEADLINE = 10  # seconds, of a request
PATIENCE = 1  # seconds that a client waits for one of its connections to become free
CONNECTIONS = 4000
SLACK = 2  # seconds, since clients, server and database share this machine
PROBE_TIMEOUT = 3  # of the liveness probe in infra/k8s/base/deployment.yaml
# The process that is short of processor time, and the limit that then sheds load.
CASES = {"server": ("--max-connections", 2000), "database": ("--submit-queue", 500)}


class Liveness(Clients):
    """Probes /health like a kubelet, on a new connection each time. Records the answers and the longest time."""

    def __init__(self, server):
        super().__init__(1)
        self.server = server
        self.said, self.longest = [], 0.0

    def _run(self, _number):
        while not self.stopping.wait(0.2):
            started = time.monotonic()
            self.said.append(self.server.status("/health", timeout=PROBE_TIMEOUT))
            self.longest = max(self.longest, time.monotonic() - started)


def overload(server, number):
    """(the peak, the figures at ten times that load, the peak afterwards)"""
    before = peak(server.port, SECONDS, 256, seed=3 * number)
    liveness = Liveness(server).start()
    load = OpenLoad(server.port, rate=OVERLOAD * before["rate"], patience=PATIENCE, connections=CONNECTIONS,
                    seconds=SECONDS, seed=3 * number + 1)
    try:
        over = load.wait()
    finally:
        load.end()
        liveness.end()
    liveness.check()
    print(f"/health said {dict(Counter(liveness.said))}, after {liveness.longest:.2f} s at most")
    assert 200 in liveness.said and set(liveness.said) <= {200, None}, "too many clients look like an instance that is dead"
    after = peak(server.port, SECONDS, 256, seed=3 * number + 2)
    return before, over, after


def tell(before, over, after):
    refused = over["answers"] - over["ok"]
    print(f"peak {before['rate']:.0f} and {after['rate']:.0f} POST/s; at {OVERLOAD} times that {over['rate']:.0f} accepted/s, "
          f"{refused / over['seconds']:.0f} refused/s, {over['given_up']} given up by clients without a connection; p99 of the "
          f"accepted {over['ok_latency_us']['p99'] / 1e6:.2f} s")


@pytest.mark.parametrize("short", CASES)
def test_ten_times_the_peak(short, postgres, folder):
    database = PostgresDatabase(postgres)
    server = Tps(folder, "--database-url", database.url, "--migrate", "--request-timeout", DEADLINE * 1000,
                 *CASES[short]).start()
    capped = {"server": server.process, "database": postgres.process}[short]
    limit = CASES[short][1]
    cap = CpuCap(capped.child.pid, SHARE)
    try:
        warm = peak(server.port, 1, 256, seed=1000)  # plans and buffers, too
        rounds = [overload(server, number) for number in range(ROUNDS)]
    finally:
        cap.lift()
    stored, goodput, capacity, lateness = warm["stored_total"], 0.0, 0.0, []
    for figures in rounds:
        before, over, after = figures
        tell(*figures)
        goodput, capacity = goodput + over["rate"], capacity + (before["rate"] + after["rate"]) / 2
        assert over["answers"] > over["ok"], "nothing was refused: this tested nothing"
        assert over["unexplained"] == 0, "refused without Retry-After"
        assert set(over["status"]) == {"201", "503"} and over["broken"] == over["unanswered"] == 0, over
        assert set(before["status"]) == set(after["status"]) == {"201"}
        stored += sum(one["stored_total"] for one in figures)
        if short == "database":  # clients of a slow instance wait and send less
            assert over["answers"] >= 0.5 * OVERLOAD * before["rate"] * SECONDS, "most of the load was never sent"
        assert over["ok_latency_us"]["p99"] / 1e6 < PATIENCE + DEADLINE + 1
        # An accepted request waits for those before it.
        lateness.append(over["ok_latency_us"]["p99"] / 1e6 - PATIENCE - 2 * limit / over["rate"])
    print(f"goodput {goodput / capacity:.0%} of the peak")
    assert sorted(lateness)[len(lateness) // 2] < SLACK
    assert goodput >= 0.9 * capacity
    # The log has exactly the requests that got 201: none of the refused.
    assert database.rows("SELECT count(*) FROM transaction_log")[0][0] == stored
    server.stop()
