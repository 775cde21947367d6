"""A clock that is wrong writes nothing: an instance whose clock is ahead or behind refuses, says so, and goes on by itself
when the clock is right again. The times of a log never run back, so one transaction from tomorrow would last until then."""
import contextlib
import datetime
import re
import sqlite3

import pytest
from support.answers import accepted, act, assert_problem, hold, new_user, outcome, pay, read
from support.build import ROOT
from support.clock import Clock
from support.process import wait_until
from support.store import empty_postgres, empty_store
from support.tps import Tps, tps

HOUR, DAY, YEARS = 3600, 86400, 50 * 365 * 86400
OFFSETS = (HOUR, -HOUR, DAY, -DAY, YEARS, -YEARS)
PAYMENT = {"user_id": "a", "amount": 1, "currency": "USD"}
WRONG, RIGHT = "the time is wrong, so nothing is written", "the time is right again"


@contextlib.contextmanager
def running(*servers):
    """They end cleanly, or are killed if the test fails."""
    try:
        for server in servers:
            server.start()
        yield
        for server in servers:
            server.stop()
    finally:
        for server in servers:
            if server.running:
                server.kill()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, folder):
    return empty_store(request.param, folder, request)


def is_sqlite(database):
    return database.url.startswith("sqlite")


def verified(database):
    found = tps("verify", "--database-url", database.url)
    assert found.returncode == 0, found.stdout + found.stderr


def created_at(transaction):
    return datetime.datetime.fromisoformat(transaction["created_at"].replace("Z", "+00:00"))


def assert_of_today(transaction):
    age = datetime.datetime.now(datetime.timezone.utc) - created_at(transaction)
    assert abs(age.total_seconds()) < 10, transaction


def refuses(server):
    with server.client() as client:
        problem = assert_problem(client.post("/transactions", PAYMENT), 503, "clock_wrong")
        assert problem["retryable"] is True
        item = client.post("/transactions/batch", {"transactions": [PAYMENT]}).json()["results"][0]
        assert (item["status"], item["problem"]["code"]) == (503, "clock_wrong"), item


def not_ready(server):
    with server.client() as client:
        answer = client.get("/readiness")
        return answer.status == 503 and answer.json()["code"] == "clock_wrong" and answer.json()["detail"]


def lines(server, message):
    return [one for one in server.log_records() if one["message"] == message]


def pays(server):
    """A payment through this server settles, with the true time."""
    with server.client() as client:
        assert_of_today(pay(client, new_user(), "1.00"))


