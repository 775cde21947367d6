"""The cases of settlement: live transfers, a backlog, reads during settlement, long statements."""

import contextlib
import http.client
import json
import subprocess

from cases import WARMUP, bench_peer, fill, settle_under_load, wait_until_settled
from servers import BenchError, wait_until

ACCOUNTS = 1000
# Every account starts with this many USD. Transfers are at most 5,000, so none fails for insufficient funds.
FUNDS = 1_000_000_000
TRANSFERS = {"users": ACCOUNTS, "currency": "USD", "withdrawals": 0, "transfers": 100}
HOT_USER = "user_000000"


def peer(bench):
    """pgbench: a conventional ledger, with a transfer of seven statements per commit."""
    for script, name in (("ledger_transfer.sql", "L"), ("ledger_hot_transfer.sql", "LH")):
        bench.postgres.file(bench_peer("ledger_tables.sql"))
        bench.postgres.sql("CHECKPOINT")
        bench.report.add(name, bench.postgres.pgbench(script, 32, max(1, round(bench.seconds))))
    bench.postgres.sql("DROP TABLE peer_entries, peer_transfers, peer_accounts")


def seed(server):
    """Deposits for all users of the transfers."""
    deposits = [{"user_id": f"user_{user:06}", "amount": FUNDS, "currency": "USD"} for user in range(ACCOUNTS)]
    with contextlib.closing(http.client.HTTPConnection(server.address, timeout=30)) as connection:
        connection.request("POST", "/transactions/batch", json.dumps({"transactions": deposits}),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        results = json.loads(answer.read())["results"] if answer.status // 100 == 2 else []
    if [result["status"] for result in results] != [201] * ACCOUNTS:
        raise BenchError(f"the first deposits were not accepted ({answer.status})")


def check_share_settled(bench, database, name):
    """Checks that transfers settled, because a failed transfer is cheaper than a settled one."""
    settled, total = (int(database.query(f"SELECT count(*) FROM settlement_log{where}"))
                      for where in (f" WHERE status = '{database.settled}'", ""))
    bench.report.add(f"{name}: settled, not failed", 100 * settled / total, "%")
    if settled < 0.99 * total:
        raise BenchError(f"{name}: only {settled} of {total} settled, the others failed")


def transfers(bench):
    for flag, suffix in (("--uniform", ""), ("--hot", ", one hot account")):
        name = f"transfers settled as they come, PostgreSQL{suffix}"
        with bench.postgres.database("bench") as database, \
                bench.serve(database, bench.redis.url, worker=True) as server:
            seed(server)
            wait_until_settled(server, database)
            result, rate, oldest = settle_under_load(bench, server, bench.settle_seconds, flag, "--uniform",
                                                     **TRANSFERS)
            wait_until_settled(server, database)
            bench.check_ids(bench.folder / "acknowledged", database)
            bench.report.add(name, rate, "/s", result)
            bench.report.add(f"oldest pending, transfers{suffix}", oldest, "s")
            check_share_settled(bench, database, f"transfers{suffix}")


def settle_backlog(bench, database, redis_url):
    """Transactions a second of a worker without other load, from its first batch to its last."""
    backlog = int(database.query("SELECT count(*) FROM transaction_log"))
    database.checkpoint()
    samples = []
    with bench.serve(database, redis_url, worker=True) as server:
        def is_settled():
            server.child.check()
            samples.append(server.settling())
            return samples[-1][1] >= backlog

        wait_until(is_settled, "the backlog to settle", 300, every=0.05)
        wait_until_settled(server, database)
    first = next(sample for sample in samples if sample[1] > 0)
    last = samples[-1]
    if last[0] - first[0] < 1:
        raise BenchError(f"a backlog of {backlog} settled too fast to measure")
    return (last[1] - first[1]) / (last[0] - first[0])


def backlog(bench):
    for new_database, redis_url in bench.stores():
        with new_database() as database:
            with bench.serve(database, redis_url) as server:
                fill(server, bench.backlog, transfers=5)
            bench.report.add(f"settle alone from a backlog, {database.name}", settle_backlog(bench, database, redis_url))


def wait(bench):
    with bench.sqlite() as database, bench.serve(database, worker=True) as server:
        result = bench.checked(server, database, "post", "--wait", 5, connections=1)
        wait_until_settled(server, database)
        bench.report.add("p50 of POST with Prefer: wait, SQLite, 1 connection", result["latency_us"]["p50"] / 1000, "ms",
                         result)


def balances(bench):
    """Reads at a fixed rate while 256 connections post and a worker settles."""
    seconds = 2 * bench.seconds
    for new_database, redis_url in bench.stores():
        with new_database() as database, bench.serve(database, redis_url, worker=True) as server:
            seed(server)
            wait_until_settled(server, database)
            posts = server.load_command("post", "--uniform", connections=256, seconds=seconds + 1, warmup=WARMUP,
                                        **TRANSFERS)
            with subprocess.Popen(posts, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
                result = server.load("path", "--uniform", path="/users/{user}/balances", users=ACCOUNTS, rate=200,
                                     connections=16, seconds=seconds, warmup=WARMUP)
                posted = server.load_result(load.wait(), *load.communicate())
            name = f"balance read while settling, {database.name}"
            bench.report.add(f"p99 of {name}", result["latency_us"]["p99"] / 1000, "ms", result)
            bench.report.add(f"POST beside balance reads, {database.name}", posted["stored_rate"], load=posted)


def statement(bench):
    """An account that takes part in every transfer."""
    path = f"/users/{HOT_USER}/statement?currency=USD"
    for new_database, redis_url in bench.stores():
        with new_database() as database:
            with bench.serve(database, redis_url) as server:
                seed(server)
                fill(server, bench.backlog, "--hot", "--uniform", **TRANSFERS)
            rate = settle_backlog(bench, database, redis_url)
            bench.report.add(f"settle alone, transfers, one hot account, {database.name}", rate)
            check_share_settled(bench, database, f"a long statement, {database.name}")
            with bench.serve(database, redis_url) as server:
                status, body = server.get(path)
                if status != 200:
                    raise BenchError(f"GET {path}: {status} {body[:200]}")
                result = server.load("path", path=path, connections=1, count=200)
                bench.report.add(f"p99 of the first page of a long statement, {database.name}",
                                 result["latency_us"]["p99"] / 1000, "ms", result)


BASES = {"ledger": peer}
ONCE = {"transfers": transfers, "backlog": backlog, "wait": wait, "balances": balances, "statement": statement}
