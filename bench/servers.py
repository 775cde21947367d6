"""Private servers for the bench. They run in a temporary folder on loopback and end with the bench."""

import contextlib
import json
import math
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TPS = ROOT / "build/release/tps"
LOAD = ROOT / "build/release/bench/tps-load"
PEER = ROOT / "bench/peer"

POSTGRES_SETTINGS = {
    "shared_buffers": "768MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "max_connections": "120",
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "work_mem": "16MB", "listen_addresses": "",
}


class BenchError(Exception):
    """The bench cannot continue. The text is for the user."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready, what, seconds=30.0, every=0.01):
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


class Child:
    """A server process that ends with the bench and logs to a file."""

    def __init__(self, command, log, stop_signal=signal.SIGTERM, env=None, cwd=None):
        self.log = pathlib.Path(log)
        self.stop_signal = stop_signal
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=env, cwd=cwd)

    def check(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.process.args[0]} ended with {self.process.returncode}:\n{self.tail()}")
        return True

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:]

    def memory_mb(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field + ":"))

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(35)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def dying_with_us(command):
    return ["setpriv", "--pdeathsig", "TERM", *map(str, command)]


class Postgres:
    def __init__(self, folder):
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.folder = folder / "postgres"
        self.folder.mkdir()
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres", self.folder], check=True)
        self.port = free_port()
        data = self.folder / "data"
        self._run(as_postgres([str(self.bin / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust",
                               "-E", "UTF8", "--locale=C.UTF-8", "-N"]))
        options = [f"-c{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
        options += [f"-cport={self.port}", f"-cunix_socket_directories={self.folder}"]
        # A change of user clears the parent-death signal, so the same setpriv must set it afterwards.
        command = as_postgres([str(self.bin / "postgres"), "-D", str(data), *options])
        if command[0] == "setpriv":
            command[1:1] = ["--pdeathsig", "INT"]
        else:
            command = dying_with_us(command)
        self.child = Child(command, folder / "postgres.log", signal.SIGINT)
        wait_until(lambda: self.child.check() and self._is_up(), "PostgreSQL to start")
        self.sql("CREATE ROLE tps LOGIN")

    def _run(self, command, text=None):
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode != 0:
            raise BenchError(f"{command[-1]} failed: {done.stderr[-2000:]}")
        return done.stdout

    def _is_up(self):
        ask = [str(self.bin / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(ask, check=False).returncode == 0

    def psql(self, database):
        return [str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder),
                "-p", str(self.port), "-U", "postgres", "-d", database]

    def sql(self, statement, database="postgres"):
        return self._run([*self.psql(database), "-c", statement]).strip()

    def script(self, statements, database):
        self._run([*self.psql(database), "-f", "-"], ";\n".join(statements) + ";\n")

    def file(self, path, database="postgres"):
        return self._run([*self.psql(database), "-f", str(path)])

    def url(self, database):
        return f"postgresql://tps@/{database}?host={self.folder}&port={self.port}"

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
        command = [str(self.bin / "pgbench"), "-n", "-M", "prepared", "-f", str(PEER / script), "-c", str(clients),
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


class Redis:
    def __init__(self, folder):
        self.port = free_port()
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                   "--dir", folder, "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]
        self.child = Child(dying_with_us(command), folder / "redis.log")
        self.url = f"redis://127.0.0.1:{self.port}"
        wait_until(lambda: self.child.check() and self._is_up(), "Redis to start")

    def _is_up(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


class Tps:
    """One server on one database. When the constructor returns, the server is ready and idle."""

    def __init__(self, folder, database_url, redis_url=None, worker=False, cwd=None, wait=True, environment=None):
        self.port = free_port()
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
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("TPS_") and name not in ("DATABASE_URL", "REDIS_URL")}
        env |= {"TPS_LOG_LEVEL": "warn"} | (environment or {})
        self.child = Child(dying_with_us(command), folder / "tps.log", env=env, cwd=cwd or folder)
        if wait:
            wait_until(lambda: self.child.check() and self.get("/readiness")[0] == 200, "tps to be ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
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
