"""A database that is put back to an earlier state, or exchanged, also behind a running server (G7, G10, G11): no response shows
a transaction that is not in it, no child has a parent of the other history, and no reader of the log skips one.

Ids are read from the newest down: an instance looks into the shared cache only for ids below one that it knows to be final.
"""
import itertools
import shutil
import signal
import subprocess

import pytest

from support.answers import accepted, assert_problem, pay
from support.client import Broken
from support.database import PostgresDatabase, SqliteDatabase
from support.history import wait_settled
from support.process import wait_until
from support.servers import POSTGRES_BIN, Postgres
from support.tps import Tps, tps

KEPT, LOST, LATER = 20, 12, 12
amounts = itertools.count(1)  # no two transactions of a test are alike
# As docs/operations.md has it, for files that were put back without a recovery.
NEW_EPOCH = "INSERT INTO epoch_log SELECT max(number) + 1, now(), gen_random_uuid(), '' FROM epoch_log"
ROWS = "SELECT id, user_id, amount_minor, type, parent_id FROM transaction_log ORDER BY id"


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def fill(client, who, count):
    """Settled, and read, so that they are in every cache."""
    made = settle(client, who, count)
    for id_ in made:
        assert client.get(f"/transactions/{id_}").json()["status"] == "settled"
    return made


def settle(client, who, count):
    """Settled, and not read: reading upwards would repair a shared cache that has others under these ids."""
    return [pay(client, f"{who}_{number}", next(amounts))["id"] for number in range(count)]


def pay_when_back(running, who):
    """The first transaction after the exchange. Connections were cut and may be refused for a while."""
    def try_it():
        try:
            with running.client() as client:
                answer = client.post("/transactions", {"user_id": who, "amount": next(amounts), "currency": "USD"},
                                     {"Prefer": "wait=10"})
        except (Broken, OSError):
            return None
        return answer.json()["id"] if answer.status == 201 else None
    return wait_until(try_it, 30, "the database behind the server")


def check_bodies(client, database, newest):
    """Each id is answered as the log has it, the newest first."""
    rows = {row[0]: row[1:] for row in database.rows(ROWS)}
    for id_ in range(newest, 0, -1):
        answer = client.get(f"/transactions/{id_}")
        if id_ not in rows:
            assert answer.status == 404, (id_, answer.body)
            continue
        assert answer.status == 200, (id_, answer.status, answer.body)
        body = answer.json()
        assert (body["user_id"], body["amount"] * 100) == rows[id_][:2], (id_, body, rows[id_])


def check_children(client, database, lost):
    """A reversal of an id of which another history was shown is one of the transaction that the log has, or is refused."""
    rows = {row[0]: row for row in database.rows(ROWS)}
    for id_ in lost[-3:]:
        answer = client.post(f"/transactions/{id_}/reverse", None, {"Prefer": "wait=10"})
        if id_ in rows:
            assert accepted(answer)["user_id"] == rows[id_][1]
        else:
            assert_problem(answer, 404, "not_found")


def check_books(database):
    wait_settled(database)
    audit = tps("verify", "--database-url", database.url)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def check_cursors(client, cursors):
    for cursor in cursors:
        problem = assert_problem(client.get(f"/transactions?{cursor}"), 410, "history_changed")
        assert problem["retryable"] is False


def cursors_of(client):
    """A place in the change feed and one in the list."""
    feed = client.get("/transactions?order=asc&limit=1000").json()["next_cursor"]
    below = client.get("/transactions?limit=5").json()["next_cursor"]
    return f"order=asc&limit=1000&cursor={feed}", f"limit=5&cursor={below}"


class Story:
    """Kept and lost transactions; in between, `copy` makes the copy of the database that is put in its place later."""

    def __init__(self, running, redis, copy):
        self.running = running
        with running.client() as client:
            fill(client, "kept", KEPT)
            copy()
            self.lost = fill(client, "lost", LOST)
            self.cursors = cursors_of(client)
        wait_until(lambda: redis.client().keys(f"*:txn:{self.lost[-1]}"), 10, "the transactions in the shared cache")

    def check(self, database):
        """After the exchange, with the server ready or about to be."""
        first = pay_when_back(self.running, "after")
        with self.running.client() as client:
            check_bodies(client, database, self.lost[-1])
            check_children(client, database, self.lost)
            settle(client, "later", LATER)
            check_bodies(client, database, self.lost[-1] + LATER)
            check_cursors(client, self.cursors)
            again = cursors_of(client)
            assert client.get(f"/transactions?{again[0]}").json()["data"] == []
        assert first == KEPT + 1
        check_books(database)


@pytest.fixture
def cluster():
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
def start(folder, redis):
    instances = []

    def starting(database, *arguments):
        instances.append(Tps(folder, "--database-url", database.url, "--redis-url", redis.url, *arguments).start())
        return instances[-1]
    yield starting
    for one in instances:
        one.stop()


def exchange(server, act):
    """Does it while the server is down."""
    server.process.end(signal.SIGINT)
    act()
    server.start()


def cold_copy(server):
    copy = server.folder / "copy"
    exchange(server, lambda: run("cp", "-a", server.folder / "data", copy))
    return copy


def put_back(server, copy, *, recover):
    data = server.folder / "data"
    shutil.rmtree(data)
    run("cp", "-a", copy, data)
    if recover:  # to a point in time: what follows is on a timeline of its own
        (data / "recovery.signal").touch()


