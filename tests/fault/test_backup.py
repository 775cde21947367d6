"""Backups under load. A restore gives every transaction that was acknowledged before the backup, and books that add up (G1, G3,
G6, G11). The commands are those of docs/operations.md.
"""
import subprocess

import psycopg2
import pytest
from support.answers import new_user, pay
from support.database import PostgresDatabase, SqliteDatabase
from support.history import check, wait_settled
from support.load import Load
from support.logins import migrated_for_logins
from support.process import wait_until
from support.servers import OWNER, POSTGRES_BIN, Postgres
from support.tps import Tps, tps

SERVING = "serving"  # may not alter the tables
REWRITES = ("UPDATE transaction_log SET amount_minor = 1", "DELETE FROM settlement_log", "TRUNCATE transaction_log",
            "ALTER TABLE transaction_log DISABLE TRIGGER append_only", "DROP TABLE settlement_log")


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def load_around(running, take_backup):
    """Takes the backup under load. Returns the requests that were acknowledged before it began."""
    load = Load([running.port], threads=8).start()
    load.wait_for(500)
    before = [one for mine in load.sent for one in list(mine) if one.outcome == "acknowledged"]
    take_backup()
    load.wait_for(200)
    load.stop()
    assert len(before) >= 500
    return before


def check_restored(folder, database, before, url=None):
    """The restored books add up. A server then continues with them, and no transaction is missing."""
    url = url or database.url
    audit = tps("verify", "--database-url", url)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    again = Tps(folder, "--database-url", url).start()
    with again.client() as client:
        for one in before[-20:]:
            assert client.get(f"/transactions/{one.id}").json()["user_id"] == one.user_id
            answer = client.post(one.path, one.body(), {"Idempotency-Key": one.key})
            assert answer.json()["id"] == one.id and answer.headers["idempotent-replayed"] == "true"
    load = Load([again.port], threads=8, name="later").start()
    load.wait_for(200)
    sent = load.stop()
    wait_settled(database)
    check(database, before + sent)
    again.stop()


@pytest.fixture
def two_roles(postgres):
    """A database whose tables are the owner's, and the URL by which another login serves."""
    database = migrated_for_logins(PostgresDatabase(postgres))
    postgres.execute(f"CREATE ROLE {SERVING} LOGIN IN ROLE tps_api, tps_worker")
    return database, serving(database)


def serving(database):
    return database.url.replace(f"//{OWNER}@", f"//{SERVING}@")


def check_append_only(database):
    """G12: the role of a server can neither rewrite the logs nor switch off the triggers that forbid it."""
    for statement in REWRITES:
        with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.RestrictViolation)):
            connection = database.server.connect(database.name, user=SERVING)
            try:
                connection.cursor().execute(statement)
            finally:
                connection.close()


def test_a_dump_of_postgresql(folder, postgres, two_roles):
    database, url = two_roles
    check_append_only(database)
    running = Tps(folder, "--database-url", url).start()
    dump = folder / "tps.dump"
    before = load_around(running, lambda: run(POSTGRES_BIN / "pg_dump", "--format=custom", f"--file={dump}", database.url))
    running.stop()
    restored = PostgresDatabase(postgres)  # as createdb --owner makes one
    run(POSTGRES_BIN / "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={restored.url}", dump)
    migrated_for_logins(restored)
    check_append_only(restored)
    check_restored(folder, restored, before, serving(restored))


def test_a_base_backup_of_postgresql(folder, postgres):
    """A copy of the whole server with the write-ahead log that completes it, the basis of point-in-time recovery."""
    database = PostgresDatabase(postgres)
    running = Tps(folder, "--database-url", database.url, "--migrate").start()
    copy = postgres.folder / "copy"
    command = [POSTGRES_BIN / "pg_basebackup", "--host=127.0.0.1", f"--port={postgres.port}", "--username=postgres",
               "--checkpoint=fast", "--wal-method=stream", f"--pgdata={copy}"]
    before = load_around(running, lambda: run(*command))
    running.stop()
    server = Postgres(data=copy)
    try:
        database.server = server
        check_restored(folder, database, before)
    finally:
        server.stop()


@pytest.mark.parametrize("command", [".backup '{copy}'", "VACUUM INTO '{copy}'"])
def test_a_copy_of_sqlite(folder, command):
    database = SqliteDatabase(folder / "tps.db")
    running = Tps(folder, "--database-url", database.url).start()
    copy = folder / "copy.db"
    before = load_around(running, lambda: run("sqlite3", "-cmd", ".timeout 10000", database.path,
                                              command.format(copy=copy)))
    running.stop()
    check_restored(folder, SqliteDatabase(copy), before)


def test_the_shared_cache_after_a_restore_to_an_earlier_point(folder, postgres, redis):
    """If the restored database does not have a transaction, the server does not return it from Redis either."""
    database = PostgresDatabase(postgres)
    arguments = ["--database-url", database.url, "--redis-url", redis.url]
    running, reader = (Tps(folder, *arguments, "--migrate").start() for _ in range(2))
    dump = folder / "tps.dump"
    user = new_user()
    with running.client() as client:
        pay(client, user, 1)
        run(POSTGRES_BIN / "pg_dump", "--format=custom", f"--file={dump}", database.url)
        lost = pay(client, user, 2)["id"]
    with reader.client() as client:
        client.get(f"/transactions/{lost}")
    wait_until(lambda: redis.client().keys(f"*:{lost}"), 10, "the transaction in the shared cache")
    running.stop()
    reader.stop()
    database.name = PostgresDatabase(postgres).name
    run(POSTGRES_BIN / "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={database.url}", dump)
    arguments[1] = database.url
    again, reader = (Tps(folder, *arguments).start() for _ in range(2))
    with again.client() as client, reader.client() as another:
        assert client.get(f"/transactions/{lost}").status == 404
        assert [pay(client, user, amount)["id"] for amount in (3, 4)] == [lost, lost + 1]
        # Once an instance has seen a later one, it asks the shared cache for this one.
        assert another.get(f"/transactions/{lost + 1}").json()["amount"] == 4
        assert another.get(f"/transactions/{lost}").json()["amount"] == 3
    again.stop()
    reader.stop()
