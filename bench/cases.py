"""The cases of the bench. A case sets up its servers, measures, and records figures under fixed names."""

import array
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import pathlib
import secrets
import subprocess
import tempfile
import time

from servers import BenchError, SqliteDatabase, Tps, wait_until

WARMUP = 0.5
BODY = b'{"user_id":"user_11","amount":12.75,"currency":"USD"}'


class Bench:
    def __init__(self, folder, postgres, redis, report, settings):
        self.folder, self.postgres, self.redis, self.report = folder, postgres, redis, report
        self.seconds = settings.seconds
        self.settle_seconds = settings.settle_seconds
        self.rows_before = settings.rows
        self.runs = settings.runs
        self.backlog = settings.backlog

    @contextlib.contextmanager
    def sqlite(self, _name=None):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield SqliteDatabase(pathlib.Path(folder))

    def stores(self):
        """(context manager of an empty database, Redis or none) for each store."""
        return [(lambda name="bench": self.postgres.database(name), self.redis.url), (self.sqlite, None)]

    def serve(self, database, redis_url=None, worker=False, environment=None):
        return Tps(self.folder, database.url, redis_url, worker, environment=environment)

    def load(self, server, mode, *options, seconds=None, **named):
        return server.load(mode, *options, seconds=seconds or self.seconds, warmup=WARMUP, **named)

    def checked(self, server, database, mode, *options, **named):
        """A load, after which the database must contain every acknowledged id exactly once."""
        path = self.folder / "acknowledged"
        result = self.load(server, mode, *options, acknowledged=path, **named)
        self.check_ids(path, database)
        return result

    def check_ids(self, path, database):
        acknowledged = array.array("q")
        acknowledged.frombytes(path.read_bytes())
        distinct = set(acknowledged)
        missing = len(distinct.difference(database.ids())) + len(acknowledged) - len(distinct)
        self.report.checked_ids += len(acknowledged)
        self.report.missing_ids += missing
        if missing:
            self.report.notes.append(f"{database.name}: {missing} acknowledged ids are missing or were given twice")


def peer(bench):
    """pgbench: one INSERT and one commit for each transaction."""
    for table, script, suffix in (("table.sql", "insert.sql", ""), ("keyed_table.sql", "keyed_insert.sql", " keys")):
        for clients in (1, 64):
            if suffix and clients == 1:
                continue
            bench.postgres.sql("DROP TABLE IF EXISTS peer_log")
            bench.postgres.sql("CHECKPOINT")
            bench.postgres.file(bench_peer(table))
            rate = bench.postgres.pgbench(script, clients, max(1, round(bench.seconds)))
            bench.report.add(f"P{clients}{suffix}", rate)
    bench.postgres.sql("DROP TABLE IF EXISTS peer_log")


def bench_peer(name):
    return pathlib.Path(__file__).resolve().parent / "peer" / name


def floor(bench):
    """Our own /health: the cost of HTTP alone."""
    with bench.sqlite() as database, bench.serve(database) as server:
        result = bench.load(server, "health", connections=64)
        bench.report.add("F", result["rate"], load=result)


def post(bench):
    for new_database, redis_url in bench.stores():
        for connections in (1, 64, 256):
            for keys in (False, True):
                with new_database() as database, bench.serve(database, redis_url) as server:
                    flags = ["--keys"] if keys else []
                    result = bench.checked(server, database, "post", *flags, connections=connections)
                    plural = "connection" if connections == 1 else "connections"
                    name = f"POST, {database.name}, {connections} {plural}{', keys' if keys else ''}"
                    bench.report.add(name, result["stored_rate"], load=result)


def batch(bench):
    for new_database, redis_url in bench.stores():
        for options, suffix in (([], ""), (["--ndjson", "--keys"], ", NDJSON, keys")):
            with new_database() as database, bench.serve(database, redis_url) as server:
                result = bench.checked(server, database, "batch", *options, items=1000, connections=8)
                bench.report.add(f"batch of 1000, {database.name}{suffix}", result["stored_rate"], load=result)