def redump(postgres, database, dump):
    postgres.execute(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    postgres.create_database(database.name)
    run(POSTGRES_BIN / "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={database.url}", dump)


@pytest.mark.parametrize("stopped", [True, False], ids=["the server is stopped", "the server runs"])
def test_a_dump_is_restored(folder, postgres, redis, start, stopped):
    database = PostgresDatabase(postgres)
    running = start(database, "--migrate")
    dump = folder / "tps.dump"
    story = Story(running, redis, lambda: run(POSTGRES_BIN / "pg_dump", "--format=custom", f"--file={dump}", database.url))
    if stopped:
        running.stop()
    redump(postgres, database, dump)
    if stopped:
        running.start()
    story.check(database)


@pytest.mark.parametrize("recover", [True, False], ids=["recovery to a point in time", "an older copy of the files"])
@pytest.mark.parametrize("stopped", [True, False], ids=["the server is stopped", "the server runs"])
def test_a_server_of_postgresql_is_put_back(redis, cluster, start, recover, stopped):
    cluster.settings.append("restore_command=false")
    database = PostgresDatabase(cluster)
    running = start(database, "--migrate")
    copies = []

    def copy():
        copies.append(cold_copy(cluster))
        pay_when_back(running, "kept_more")

    story = Story(running, redis, copy)
    if stopped:
        running.stop()
    exchange(cluster, lambda: put_back(cluster, copies[0], recover=recover))
    if stopped and not recover:  # no process has seen what is missing
        database.execute(NEW_EPOCH)
    if stopped:
        running.start()
    story.check(database)


def test_two_servers_of_postgresql_are_swapped_and_swapped_back(redis, cluster, start):
    """The other one is a copy, so both are the same store, with different transactions under the same ids."""
    database = PostgresDatabase(cluster)
    running = start(database, "--migrate")
    copies = []

    def copy():
        copies.append(cold_copy(cluster))
        pay_when_back(running, "kept_more")

    story = Story(running, redis, copy)
    put_aside = cluster.folder / "aside"
    data = cluster.folder / "data"

    def swap(one, other):
        shutil.move(data, one)
        shutil.move(other, data)

    exchange(cluster, lambda: swap(put_aside, copies[0]))
    story.check(database)
    with running.client() as client:
        others = cursors_of(client)
    exchange(cluster, lambda: swap(copies[0], put_aside))
    first = pay_when_back(running, "back")
    assert first == story.lost[-1] + 1
    with running.client() as client:
        check_bodies(client, database, first + LATER + 5)
        check_cursors(client, others)
    check_books(database)


def test_another_store_is_not_served(redis, cluster, start):
    """The database of another installation answers at the address. When the right one is back, so is the server."""
    database = PostgresDatabase(cluster)
    running = start(database, "--migrate")
    with running.client() as client:
        made = fill(client, "kept", KEPT)
    other = PostgresDatabase(cluster)
    assert tps("migrate", "--database-url", other.url).returncode == 0

    def swap(one, two):
        cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{one}'")
        for old, new in ((one, "aside"), (two, one), ("aside", two)):
            cluster.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')

    cluster.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS false')
    swap(database.name, other.name)
    wait_until(lambda: running.metric("tps_history_changes_total") == 1, 20, "the server to notice")
    wait_until(lambda: running.status("/readiness") == 503, 20, "not ready")
    assert "another store" in running.log()
    with running.client() as client:
        assert_problem(client.post("/transactions", {"user_id": "a", "amount": 1, "currency": "USD"}), 503,
                       "store_unavailable")
        for id_ in reversed(made):
            assert client.get(f"/transactions/{id_}").status == 503
    assert other.server.rows("SELECT count(*) FROM transaction_log", database.name) == [(0,)]
    swap(database.name, other.name)
    cluster.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS true')
    first = pay_when_back(running, "back")
    with running.client() as client:
        check_bodies(client, database, first)
    check_books(database)


@pytest.mark.parametrize("stopped", [True, False], ids=["the server is stopped", "the server runs"])
def test_a_copy_of_sqlite_is_restored(folder, redis, start, stopped):
    database = SqliteDatabase(folder / "tps.db")
    running = start(database)
    copy = folder / "copy.db"
    story = Story(running, redis, lambda: run("sqlite3", "-cmd", ".timeout 10000", database.path, f".backup '{copy}'"))
    if stopped:
        running.kill()
        running.process.wait(10)
    run("sqlite3", "-cmd", ".timeout 10000", database.path, f".restore '{copy}'")
    if stopped:
        running.start()
    story.check(database)


def test_a_copy_of_sqlite_takes_the_place_of_the_file(folder, redis, start):
    database = SqliteDatabase(folder / "tps.db")
    running = start(database)
    copy = folder / "copy.db"
    story = Story(running, redis, lambda: run("sqlite3", "-cmd", ".timeout 10000", database.path, f".backup '{copy}'"))
    running.stop()
    copy.rename(database.path)
    running.start()
    story.check(database)


def test_a_restart_changes_nothing(folder, postgres, redis, start):
    """Of a server of ours, on either engine, and of PostgreSQL: cursors go on."""
    for database, extra in ((PostgresDatabase(postgres), ["--migrate"]), (SqliteDatabase(folder / "tps.db"), [])):
        running = start(database, *extra)
        with running.client() as client:
            fill(client, "kept", 10)
            cursors = cursors_of(client)
        for end in (running.stop, running.kill):
            end()
            running.process.wait(10)
            if database.url.startswith("postgres"):
                postgres.restart_immediately()
            running.start()
            with running.client() as client:
                for cursor in cursors:
                    assert client.get(f"/transactions?{cursor}").status == 200
        assert database.rows("SELECT count(*) FROM epoch_log") == [(1,)]
