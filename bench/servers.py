"""Private servers for the bench: those of the tests (tests/support), on the disk to measure and with its settings."""

import contextlib
import json
import math
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import process, servers, tps  # noqa: E402
from support.client import Broken, Client  # noqa: E402

TPS = ROOT / "build/release/tps"
LOAD = ROOT / "build/release/bench/tps-load"
PEER = ROOT / "bench/peer"

POSTGRES_SETTINGS = {
    "shared_buffers": "768MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "max_connections": "120",
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "work_mem": "16MB", "listen_addresses": "",
}


class BenchError(Exception):
    """The bench cannot continue. The text is for the user."""


def wait_until(ready, what, seconds=30.0, every=0.01):
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


class Child(process.Process):
    """A process whose end is a failed measurement, and whose use of the machine can be read."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = pathlib.Path(log)
        super().__init__([str(part) for part in command], self.log, environment=env, folder=cwd)

    def check(self):
        if not self.running:
            raise BenchError(f"{self.child.args[-1]} ended with {self.child.returncode}:\n{self.tail()}")
        return True

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:]

    def memory_mb(self, field):
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field + ":"))

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        with contextlib.suppress(AssertionError):  # it did not end, and was killed
            self.end(seconds=35)


class Postgres(servers.Postgres):
    """It is reached by its socket in `folder`."""

    def __init__(self, folder):
        super().__init__([f"{name}={value}" for name, value in POSTGRES_SETTINGS.items()], host="",
                         below=folder)
        self.sql("CREATE ROLE tps LOGIN")

    def _run(self, command, text=None):
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode != 0:
            raise BenchError(f"{command[-1]} failed: {done.stderr[-2000:]}")
        return done.stdout

    def psql(self, database):
        return [str(servers.POSTGRES_BIN / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder),
                "-p", str(self.port), "-U", "postgres", "-d", database]

    def sql(self, statement, database="postgres"):
        return self._run([*self.psql(database), "-c", statement]).strip()

    def script(self, statements, database):
        self._run([*self.psql(database), "-f", "-"], ";\n".join(statements) + ";\n")

    def file(self, path, database="postgres"):
        return self._run([*self.psql(database), "-f", str(path)])

    def url(self, database, port=None, user="tps"):
        return f"postgresql://{user}@/{database}?host={self.folder}&port={port or self.port}"

    @contextlib.contextmanager
    def database(self, name):
        """An empty database. A checkpoint writes the pages of earlier cases first."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {name} OWNER tps")
        self.sql("CHECKPOINT")
        try:
            yield PostgresDatabase(self, name)
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def pgbench(self, script, clients, seconds, database="postgres"):
        """Transactions a second of the script."""
        command = [str(servers.POSTGRES_BIN / "pgbench"), "-n", "-M", "prepared", "-f", str(PEER / script), "-c", str(clients),
                   "-j", "1", "-T", str(seconds), "-h", str(self.folder), "-p", str(self.port), "-U", "postgres",
                   database]
        for line in self._run(command).splitlines():
            if line.startswith("tps = "):
                return float(line.split()[2])
        raise BenchError("pgbench printed no rate")


