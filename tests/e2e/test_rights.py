"""API, worker and readers on PostgreSQL with logins that are members of one role each: all that they must do works, and
what they must not do is refused (G12)."""
import json

import psycopg2
import pytest
from support.answers import accepted, act, assert_problem, hold, pay, read
from support.database import PostgresDatabase
from support.history import wait_settled
from support.logins import API, READER, WORKER, api, migrated_for_logins, worker
from support.process import wait_until
from support.tps import tps

DENIED = psycopg2.errors.InsufficientPrivilege


@pytest.fixture(scope="module")
def fleet(postgres, redis, tmp_path_factory):
    """Two partitions, so that accounts are locked across them."""
    folder = tmp_path_factory.mktemp("fleet")
    database = migrated_for_logins(PostgresDatabase(postgres), "--partitions", 2)
    running = [api(folder, database, "--redis-url", redis.url), worker(folder, database)]
    for one in running:
        one.start()
    yield database, running[0]
    for one in running:
        one.stop()


@pytest.fixture
def client(fleet):
    with fleet[1].client() as one:
        yield one


def test_every_kind_of_transaction(client):
    first = pay(client, "ada", "100.00")
    assert pay(client, "ada", "20.00", type="transfer", to_user_id="bob")["status"] == "settled"
    captured = hold(client, "ada", "30.00")
    assert act(client, "capture", captured["id"], {"amount": "10.00"})["status"] == "settled"
    assert act(client, "void", hold(client, "ada", "5.00")["id"])["status"] == "settled"
    assert act(client, "reverse", first["id"], {"amount": "1.00"})["status"] == "settled"
    changed = client.request("PUT", "/users/ada/accounts/USD", {"overdraft_limit": "7.00"})
    assert (changed.status, changed.json()["overdraft_limit"]) == (200, 7)
    expiring = hold(client, "ada", "2.00", hold_expires_in=1)
    wait_until(lambda: read(client, expiring["id"])["status"] == "expired", 15, "the expiry that a worker appends")


def test_every_way_of_reading(client):
    paid = pay(client, "eve", "3.00", reference="first")
    for path in (f"/transactions/{paid['id']}", "/transactions?user_id=eve", "/transactions?order=asc", "/users/eve/balances",
                 "/users/eve/balances?at=2026-01-01T00:00:00Z", "/users/eve/statement?currency=USD", "/readiness", "/metrics"):
        assert client.get(path).status == 200, path
    again = {"user_id": "eve", "amount": "3.00", "currency": "USD", "reference": "first"}
    assert_problem(client.post("/transactions", again), 409, "duplicate_reference")


def test_a_new_currency_and_a_repeated_key(client):
    body = {"user_id": "eve", "amount": 5, "currency": "JPY"}
    ids = {accepted(client.post("/transactions", body, {"Idempotency-Key": "once"}))["id"] for _ in range(3)}
    assert len(ids) == 1


def test_the_api_login_finds_an_api_key_but_cannot_list_them(fleet, tmp_path):
    database, _ = fleet
    made = tps("keys", "create", "--subject", "shop", "--scopes", "transactions:read", "--json", "--database-url", database.url)
    assert made.returncode == 0, made.stderr
    asking = api(tmp_path, database, "--auth").start()
    with asking.client() as client:
        assert client.get("/transactions", {"Authorization": f"Bearer {json.loads(made.stdout)['key']}"}).status == 200
        assert client.get("/transactions", {"Authorization": f"Bearer tps_live_{'A' * 43}"}).status == 401
    asking.stop()


def test_import_as_the_api(fleet, tmp_path):
    database, _ = fleet
    path = tmp_path / "day.ndjson"
    path.write_text('{"user_id": "ina", "amount": "1.00", "currency": "USD"}\n' * 3)
    done = tps("import", path, "--database-url", database.url_of(API))
    assert done.returncode == 0, done.stderr


def test_the_audit_and_the_export_as_a_reader(fleet, client):
    database, _ = fleet
    pay(client, "ada", "1.00")
    wait_settled(database)
    audit = tps("verify", "--json", "--database-url", database.url_of(READER), timeout=60)
    assert audit.returncode == 0 and json.loads(audit.stdout)["differences"] == 0, audit.stdout + audit.stderr
    everything = tps("export", "--database-url", database.url_of(READER), timeout=60)
    assert everything.returncode == 0, everything.stderr
    assert len(everything.stdout.splitlines()) == database.rows("SELECT count(*) FROM transaction_log")[0][0]


