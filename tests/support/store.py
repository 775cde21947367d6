"""An empty database of either engine without a server, and commands on it."""
import contextlib

from support.database import PostgresDatabase, SqliteDatabase
from support.history import wait_settled
from support.tps import Tps, tps

STORES = ("sqlite", "postgres")


def empty_postgres(server):
    database = PostgresDatabase(server)
    assert tps("migrate", "--database-url", database.url).returncode == 0
    return database


def empty_store(kind, folder, request, name="tps"):
    if kind == "sqlite":
        return SqliteDatabase(folder / f"{name}.db")
    return empty_postgres(request.getfixturevalue("postgres"))


@contextlib.contextmanager
def served(database, folder):
    server = Tps(folder, "--database-url", database.url).start()
    try:
        yield server
        server.stop()
    finally:
        if server.running:
            server.kill()


def settle(database, folder):
    """Settles all transactions of the log."""
    with served(database, folder):
        wait_settled(database)
