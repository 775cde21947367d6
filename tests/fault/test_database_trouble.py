"""A PostgreSQL that answers and does not work: no room, no permission, damaged pages. The database's words are in the log once, and
clients get a code of their own."""
import pytest
from support.answers import assert_problem, new_user, pay
from support.database import PostgresDatabase
from support.process import wait_until
from support.tps import Tps

PAYMENT = {"user_id": "u", "amount": 1, "currency": "USD"}
RAISE = """CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the words of the database' USING ERRCODE = '{}'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON transaction_log FOR EACH STATEMENT EXECUTE FUNCTION fail()"""


@pytest.mark.parametrize(("sqlstate", "code", "retryable", "message"), [
    ("53100", "database_full", True, "the database is full"),
    ("42501", "database_refuses", True, "the database refuses operations"),
    ("53300", "database_refuses", True, "the database refuses operations"),
    ("XX001", "database_damaged", False, "the database is damaged"),
    ("58030", "database_damaged", False, "the database is damaged"),
])
def test_the_cause_is_told(folder, postgres, sqlstate, code, retryable, message):
    database = PostgresDatabase(postgres)
    server = Tps(folder, "--database-url", database.url, "--migrate").start()
    with server.client() as client:
        paid = pay(client, new_user(), 1)
        database.execute(RAISE.format(sqlstate))
        for _ in range(3):
            answer = client.post("/transactions", PAYMENT)
            problem = assert_problem(answer, 503, code)
            assert problem["retryable"] is retryable and ("retry-after" in answer.headers) is retryable
        wait_until(lambda: server.status("/readiness") == 503)
        assert client.get("/readiness").json()["detail"].startswith(message)
        assert client.get(f"/transactions/{paid['id']}").status == 200
        database.execute("DROP TRIGGER fail ON transaction_log")
        wait_until(lambda: server.status("/readiness") == 200, 20)
        pay(client, new_user(), 1)
    server.stop()
    told = [record for record in server.log_records() if record["message"] == message]
    assert len(told) == 1 and "the words of the database" in told[0]["detail"] and told[0]["level"] == "error"
    assert len([record for record in server.log_records() if record["message"] == "the database works again"]) == 1
