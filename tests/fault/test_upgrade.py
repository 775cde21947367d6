"""An upgrade and its rollback under load: an older and a newer binary on one schema, unnoticed by clients
(G1-G6).

The newer binary has one migration more. The long form builds it; the short one runs the migration by hand, as it would,
and starts the same binary again.
"""
import itertools
import os

import pytest
from support.build import build, copy_of_the_sources
from support.clients import Clients
from support.database import PostgresDatabase, SqliteDatabase
from support.fixtures import LONG
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.process import Process, wait_until
from support.tps import BINARY, Tps, clean_environment, tps

CHANGE = "ALTER TABLE transaction_log ADD COLUMN of_the_next_version {text}"
LASTS = "SELECT pg_sleep(5);\n"  # as long as creating an index takes; clients must not notice
THREADS = 8


def make_next(folder):
    """Builds a binary with one more migration, which the present binary is compatible with."""
    source = copy_of_the_sources(folder)
    for engine, first, text in (("postgres", LASTS, "text"), ("sqlite", "", "TEXT")):
        migrations = source / "src/adapters" / engine / "migrations"
        newest = max(migrations.glob("[0-9]*.sql"))
        min_binary = newest.read_text().splitlines()[0]
        (migrations / f"{int(newest.name[:4]) + 1:04}_next.sql").write_text(f"{min_binary}\n{first}{CHANGE.format(text=text)};\n")
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


class Readiness(Clients):
    """Polls /readiness of the instances, as a load balancer does."""

    def __init__(self, running):
        super().__init__(len(running))
        self.running = running
        self.said = set()

    def _run(self, number):
        while not self.stopping.wait(0.02):
            self.said.add(self.running[number].status("/readiness"))


def harmed(load):
    """The requests that were not acknowledged, without the last of each client, which may be in progress."""
    return [one for mine in load.sent for one in list(mine)[:-1] if one.outcome != "acknowledged"]


def finish(database, load, running):
    """Checks all requests, and runs `tps verify` of both binaries."""
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
    load = Load([one.port for one in running], threads=THREADS).start()
    load.wait_for(200)
    with Readiness(running) as readiness:
        migrate(database, newer)
        load.wait_for(200)  # the old ones go on
    assert readiness.said == {200} and not harmed(load)
    for binary, one in itertools.product((newer, BINARY), running):
        one.stop()
        one.binary = binary
        one.start()
        load.wait_for(200)
    sent = finish(database, load, running)
    # Without a load balancer, clients keep sending to an instance that is down. No instance refuses a request that it reads.
    print(f"{len(sent)} requests while two instances went to the next version and back; {sum(one.retried for one in sent)} "
          "were sent to one that was down, or while its connection was being closed")
    assert {one.outcome for one in sent} == {"acknowledged"}


def test_a_dump_is_under_way_on_postgresql(folder, postgres, newer):
    """A dump locks every table until it ends. A migration that changes a table waits for the dump, but no client waits for the
    migration. A migration without changes does not wait."""
    database = PostgresDatabase(postgres)
    one = Tps(folder, "--database-url", database.url, "--migrate").start()
    load = Load([one.port], threads=THREADS).start()
    load.wait_for(200)
    dump = postgres.connect(database.name)
    dump.cursor().execute("BEGIN; LOCK TABLE store, transaction_log, settlement_log, accounts IN ACCESS SHARE MODE")
    with Readiness([one]) as readiness:
        log = folder / "migrate.log"
        command = [os.path.abspath(newer), "migrate", "--database-url", database.url]
        migration = Process(command, log, environment=clean_environment())
        if newer != BINARY:
            wait_until(lambda: log.read_text().count("tables in use") >= 2, 60, "two attempts of the migration")
            dump.close()
        assert migration.wait(60) == 0, log.read_text()
        load.wait_for(200)
    dump.close()
    assert readiness.said == {200} and not harmed(load)
    finish(database, load, [one])


def test_there_and_back_on_sqlite(folder, newer):
    database = SqliteDatabase(folder / "tps.db")
    one = Tps(folder, "--database-url", database.url).start()
    load = Load([one.port], threads=THREADS).start()
    load.wait_for(200)
    one.stop()
    migrate(database, newer)
    for binary in (newer, BINARY):
        one.stop()
        one.binary = binary
        one.start()
        load.wait_for(200)
    finish(database, load, [one])
