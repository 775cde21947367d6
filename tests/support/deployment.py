"""The ways the program is run: one instance on SQLite, one on PostgreSQL and Redis, two on one PostgreSQL."""
import contextlib
import shutil

from support.client import Client
from support.database import PostgresDatabase, SqliteDatabase
from support.servers import temporary_folder
from support.tps import Tps

KINDS = ("sqlite", "postgres", "pair")


class Deployment:
    def __init__(self, kind, folder, database, instances):
        self.kind = kind
        self.folder = folder
        self.database = database
        self.instances = instances

    @property
    def first(self):
        return self.instances[0]

    @property
    def ports(self):
        return [one.port for one in self.instances]

    def client(self, **options):
        """Requests go to the instances in turn."""
        return Client(*self.ports, tls=self.first.tls, **options)


@contextlib.contextmanager
def deploy(kind, postgres=None, redis=None, arguments=(), environment=None, tls=None):
    """Ready to serve on an empty database; stopped cleanly (which is checked) afterwards."""
    folder = temporary_folder("test")
    instances = []
    try:
        if kind == "sqlite":
            database = SqliteDatabase(folder / "tps.db")
            options = []
        else:
            database = PostgresDatabase(postgres)
            options = ["--redis-url", redis.url]
        for number in range(2 if kind == "pair" else 1):
            migrate = ["--migrate"] if kind != "sqlite" and number == 0 else []
            instances.append(Tps(folder, "--database-url", database.url, *options, *migrate, *arguments,
                                 environment=environment, tls=tls).start())
        yield Deployment(kind, folder, database, instances)
        for one in instances:
            one.stop()
    finally:
        for one in instances:
            if one.running:
                one.kill()
        shutil.rmtree(folder, ignore_errors=True)
