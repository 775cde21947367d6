"""An upgrade and its rollback under load: an older and a newer binary on one schema, nobody notices (G1-G6).

The newer binary has one migration more. The long form builds it; the short one runs the migration by hand, as it would,
and starts the same binary again.
"""
import itertools

import pytest
from support.build import build, copy_of_the_sources
from support.database import PostgresDatabase, SqliteDatabase
from support.fixtures import LONG
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.tps import BINARY, Tps, tps

CHANGE = "ALTER TABLE transaction_log ADD COLUMN of_the_next_version {text}"


def make_next(folder):
    """A binary that knows one migration more; the present one survives it."""
    source = copy_of_the_sources(folder)
    for engine, text in (("postgres", "text"), ("sqlite", "TEXT")):
        migrations = source / "src/adapters/migrations" / engine
        newest = max(migrations.glob("[0-9]*.sql"))
        min_binary = newest.read_text().splitlines()[0]
        (migrations / f"{int(newest.name[:4]) + 1:04}_next.sql").write_text(f"{min_binary}\n{CHANGE.format(text=text)};\n")
    return build(source)


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    return make_next(tmp_path_factory.mktemp("next")) if LONG else BINARY


def migrate(database, newer):
    if LONG:
        done = tps("migrate", "--database-url", database.url, binary=newer)
        assert done.returncode == 0, done.stderr
    else:
        database.execute(CHANGE.format(text="text"))
        database.execute("UPDATE store SET schema = schema + 1")
    assert database.rows("SELECT of_the_next_version FROM transaction_log LIMIT 1") == [(None,)]


def finish(database, load, running):
    """Everything that was sent holds, for both binaries."""
    sent = load.stop()
    retry_unknown([one.port for one in running], sent)
    wait_settled(database)
    check(database, sent)
    for one in running:
        one.stop()
        audit = tps("verify", "--database-url", database.url, binary=one.binary)
        assert audit.returncode == 0, audit.stdout + audit.stderr
    return sent


def test_one_after_the_other_on_postgresql(folder, postgres, newer):
    database = PostgresDatabase(postgres)
    running = [Tps(folder, "--database-url", database.url, *extra).start() for extra in (["--migrate"], [])]
    load = Load([one.port for one in running], threads=8).start()
    load.wait_for(200)
    migrate(database, newer)
    load.wait_for(200)  # the old ones go on
    for binary, one in itertools.product((newer, BINARY), running):
        one.stop()
        one.binary = binary
        one.start()
        load.wait_for(200)
    sent = finish(database, load, running)
    print(f"{len(sent)} requests while two instances went to the next version and back")


def test_there_and_back_on_sqlite(folder, newer):
    database = SqliteDatabase(folder / "tps.db")
    one = Tps(folder, "--database-url", database.url).start()
    load = Load([one.port], threads=8).start()
    load.wait_for(200)
    one.stop()
    migrate(database, newer)
    for binary in (newer, BINARY):
        one.stop()
        one.binary = binary
        one.start()
        load.wait_for(200)
    finish(database, load, [one])