class PostgresDatabase:
    name = "PostgreSQL"
    settled = "s"  # in settlement_log.status

    def __init__(self, server, database):
        self.server, self.database = server, database
        self.url = server.url(database)

    def query(self, statement):
        return self.server.sql(statement, self.database)

    def script(self, statements):
        self.server.script(statements, self.database)

    def ids(self):
        return [int(line) for line in self.query("SELECT id FROM transaction_log").splitlines()]

    def tidy(self):
        self.query("VACUUM (ANALYZE)")
        self.checkpoint()

    def checkpoint(self):
        self.query("CHECKPOINT")

    @contextlib.contextmanager
    def long_snapshot(self):
        """A snapshot that stays open, like that of pg_dump."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM transaction_log;\n"
        with subprocess.Popen(self.server.psql(self.database), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as session:
            try:
                session.stdin.write(begin)
                session.stdin.flush()
                if not session.stdout.readline().strip().isdigit():
                    raise BenchError("the long snapshot did not open")
                yield
                if session.poll() is not None:
                    raise BenchError("the long snapshot did not stay open")
            finally:
                session.kill()


class SqliteDatabase:
    name = "SQLite"
    settled = "settled"

    def __init__(self, folder):
        self.path = folder / "tps.db"
        self.url = f"sqlite:{self.path}"

    def query(self, statement):
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
            return "\n".join("|".join(map(str, row)) for row in connection.execute(statement))

    def script(self, statements):
        """Fills the database without syncing, since it need not survive a crash."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            for statement in ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -524288", *statements):
                connection.execute(statement)

    def ids(self):
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM transaction_log")]

    def tidy(self):
        self.query("ANALYZE")
        self.checkpoint()

    def checkpoint(self):
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")


class Redis(servers.Redis):
    def __init__(self):
        super().__init__(arguments=["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"])


class Tps:
    """One server on one database. When the constructor returns, the server is ready and idle."""

    def __init__(self, folder, database_url, redis_url=None, worker=False, cwd=None, wait=True, environment=None):
        self.port = process.free_port()
        self.address = f"127.0.0.1:{self.port}"
        command = [TPS, "serve", "--listen", self.address]
        if database_url:
            command += ["--database-url", database_url]
            if database_url.startswith("postgresql:"):
                command.append("--migrate")
        if redis_url:
            command += ["--redis-url", redis_url]
        if not worker:
            command.append("--no-worker")
            if not (database_url or "").startswith("postgresql:"):
                command.append("--accept-only")
        env = tps.clean_environment({"TPS_LOG_LEVEL": "warn"} | (environment or {}))
        self.child = Child(command, folder / "tps.log", env=env, cwd=cwd or folder)
        if wait:
            wait_until(lambda: self.child.check() and self.get("/readiness")[0] == 200, "tps to be ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def get(self, path):
        """(status, text); (0, "") without an answer."""
        try:
            with Client(self.port, timeout=5) as client:
                answer = client.get(path)
                return answer.status, answer.body.decode()
        except (Broken, OSError):
            return 0, ""

    def metrics(self, *names):
        """For each name, the values of all its series, from one scrape."""
        values = {name: [] for name in names}
        for line in self.get("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            name = series.partition("{")[0]
            if name in values:
                values[name].append(float(value))
        return values.values()

    def settling(self):
        """(time, number of settled and failed transactions, age in seconds of the oldest pending transaction of all
        partitions). The age is None if the server has not measured it."""
        by_status, ages = self.metrics("tps_transactions_settled_total", "tps_oldest_pending_seconds")
        if not by_status:
            raise BenchError(f"the server's metrics tell nothing about settling: {self.child.tail()}")
        oldest = max(ages) if ages and not any(map(math.isnan, ages)) else None
        return time.monotonic(), sum(by_status), oldest

    def load(self, mode, *options, **named):
        """Runs tps-load to its end: load("post", "--keys", connections=64, seconds=5)."""
        command = self.load_command(mode, *options, **named)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return self.load_result(done.returncode, done.stdout, done.stderr)

    def load_command(self, mode, *options, **named):
        command = [str(LOAD), mode, "--address", self.address, *map(str, options)]
        for name, value in named.items():
            command += [f"--{name}", str(value)]
        return command

    def load_result(self, code, out, err):
        if code != 0:
            raise BenchError(f"tps-load failed: {err[-500:]}\nserver: {self.child.tail()}")
        result = json.loads(out)
        wrong = {status: count for status, count in result["status"].items() if not status.startswith("2")}
        troubles = ("broken", "malformed", "unanswered", "unsent")
        if wrong or any(result[name] for name in troubles):
            result["trouble"] = {**wrong, **{name: result[name] for name in troubles if result[name]}}
        return result
