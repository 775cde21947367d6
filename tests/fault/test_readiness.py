"""Readiness is about what serves: faults that a look at the database by another session does not see. The cause of the 503s
is in the log once, with the database's own words, and so is the end."""
import contextlib

import pytest
from support import logins
from support.answers import assert_problem, new_user, pay
from support.process import wait_until
from support.store import empty_postgres
from support.tps import Tps

PAYMENT = {"user_id": "a", "amount": 1, "currency": "USD"}


@contextlib.contextmanager
def running(server):
    try:
        yield server.launch()
        server.stop()
    finally:
        if server.running:
            server.kill()


def not_ready(server):
    with server.client() as client:
        answer = client.get("/readiness")
        return answer.status == 503 and answer.json()["detail"]


def lines(server, message, **members):
    return [one for one in server.log_records() if one["message"] == message and members.items() <= one.items()]


def test_a_login_without_connections_to_spare(postgres, folder):
    """The session that readiness uses is connected, and those of some lanes cannot be. No request is needed to notice."""
    database = empty_postgres(postgres)
    postgres.execute("DROP ROLE IF EXISTS few")
    postgres.execute("CREATE ROLE few LOGIN SUPERUSER")
    server = Tps(folder, "--database-url", database.url_of("few"), "--no-worker")
    with running(server):
        wait_until(server.ready, 20, "readiness")
        postgres.execute("ALTER ROLE few NOSUPERUSER CONNECTION LIMIT 2")
        postgres.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO few', database.name)
        server.stop()
        server.launch()
        assert "the lane" in wait_until(lambda: server.status("/health") == 200 and not_ready(server), 20, "the reason")
        wait_until(lambda: lines(server, "requests fail"), 20, "the cause")
        assert 'too many connections for role "few"' in lines(server, "requests fail")[0]["detail"]
        postgres.execute("ALTER ROLE few CONNECTION LIMIT -1")
        wait_until(server.ready, 20, "readiness")
        with server.client() as client:
            assert client.post("/transactions", PAYMENT).status == 201
        wait_until(lambda: lines(server, "requests succeed again"), 20, "the end of it")
        for line in lines(server, "requests fail"):
            assert len(lines(server, "requests fail", lane=line["lane"])) == 1


def test_a_lost_row_of_partitions(postgres, folder):
    database = empty_postgres(postgres)
    server = Tps(folder, "--database-url", database.url)
    with running(server):
        wait_until(server.ready, 20, "readiness")
        with server.client() as client:
            pay(client, new_user(), "1.00")
            database.execute("CREATE TABLE kept AS SELECT * FROM partitions; DELETE FROM partitions")
            assert_problem(client.post("/transactions", PAYMENT), 503, "store_unavailable")
            assert "the lane submit" in wait_until(lambda: not_ready(server), 20, "the reason")
            assert_problem(client.post("/transactions", PAYMENT), 503, "store_unavailable")
            assert len(lines(server, "requests fail", lane="submit")) == 1
            assert "has lost the row" in lines(server, "requests fail", lane="submit")[0]["detail"]
            database.execute("INSERT INTO partitions SELECT * FROM kept")
            pay(client, new_user(), "1.00")
            wait_until(server.ready, 20, "readiness")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_lost_row_of_readers(postgres, folder, command):
    """Nothing settles any more, and nothing else fails."""
    database = empty_postgres(postgres)
    server = Tps(folder, "--database-url", database.url, command=command)
    payer = Tps(folder, "--database-url", database.url, "--no-worker")
    with running(server), running(payer):
        wait_until(server.ready, 20, "readiness")
        wait_until(payer.ready, 20, "readiness")
        database.execute("CREATE TABLE kept AS SELECT * FROM readers; DELETE FROM readers")
        with payer.client() as client:
            assert client.post("/transactions", PAYMENT).status == 201
        assert "settlement" in wait_until(lambda: not_ready(server), 20, "the reason")
        assert "readers has lost the row" in lines(server, "settlement could not read the log")[0]["detail"]
        database.execute("INSERT INTO readers SELECT * FROM kept")
        wait_until(server.ready, 20, "readiness")
        wait_until(lambda: server.metric("tps_settlement_backlog") == 0, 20, "settlement")
        assert len(lines(server, "settlement could not read the log")) == 1


def test_a_slow_statement_is_no_reason(postgres, folder):
    """Requests fail one after the other for a lock, and are told; the instance serves."""
    database = empty_postgres(postgres)
    logins.make_logins(postgres)
    server = Tps(folder, "--database-url", database.url)
    with running(server):
        wait_until(server.ready, 20, "readiness")
        with contextlib.closing(postgres.connect(database.name)) as holder, server.client(timeout=20) as client:
            holder.autocommit = False
            with holder.cursor() as cursor:
                cursor.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
                assert client.get("/users/a/balances").status == 503
                wait_until(lambda: lines(server, "requests fail", lane="balance"), 20, "the cause")
                assert server.status("/readiness") == 200
            holder.rollback()
            assert client.get("/users/a/balances").status == 200
