"""Private PostgreSQL, Redis and PgBouncer in temporary folders on loopback ports."""
import os
import pathlib
import pwd
import shutil
import signal
import tempfile

import psycopg2
import redis

from support.process import Process, free_port, listens, wait_until


def newest_postgres():
    return max(pathlib.Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: int(path.parent.name),
               default=pathlib.Path("/usr/lib/postgresql/15/bin"))


POSTGRES_BIN = pathlib.Path(os.environ.get("TPS_POSTGRES_BIN") or newest_postgres())
OWNER = "user"  # not a superuser, so that tests have no more rights than a deployment


def temporary_folder(name, owner=None, below=None):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"tps-{name}-", dir=below))
    if owner and os.geteuid() == 0:
        account = pwd.getpwnam(owner)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


class Databases:
    """For a server, or a cluster, that has `connect(database, user="postgres")`."""

    databases = 0

    def execute(self, statement, database="postgres"):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def rows(self, statement, database="postgres"):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def create_database(self, name=None):
        """Creates an empty database owned by OWNER and returns its name."""
        self.databases += 1
        name = name or f"tps_{self.databases}"
        self.execute(f'CREATE DATABASE "{name}" OWNER "{OWNER}"')
        return name


def connect_to(host, port, database, user):
    connection = psycopg2.connect(host=host, port=port, dbname=database, user=user, connect_timeout=5)
    connection.autocommit = True
    return connection


class Postgres(Databases):
    def __init__(self, settings=(), host="127.0.0.1", namespace=None, data=None, below=None):
        """`host`: the listen address in the network `namespace`; "" for the socket in `folder` only. `data`: the files of
        another server, such as a backup, which are moved here. `below`: where `folder` is made."""
        self.host, self.namespace = host, namespace
        self.folder = temporary_folder("postgres", owner="postgres", below=below)
        self.port = free_port()
        self.settings = list(settings)
        self.log_path = self.folder / "log"
        self.process = None
        if data:
            self._take_over(data)
            self.start()
            return
        command = [POSTGRES_BIN / "initdb", "-D", self.folder / "data", "-U", "postgres", "--auth=trust", "--no-sync",
                   "--encoding=UTF8", "--locale=C.UTF-8"]
        assert Process([str(part) for part in command], self.log_path, user="postgres").wait(60) == 0, self.log()
        if namespace:  # only this machine can reach it
            with open(self.folder / "data" / "pg_hba.conf", "a", encoding="ascii") as access:
                access.write("host all all all trust\n")
        self.start()
        self.execute(f'CREATE ROLE "{OWNER}" LOGIN')

    def _take_over(self, data):
        mine = shutil.move(data, self.folder / "data")
        if os.geteuid() == 0:
            for path in [mine, *mine.rglob("*")]:
                shutil.chown(path, "postgres")

    def start(self):
        settings = [f"listen_addresses={self.host}", f"port={self.port}", f"unix_socket_directories={self.folder}",
                    "max_connections=60", "shared_buffers=64MB", "max_wal_size=512MB", "log_min_messages=warning"]
        command = [str(POSTGRES_BIN / "postgres"), "-D", str(self.folder / "data")]
        for setting in settings + self.settings:
            command += ["-c", setting]
        self.process = Process(command, self.log_path, user="postgres", namespace=self.namespace)
        wait_until(self.accepts, 30, "PostgreSQL")

    def accepts(self):
        assert self.process.running, self.log()
        try:
            self.connect("postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    def restart_immediately(self):
        """Restarts as after a crash: all backends end at once and the server replays its log."""
        self.process.end(signal.SIGQUIT)
        self.start()

    def connect(self, database, user="postgres"):
        return connect_to(self.host or str(self.folder), self.port, database, user)

    def url(self, database, port=None, user=OWNER):
        return f"postgresql://{user}@{self.host}:{port or self.port}/{database}"

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        self.process.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis:
    def __init__(self, certificate=None, arguments=()):
        """`certificate`: used on a second port with TLS."""
        self.folder = temporary_folder("redis")
        self.port = free_port()
        self.arguments = [str(one) for one in arguments]
        if certificate:
            self.tls_port = free_port()
            self.arguments += ["--tls-port", str(self.tls_port), "--tls-cert-file", str(certificate.path),
                               "--tls-key-file", str(certificate.key), "--tls-ca-cert-file", str(certificate.path),
                               "--tls-auth-clients", "no"]
        self.process = None
        self.start()

    def start(self):
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no",
                   "--dir", str(self.folder)]
        self.process = Process(command + self.arguments, self.folder / "log")
        wait_until(lambda: listens(self.port), 10, "Redis")

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self):
        return redis.Redis(port=self.port, socket_timeout=5)

    def stop(self):
        self.process.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class PgBouncer:
    """In transaction mode, in front of one PostgreSQL."""

    def __init__(self, postgres):
        self.folder = temporary_folder("pgbouncer", owner="postgres")
        self.port = free_port()
        (self.folder / "users").write_text(f'"{OWNER}" ""\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"""[databases]
* = host=127.0.0.1 port={postgres.port} user={OWNER}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
auth_file = {self.folder}/users
pool_mode = transaction
default_pool_size = 10
server_round_robin = 1
"""
        )
        self.process = Process(["pgbouncer", str(self.folder / "pgbouncer.ini")], self.folder / "log", user="postgres")
        wait_until(lambda: listens(self.port), 10, "PgBouncer")

    def stop(self):
        self.process.end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)
