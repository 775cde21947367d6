"""`tps worker`: settles transactions that other instances accept, and serves only its own health and metrics."""
import pytest
from support.answers import accepted, assert_problem, pay
from support.process import wait_until
from support.store import empty_postgres
from support.tps import Tps, tps


@pytest.fixture
def database_url(postgres):
    return empty_postgres(postgres).url


@pytest.fixture
def pair(folder, database_url):
    """An API without a worker inside, and a worker."""
    api = Tps(folder, "--database-url", database_url, "--no-worker").start()
    worker = Tps(folder, "--database-url", database_url, command="worker").start()
    yield api, worker
    worker.stop()
    api.stop()


def test_it_settles_for_others(pair):
    api, worker = pair
    with api.client() as client:
        assert pay(client, "u", "10.00")["status"] == "settled"
        failed = pay(client, "u", "10.01", type="withdrawal")
        assert (failed["status"], failed["failure"]) == ("failed", "insufficient_funds")
    assert worker.metric('tps_transactions_settled_total{status="settled"}') == 1
    assert worker.metric('tps_transactions_failed_total{failure="insufficient_funds"}') == 1
    assert api.metric("tps_transactions_settled_total") == 0


def test_it_answers_only_for_itself(pair):
    _, worker = pair
    with worker.client() as client:
        assert client.get("/health").status == 200
        assert client.get("/readiness").status == 200
        assert b"tps_settle_seconds" in client.get("/metrics").body
        assert_problem(client.get("/transactions/1"), 404, "not_found")
        assert_problem(client.post("/transactions", {"user_id": "u", "amount": 1, "currency": "USD"}), 404, "not_found")


def test_without_a_worker_transactions_wait(folder, database_url):
    api = Tps(folder, "--database-url", database_url, "--no-worker").start()
    with api.client() as client:
        one = accepted(client.post("/transactions", {"user_id": "u", "amount": 1, "currency": "USD"}))
        wait_until(lambda: api.metric("tps_settlement_backlog") == 1, 10, "the backlog to be seen")
        assert client.get(f"/transactions/{one['id']}").json()["status"] == "pending"
        worker = Tps(folder, "--database-url", database_url, command="worker").start()
        wait_until(lambda: client.get(f"/transactions/{one['id']}").json()["status"] == "settled", 10, "settlement")
    worker.stop()
    api.stop()


def test_a_killed_worker_is_replaced(pair, folder, database_url):
    api, worker = pair
    other = Tps(folder, "--database-url", database_url, command="worker").start()
    with api.client() as client:
        for number in range(20):
            if number == 10:
                worker.kill()
            assert pay(client, f"u{number}", "1.00")["status"] == "settled"
    other.stop()


def test_the_ledger_is_watched(pair):
    api, worker = pair
    with api.client() as client:
        pay(client, "u", "10.00")
        pay(client, "u", "2.00", type="withdrawal", capture="manual")
    wait_until(lambda: worker.metric("tps_holds_open") == 1, 40, "the open hold to be counted")
    assert worker.metric('tps_ledger_imbalance{currency="USD"}') == 0


def test_a_server_that_cannot_listen_settles_nothing(folder, database_url):
    """Settlement starts when nothing of the start can fail any more."""
    api = Tps(folder, "--database-url", database_url, "--no-worker").start()
    with api.client() as client:
        one = accepted(client.post("/transactions", {"user_id": "u", "amount": 1, "currency": "USD"}))
        for command in ("serve", "worker"):
            refused = tps(command, "--database-url", database_url, "--port", str(api.port), timeout=30)
            assert refused.returncode == 1 and "cannot listen on" in refused.stderr, refused
        assert client.get(f"/transactions/{one['id']}").json()["status"] == "pending"
    api.stop()
