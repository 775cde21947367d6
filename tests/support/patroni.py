"""PostgreSQL with a synchronous standby under Patroni and etcd: two nodes, either of which can be the primary."""
import json
import os
import shutil

import psycopg2
import pytest
import requests

from support.process import Process, free_port, listens, wait_until
from support.servers import OWNER, POSTGRES_BIN, Databases, connect_to, temporary_folder

# Seconds. A failover takes about the first one, the lease of the lost primary.
TTL, LOOP_WAIT, RETRY_TIMEOUT = 10, 1, 3


class Etcd:
    def __init__(self):
        self.folder = temporary_folder("etcd")
        self.port, peers = free_port(), free_port()
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{peers}"
        command = ["etcd", "--data-dir", str(self.folder / "data"), "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                   "--initial-cluster", f"default={peer}"]
        self.process = Process(command, self.folder / "log")
        wait_until(lambda: listens(self.port), 20, "etcd")

    def stop(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Node:
    """A PostgreSQL and its Patroni in their own process namespace, so that a kill ends both at once."""

    def __init__(self, name, etcd):
        self.name = name
        self.folder = temporary_folder(name, owner="postgres")
        self.port, self.api_port = free_port(), free_port()
        self.configuration = self.folder / "patroni.yml"
        self.configuration.write_text(json.dumps(self._settings(etcd)))  # JSON is YAML
        self.process = None

    def _settings(self, etcd):
        address, api = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.api_port}"
        return {
            "scope": "tps", "name": self.name,
            "restapi": {"listen": api, "connect_address": api},
            "etcd3": {"host": f"127.0.0.1:{etcd.port}"},
            "bootstrap": {
                "dcs": {"ttl": TTL, "loop_wait": LOOP_WAIT, "retry_timeout": RETRY_TIMEOUT, "synchronous_mode": True,
                        "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 60}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]},
            "postgresql": {
                "listen": address, "connect_address": address, "data_dir": str(self.folder / "data"),
                "bin_dir": str(POSTGRES_BIN), "pgpass": str(self.folder / "pgpass"),
                "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 trust",
                           "host replication all 127.0.0.1/32 trust"],
                "parameters": {"unix_socket_directories": str(self.folder), "shared_buffers": "64MB"},
                "authentication": {"superuser": {"username": "postgres", "password": "unused"},
                                   "replication": {"username": "replicator", "password": "unused"}}}}

    def start(self):
        """Does not wait. Removes lock files, which name old process ids that other processes may have now."""
        for lock in (self.folder / "data" / "postmaster.pid", self.folder / f".s.PGSQL.{self.port}.lock"):
            lock.unlink(missing_ok=True)
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "setpriv", "--pdeathsig",
                   "KILL", "--reuid=postgres", "--regid=postgres", "--clear-groups", "patroni", str(self.configuration)]
        self.process = Process(command, self.folder / "log", folder=self.folder)

    def kill(self):
        self.process.kill()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def connect(self, database="postgres", user="postgres"):
        return connect_to("127.0.0.1", self.port, database, user)

    def is_primary(self):
        try:
            connection = self.connect()
        except psycopg2.OperationalError:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT NOT pg_is_in_recovery()")
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def roles(self):
        """The roles of all members according to Patroni: primary, sync standby..."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.api_port}/cluster", timeout=2).json()
        except requests.RequestException:
            return []
        return sorted(member["role"] for member in answer["members"] if member["state"] in ("running", "streaming"))


class Cluster(Databases):
    """Has the interface of `support.servers.Postgres` and two nodes."""

    def __init__(self):
        if os.geteuid() != 0 or not shutil.which("patroni") or not shutil.which("etcd"):
            pytest.skip("needs root, patroni and etcd-server")
        self.etcd = Etcd()
        self.nodes = [Node(name, self.etcd) for name in ("one", "two")]
        for node in self.nodes:
            node.start()
        self.wait_synchronous()
        self.execute(f'CREATE ROLE "{OWNER}" LOGIN')

    def primary(self):
        return next((node for node in self.nodes if node.is_primary()), None)

    def standby(self):
        primary = self.primary()
        return next(node for node in self.nodes if node is not primary)

    def is_synchronous(self):
        primary = self.primary()
        return primary and primary.roles() == ["leader", "sync_standby"]

    def wait_synchronous(self, seconds=90):
        """Waits until the standby has every acknowledged commit and Patroni would promote it."""
        try:
            wait_until(self.is_synchronous, seconds, "a synchronous standby")
        except AssertionError as error:
            raise AssertionError("\n".join([str(error)] + [node.log()[-3000:] for node in self.nodes])) from None

    def connect(self, database, user="postgres"):
        return wait_until(self.primary, 60, "a primary").connect(database, user)

    def url(self, database):
        """A URL with both nodes. The program finds the one that accepts writes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{OWNER}@{hosts}/{database}?target_session_attrs=read-write"

    def stop(self):
        for node in self.nodes:
            node.kill()
        self.etcd.stop()
        for node in self.nodes:
            shutil.rmtree(node.folder, ignore_errors=True)
