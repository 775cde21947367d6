"""A stopped instance holds a lock, and API and workers have logins of different roles. The others may end its session, and no
other session (0003_rights.sql)."""
import contextlib

import pytest
from support.answers import pay
from support.database import PostgresDatabase
from support.history import wait_settled
from support.logins import API, WORKER, api, migrated_for_logins, worker
from support.process import wait_until

OTHER_WORKER = "another_worker"
LOCKS = {"partitions": "SELECT 1 FROM partitions WHERE partition = 0 FOR UPDATE",
         "readers": "SELECT 1 FROM readers WHERE partition = 0 AND reader = 'settlement' FOR UPDATE"}
# How long a session must have been stuck, by the server's clock.
STUCK = "SELECT clock_timestamp() - state_change > interval '1600 ms' FROM pg_stat_activity WHERE pid = {}"


@pytest.fixture(scope="module")
def database(postgres):
    one = migrated_for_logins(PostgresDatabase(postgres))
    postgres.execute(f"CREATE ROLE {OTHER_WORKER} LOGIN IN ROLE tps_worker")
    return one


@contextlib.contextmanager
def holder(database, login, table):
    """A session that holds the lock and does nothing. Only another session can end it."""
    connection = database.server.connect(database.name, user=login)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute(LOCKS[table])
    try:
        yield connection.info.backend_pid
    finally:
        connection.close()


def is_there(database, pid):
    return database.rows(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == [(1,)]


def ask(database, login, function):
    connection = database.server.connect(database.name, user=login)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(0::smallint)")
            return cursor.fetchone()[0]
    finally:
        connection.close()


def wait_stuck(database, pid):
    wait_until(lambda: database.rows(STUCK.format(pid)) == [(True,)], 10, "a session that has been stuck for long")


def test_the_api_ends_a_stopped_worker(database, folder):
    server, settler = api(folder, database).start(), worker(folder, database).start()
    with holder(database, WORKER, "partitions") as pid, server.client(timeout=15) as client:
        assert pay(client, "ada", "1.00")["status"] == "settled"
        assert not is_there(database, pid)
    for one in (server, settler):
        one.stop()
    assert "ended a session that held a lock" in server.log()


def test_a_worker_ends_another_login_of_its_role(database, folder):
    server = api(folder, database).start()
    with server.client() as client:
        client.post("/transactions", {"user_id": "ada", "amount": "1.00", "currency": "USD"})
    with holder(database, OTHER_WORKER, "readers") as pid:
        settler = worker(folder, database).start()
        wait_settled(database, 15)
        assert not is_there(database, pid)
    for one in (server, settler):
        one.stop()


def test_without_the_right_it_waits_and_says_so(database, folder):
    """Shows that the tests above depend on this right."""
    database.execute("REVOKE EXECUTE ON FUNCTION end_partition_holder(smallint) FROM tps_api")
    server = api(folder, database).start()
    with holder(database, WORKER, "partitions") as pid, server.client(timeout=15) as client:
        answer = client.post("/transactions", {"user_id": "ada", "amount": "1.00", "currency": "USD"})
        assert answer.status == 503, answer.body
        assert is_there(database, pid)
    server.stop()
    migrated_for_logins(database)


@pytest.mark.parametrize("function", ["end_partition_holder", "end_reader_holder"])
def test_others_are_left_alone(database, function):
    """A superuser with the lock, a session with another lock, and a session that has just begun to wait are not ended."""
    table = {"end_partition_holder": "partitions", "end_reader_holder": "readers"}[function]
    with holder(database, "postgres", table) as pid:
        wait_stuck(database, pid)
        assert ask(database, WORKER, function) is False and is_there(database, pid)
    other = {"partitions": "readers", "readers": "partitions"}[table]
    with holder(database, OTHER_WORKER, other) as pid:
        wait_stuck(database, pid)
        assert ask(database, WORKER, function) is False and is_there(database, pid)
    with holder(database, OTHER_WORKER, table) as pid:
        assert ask(database, WORKER, function) is False and is_there(database, pid)
        wait_stuck(database, pid)
        assert ask(database, WORKER, function) is True
        wait_until(lambda: not is_there(database, pid), 5, "its end")


def test_tables_of_the_caller_cannot_shadow_system_tables(database):
    """A caller's table that shadows a system table does not mislead the function, which runs with the owner's rights."""
    connection = database.server.connect(database.name, user=API)
    victim = database.server.connect(database.name, user=WORKER)
    pid = victim.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE TEMP VIEW pg_stat_activity AS SELECT {pid} AS pid, 'ClientRead' AS wait_event,
              'epoch'::timestamptz AS state_change, (SELECT oid FROM pg_roles WHERE rolname = '{WORKER}') AS usesysid;
            CREATE TEMP VIEW pg_locks AS
              SELECT 'transactionid' AS locktype, true AS granted, {pid} AS pid, '1'::xid AS transactionid;
            CREATE TEMP VIEW partitions AS SELECT 0::smallint AS partition, '1'::xid AS xmax;
            SET search_path = pg_temp, public, pg_catalog""")
        cursor.execute("SELECT end_partition_holder(0::smallint)")
        assert cursor.fetchone() == (False,)
    assert is_there(database, pid)
    for one in (connection, victim):
        one.close()