@pytest.mark.parametrize("seconds", OFFSETS)
def test_a_wrong_clock_writes_nothing(database, folder, seconds):
    clock = Clock(folder)
    wrong = Tps(folder, "--database-url", database.url, environment=clock.environment)
    others = [] if is_sqlite(database) else [Tps(folder, "--database-url", database.url)]
    with running(wrong, *others):
        with wrong.client() as client:
            user = new_user()
            pay(client, user, "10.00")
            held = hold(client, user, "5.00", hold_expires_in=HOUR // 2)
        count = database.rows("SELECT count(*) FROM transaction_log")[0][0]
        clock.set(seconds)
        refuses(wrong)
        direction = "ahead" if seconds > 0 else "behind"
        assert direction in wait_until(lambda: not_ready(wrong), 20, "the wrong clock to be noticed")
        assert abs(wrong.metric("tps_clock_skew_seconds") - seconds) < 10
        refuses(wrong)
        # Its worker found the hold over, tomorrow, and was not let in.
        if seconds > 0:
            wait_until(lambda: lines(wrong, "holds that have expired could not be ended"), 20, "a look for due holds")
        assert database.rows("SELECT count(*) FROM transaction_log")[0][0] == count
        for other in others:
            pays(other)
            assert other.status("/readiness") == 200
        clock.set(0)
        wait_until(wrong.ready, 20, "the right clock to be noticed")
        for server in [wrong, *others]:
            pays(server)
        with wrong.client() as client:
            assert outcome(read(client, held["id"])) == ("authorized", None)
            assert outcome(act(client, "capture", held["id"])) == ("settled", None)
        assert len(lines(wrong, WRONG)) == len(lines(wrong, RIGHT)) == 1
        assert lines(wrong, WRONG)[0]["level"] == "error"
    verified(database)


def test_ten_seconds_are_no_fault(database, folder):
    clock = Clock(folder)
    server = Tps(folder, "--database-url", database.url, environment=clock.environment)
    with running(server):
        for seconds in (5, 0, -4):
            clock.set(seconds)
            with server.client() as client:
                pay(client, new_user(), "1.00")
        assert not lines(server, WRONG)


def sql_of_the_runbook(database):
    text = (ROOT / "docs/runbooks/log-ahead.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    return blocks[1 if is_sqlite(database) else 0]


def run_script(database, script):
    if not is_sqlite(database):
        database.execute(script)
        return
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.executescript(script)


def tomorrow(database):
    """The last transactions, as a server with a clock a day ahead and no rule against it would have left them."""
    day = f"{DAY} * 1000000" if is_sqlite(database) else f"interval '{DAY} seconds'"
    names = ("transaction_log_update", "settlement_log_update")
    triggers = [row[0] for row in database.rows(f"SELECT sql FROM sqlite_master WHERE name IN {names}")] if is_sqlite(
        database) else []
    steps = [f"DROP TRIGGER {name}" for name in names] if triggers else [
        f"ALTER TABLE {table} DISABLE TRIGGER append_only" for table in ("transaction_log", "settlement_log")]
    steps += [
        f"UPDATE transaction_log SET created_at = created_at + {day}, hold_expires_at = hold_expires_at + {day} WHERE id > 3",
        f"UPDATE settlement_log SET settled_at = settled_at + {day} WHERE transaction_id > 3",
        f"UPDATE holds SET expires_at = expires_at + {day} WHERE transaction_id > 3",
        f"UPDATE holds SET closed_at = closed_at + {day} WHERE closed_by > 3",
    ]
    steps += triggers or [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only" for table in ("transaction_log", "settlement_log")]
    run_script(database, ";\n".join(steps) + ";")


def test_the_way_back_from_a_log_in_the_future(database, folder):
    server = Tps(folder, "--database-url", database.url)
    with running(server), server.client() as client:
        pay(client, "a", "100.00")
        for _ in range(2):
            hold(client, "a", "5.00", hold_expires_in=2 * DAY)  # 2, 3
        hold(client, "a", "7.00", hold_expires_in=60)  # 4
        hold(client, "a", "7.00", hold_expires_in=60)  # 5
        assert outcome(act(client, "capture", 2)) == ("settled", None)  # 6
        assert outcome(act(client, "capture", 4)) == ("settled", None)  # 7
        before = database.rows("SELECT transaction_id, status FROM settlement_log ORDER BY transaction_id")
    tomorrow(database)
    server.launch()
    try:
        assert "in the future" in wait_until(lambda: server.status("/health") == 200 and not_ready(server), 20, "the log to be seen")
        refuses(server)
        assert DAY - 60 < server.metric("tps_log_ahead_seconds") <= DAY
        server.stop()
        verified(database)  # strange times are no difference
        run_script(database, sql_of_the_runbook(database))
        verified(database)
        assert database.rows("SELECT transaction_id, status FROM settlement_log ORDER BY transaction_id") == before
        server.start()
        pays(server)
        with server.client() as client:
            assert_of_today(read(client, 7))
            assert outcome(act(client, "capture", 5)) == ("settled", None)
        wait_until(lambda: server.metric("tps_log_ahead_seconds") < 10, 20, "the figure")
        server.stop()
    finally:
        if server.running:
            server.kill()
    verified(database)
    with pytest.raises(Exception, match="append-only"):
        database.execute("UPDATE transaction_log SET amount_minor = 1")


def test_an_age_below_zero_is_shown(postgres, folder):
    """The oldest pending transaction is from tomorrow."""
    database = empty_postgres(postgres)
    first = Tps(folder, "--database-url", database.url)
    with running(first), first.client() as client:
        for _ in range(3):
            pay(client, "a", "1.00")
    second = Tps(folder, "--database-url", database.url, "--no-worker")
    with running(second), second.client() as client:
        accepted(client.post("/transactions", PAYMENT))
        tomorrow(database)
        wait_until(lambda: second.metric("tps_oldest_pending_seconds") < -DAY / 2, 20, "the age")
        assert second.metric("tps_settlement_backlog") == 1