def fill(server, transactions, *options, **named):
    """Fills the database through the server, so that the rows and currencies are real."""
    result = server.load("batch", *options, items=1000, count=max(1, transactions // 1000), connections=1, **named)
    if result["stored_total"] < transactions:
        raise BenchError(f"the server stored {result['stored_total']} of {transactions} transactions: {result}")


def wait_until_settled(server, database, seconds=120.0):
    """Waits until the database has a settlement for every transaction."""
    counts = "SELECT (SELECT count(*) FROM transaction_log) - (SELECT count(*) FROM settlement_log)"
    wait_until(lambda: server.child.check() and database.query(counts) == "0", "all transactions to settle", seconds)


def get(bench):
    for new_database, redis_url in bench.stores():
        for worker in (True, False):
            with new_database() as database, bench.serve(database, redis_url, worker) as server:
                fill(server, 10_000)
                if worker:
                    wait_until_settled(server, database)
                status = "settled" if worker else "pending"
                if f'"status":"{status}"' not in server.get("/transactions/1")[1].replace(" ", ""):
                    raise BenchError(f"transaction 1 is not {status}: {server.get('/transactions/1')}")
                # Read each id once to fill the caches.
                server.load("get", "--in-order", ids="1-10000", count=10_000, connections=64)
                result = bench.load(server, "get", ids="1-10000", connections=64)
                store = f"{database.name} and Redis" if worker and redis_url else database.name
                bench.report.add(f"GET {status}, {store}", result["rate"], load=result)


def token(bench):
    """Reads from the cache with and without authentication, in turns."""
    secret = secrets.token_hex(32)
    message = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (
        {"alg": "HS256"}, {"sub": "bench", "scope": "transactions:read transactions:write", "exp": int(time.time()) + 3600}))
    signature = hmac.digest(secret.encode(), message.encode(), hashlib.sha256)
    header = f"Authorization: Bearer {message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    with bench.sqlite() as open_database, bench.sqlite() as asking_database, \
            bench.serve(open_database, worker=True) as everybodys, \
            bench.serve(asking_database, worker=True, environment={"TPS_JWT_SECRET": secret}) as asking:
        for server, database in ((everybodys, open_database), (asking, asking_database)):
            fill(server, 10_000, "--header", header)
            wait_until_settled(server, database)
            server.load("get", "--in-order", "--header", header, ids="1-10000", count=10_000, connections=64)
        for _ in range(3):
            without = bench.load(everybodys, "get", "--header", header, ids="1-10000", connections=64)
            bench.report.add("GET settled, without authentication", without["rate"], load=without)
            asked = bench.load(asking, "get", "--header", header, ids="1-10000", connections=64)
            bench.report.add("GET settled, with a token", asked["rate"], load=asked)


def half(bench):
    """Open loop: the client sends each request when it is due, even if the server is slow."""
    peak = bench.report.median("POST, PostgreSQL, 256 connections")
    with bench.postgres.database("bench") as database, bench.serve(database, bench.redis.url) as server:
        if peak is None:
            peak = bench.load(server, "post", connections=256)["stored_rate"]
        result = bench.checked(server, database, "post", connections=256, rate=round(peak / 2))
        bench.report.add("p99 of POST at half of peak, PostgreSQL", result["latency_us"]["p99"] / 1000, "ms", result)


def settle_under_load(bench, server, seconds, *options, **named):
    """Posts with 256 connections while the worker settles. Returns (load, settled a second, oldest pending in s)."""
    command = server.load_command("post", *options, connections=256, seconds=seconds, warmup=WARMUP,
                                  acknowledged=bench.folder / "acknowledged", **named)
    wait_until(lambda: server.settling()[2] is not None, "the server to measure the backlog")
    samples = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
        started = time.monotonic()
        while load.poll() is None:
            if WARMUP <= time.monotonic() - started <= WARMUP + seconds:
                samples.append(server.settling())
            time.sleep(0.25)
        result = server.load_result(load.returncode, *load.communicate())
    if len(samples) < 2:
        raise BenchError("the load was over before settling could be measured")
    (first, settled_then, _), (last, settled_now, _) = samples[0], samples[-1]
    return result, (settled_now - settled_then) / (last - first), max(oldest or 0.0 for _, _, oldest in samples)


def settle(bench):
    with bench.postgres.database("bench") as database, bench.serve(database, bench.redis.url, worker=True) as server:
        result, rate, oldest = settle_under_load(bench, server, bench.settle_seconds, transfers=5)
        stopped = time.monotonic()
        wait_until_settled(server, database)
        drained = time.monotonic() - stopped
        bench.check_ids(bench.folder / "acknowledged", database)
        bench.report.add("settled as they come, PostgreSQL", rate, "/s", result)
        bench.report.add("oldest pending while settling", oldest, "s")
        bench.report.add("POST while settling, PostgreSQL", result["stored_rate"], load=result)
        bench.report.add("settling drained after the load", drained, "s")


def connections(bench):
    with bench.postgres.database("bench") as database, bench.serve(database, bench.redis.url) as server:
        result = bench.checked(server, database, "post", connections=1000)
        bench.report.add("memory with 1000 connections", server.child.memory_mb("VmHWM"), "MB")
        bench.report.add("POST, PostgreSQL, 1000 connections", result["stored_rate"], load=result)


def first_post_ms(folder):
    before = time.monotonic()
    with Tps(folder, None, worker=True, wait=False) as server:
        while True:
            server.child.check()
            with contextlib.suppress(OSError, http.client.HTTPException), \
                    contextlib.closing(http.client.HTTPConnection(server.address, timeout=1)) as connection:
                connection.request("POST", "/transactions", BODY, {"Content-Type": "application/json"})
                if connection.getresponse().status == 201:
                    return (time.monotonic() - before) * 1000
            if time.monotonic() - before > 30:
                raise BenchError(f"no 201 within 30 s: {server.child.tail()}")
            time.sleep(0.001)


def start(bench):
    for _ in range(3):
        with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
            bench.report.add("empty start to first 201", first_post_ms(pathlib.Path(folder)), "ms")


def grow(database, goal):
    """Copies the rows within the table until it has about `goal` rows. The server must be stopped."""
    have = int(database.query("SELECT count(*) FROM transaction_log"))
    columns = "partition, type, user_id, amount_minor, currency, capture, description, metadata, created_at, created_by"
    # Ids have no gaps, so each copy is the first rows with shifted ids.
    database.script([f"INSERT INTO transaction_log (id, {columns}) SELECT {have} * {copy} + id, {columns} "
                     f"FROM transaction_log WHERE id <= {have} ORDER BY id" for copy in range(1, goal // have)])
    database.tidy()


def rows(bench):
    """Alternates between the tables, since the noise of the machine is as large as the measured difference."""
    many = f"{bench.rows_before / 1e6:g} million"
    for new_database, redis_url in bench.stores():
        with new_database("big") as big:
            hold_10_000(bench, big)
            grow(big, bench.rows_before)
            for _ in range(bench.runs):
                with new_database() as small:
                    hold_10_000(bench, small)
                    rates = [rate_beside_what_is_there(bench, database, redis_url) for database in (small, big)]
                bench.report.add(f"POST at 10,000 rows, {big.name}", rates[0])
                bench.report.add(f"POST at {many} rows, {big.name}", rates[1])
                bench.report.add(f"{many} rows against 10,000, {big.name}", rates[1] / rates[0], "x")


def hold_10_000(bench, database):
    with bench.serve(database) as server:
        fill(server, 10_000)


def rate_beside_what_is_there(bench, database, redis_url):
    database.tidy()  # all measurements have statistics
    with bench.serve(database, redis_url) as server:
        return bench.load(server, "post", connections=256 if redis_url else 64, seconds=2 * bench.seconds)["stored_rate"]


def snapshot(bench):
    posted, settled = [], []
    for hold in (False, True):
        with bench.postgres.database("bench") as database, \
                bench.serve(database, bench.redis.url, worker=True) as server:
            fill(server, 10_000)
            wait_until_settled(server, database)
            with database.long_snapshot() if hold else contextlib.nullcontext():
                result, rate, _ = settle_under_load(bench, server, 4 * bench.seconds, transfers=5)
            posted.append(result["stored_rate"])
            settled.append(rate)
    bench.report.add("POST with a long snapshot against without", posted[1] / posted[0], "x")
    bench.report.add("settling with a long snapshot against without", settled[1] / settled[0], "x")


# BASES and ROUNDS repeat in rounds, so that each ratio compares measurements close in time. ONCE runs once.
BASES = {"peer": peer, "floor": floor}
ROUNDS = {"post": post, "batch": batch, "get": get, "half": half}
ONCE = {"settle": settle, "connections": connections, "token": token, "start": start, "rows": rows, "snapshot": snapshot}
