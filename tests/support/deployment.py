"""The deployments under test: one instance on SQLite, one on PostgreSQL and Redis, two on one PostgreSQL."""
import contextlib
import shutil

from support.client import Client
from support import logins
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


def instances_of(kind, folder, database, redis, arguments, environment, tls):
    """The processes, not started: those that serve clients, and the others."""
    if kind == "sqlite":
        return [Tps(folder, "--database-url", database.url, *arguments, environment=environment, tls=tls)], []
    numbers = range(2 if kind == "pair" else 1)
    arguments = ["--redis-url", redis.url, *arguments]
    if logins.WANTED:
        logins.migrated_for_logins(database, *arguments)
        return ([logins.api(folder, database, *arguments, environment=environment) for _ in numbers],
                [logins.worker(folder, database, *arguments, environment=environment)])
    migrate = (["--migrate"] if number == 0 else [] for number in numbers)
    return [Tps(folder, "--database-url", database.url, *one, *arguments, environment=environment, tls=tls)
            for one in migrate], []


@contextlib.contextmanager
def deploy(kind, postgres=None, redis=None, arguments=(), environment=None, tls=None):
    """A deployment that is ready on an empty database. Afterwards it stops and checks that the shutdown was clean."""
    folder = temporary_folder("test")
    database = SqliteDatabase(folder / "tps.db") if kind == "sqlite" else PostgresDatabase(postgres)
    instances, others = instances_of(kind, folder, database, redis, arguments, environment, tls)
    try:
        for one in [*instances, *others]:
            one.start()
        yield Deployment(kind, folder, database, instances)
        for one in [*instances, *others]:
            one.stop()
    finally:
        for one in [*instances, *others]:
            if one.running:
                one.kill()
        shutil.rmtree(folder, ignore_errors=True)
