"""Ten times the load that the system can carry: it goes on at its peak, says no honestly (G8), and what it accepts does not wait
for ever (G9)."""
import pytest
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
# What is short of processor time, and the limit that then says no.
CASES = {"server": ("--max-connections", 2000), "database": ("--submit-queue", 500)}


def overload(server, number):
    """(the peak, the figures of ten times as much, the peak again)"""
    before = peak(server.port, SECONDS, 256, seed=3 * number)
    load = OpenLoad(server.port, rate=OVERLOAD * before["rate"], patience=PATIENCE, connections=CONNECTIONS,
                    seconds=SECONDS, seed=3 * number + 1)
    try:
        over = load.wait()
    finally:
        load.end()
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
    cap = CpuCap(capped.child.pid, SHARE)
    try:
        warm = peak(server.port, 1, 256, seed=1000)  # plans and buffers, too
        rounds = [overload(server, number) for number in range(ROUNDS)]
    finally:
        cap.lift()
    stored, goodput, capacity = warm["stored_total"], 0.0, 0.0
    for figures in rounds:
        before, over, after = figures
        tell(*figures)
        goodput, capacity = goodput + over["rate"], capacity + (before["rate"] + after["rate"]) / 2
        assert over["answers"] > over["ok"], "nothing was refused: this tested nothing"
        assert over["unexplained"] == 0, "refused without Retry-After"
        assert set(over["status"]) == {"201", "503"} and over["broken"] == over["unanswered"] == 0, over
        assert set(before["status"]) == set(after["status"]) == {"201"}
        stored += sum(one["stored_total"] for one in figures)
        assert over["ok_latency_us"]["p99"] / 1e6 < PATIENCE + DEADLINE + 1
    print(f"goodput {goodput / capacity:.0%} of the peak")
    assert goodput >= 0.9 * capacity
    # What was answered with 201 and nothing else: none of the refused.
    assert database.rows("SELECT count(*) FROM transaction_log")[0][0] == stored
    server.stop()