def statements(login):
    """(what must be refused, for whom)"""
    logs = [f"{verb} {log}{rest}" for log in ("transaction_log", "settlement_log", "currencies")
            for verb, rest in (("UPDATE", " SET partition = 0"), ("DELETE FROM", ""), ("TRUNCATE", ""))]
    logs = [one.replace("SET partition = 0", "SET code = 'X'") if "currencies" in one else one for one in logs]
    tables = ("transaction_log", "settlement_log", "accounts", "store")
    shape = [one for table in tables for one in (
        f"DROP TABLE {table}", f"ALTER TABLE {table} DISABLE TRIGGER ALL", f"ALTER TABLE {table} ADD COLUMN mine text",
        f"ALTER TABLE {table} OWNER TO {login}")]
    shape += ["DROP TRIGGER append_only ON transaction_log", "CREATE TABLE mine (id int)", "SET ROLE tps_owner",
              "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
              "DROP FUNCTION end_partition_holder(smallint)", "SET session_replication_role = replica",
              "GRANT UPDATE ON transaction_log TO PUBLIC; UPDATE transaction_log SET id = 0"]
    rows = ["UPDATE store SET schema = 0", "DELETE FROM store", "INSERT INTO partitions VALUES (9)", "DELETE FROM partitions",
            "UPDATE partitions SET partition = 9", "DELETE FROM accounts", "DELETE FROM totals", "UPDATE holds SET held_minor = 0",
            "UPDATE readers SET reader = 'x'", "BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"]
    settling = ["INSERT INTO settlement_log SELECT * FROM settlement_log", "INSERT INTO accounts SELECT * FROM accounts",
                "INSERT INTO holds SELECT * FROM holds", "INSERT INTO totals SELECT * FROM totals",
                "UPDATE accounts SET posted = 0", "UPDATE totals SET deposits = 0", "SELECT * FROM readers FOR UPDATE",
                "SELECT end_reader_holder(0::smallint)"]
    secret = ["SELECT cache_secret FROM store", "SELECT * FROM store"]
    writing = ["INSERT INTO transaction_log SELECT * FROM transaction_log", "INSERT INTO currencies VALUES ('XXX', 2)",
               "SELECT * FROM partitions FOR UPDATE", "SELECT end_partition_holder(0::smallint)",
               "UPDATE partitions SET lock_right = true"]
    making_keys = ["INSERT INTO api_key_log SELECT * FROM api_key_log", "DELETE FROM api_key_log",
                   "SELECT key_hash FROM api_key_log", "UPDATE api_key_log SET done_by = 'x'"]
    keys = ["SELECT key_id FROM api_key_log", "SELECT * FROM find_api_key('\\x00')"]
    return logs + shape + rows + making_keys + {
        API: settling + keys[:1], WORKER: secret + keys, READER: settling + secret + writing + keys[1:]}[login]


@pytest.mark.parametrize("login, statement", [(login, one) for login in (API, WORKER, READER) for one in statements(login)])
def test_refused(fleet, login, statement):
    """The rights refuse the statement, before any trigger."""
    database, _ = fleet
    connection = database.server.connect(database.name, user=login)
    try:
        with connection.cursor() as cursor, pytest.raises(DENIED):
            cursor.execute(statement)
    finally:
        connection.close()


def test_a_reader_sees_what_a_person_looks_for(fleet):
    database, _ = fleet
    connection = database.server.connect(database.name, user=READER)
    with connection.cursor() as cursor:
        for table in ("transactions", "transaction_log", "settlement_log", "accounts", "holds", "reversals", "totals",
                      "currencies", "partitions", "readers"):
            cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        cursor.execute("SELECT store_id, schema, min_binary, partitions FROM store")
    connection.close()


def test_a_cache_needs_the_right_to_its_secret(fleet, redis, folder):
    """If the cache had no secret, every client of Redis could forge entries."""
    database, _ = fleet
    done = tps("serve", "--database-url", database.url_of(WORKER), "--redis-url", redis.url, "--listen", "127.0.0.1:0", timeout=30)
    assert done.returncode == 2 and "tps_api" in done.stderr, done.stderr
    assert not list(folder.iterdir())


def test_a_login_without_any_role_is_told_so(fleet, folder):
    database, _ = fleet
    database.server.execute("CREATE ROLE nobody_yet LOGIN")
    done = tps("verify", "--database-url", database.url_of("nobody_yet"), timeout=30)
    assert done.returncode == 1 and "permission denied for table store" in done.stderr, done.stderr


@pytest.mark.parametrize("login", [API, WORKER, READER])
def test_only_the_owner_migrates(fleet, login):
    empty = PostgresDatabase(fleet[0].server)
    done = tps("migrate", "--database-url", empty.url_of(login))
    assert done.returncode == 1 and "tps_owner" in done.stderr, done.stderr
