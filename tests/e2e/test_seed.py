"""The commands of the original system's README, typed with the real tools (G1)."""
import json
import subprocess

import pytest
from support.process import run
from support.servers import OWNER


@pytest.fixture
def curl(deployment):
    def call(path, *options):
        command = ["curl", "--silent", "--show-error", "--location", f"{deployment.first.url}{path}", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout

    return call


def test_the_three_commands(curl):
    created = json.loads(curl("/transactions", "--header", "Content-Type: application/json", "--data",
                              '{"user_id": "user_11", "amount": 12.75, "currency": "USD"}'))
    assert created["id"] == 1
    assert created["user_id"] == "user_11"
    assert created["amount"] == 12.75
    assert created["currency"] == "USD"
    assert created["status"] == "pending"
    assert created["created_at"].endswith("Z")

    read = json.loads(curl("/transactions/1"))
    assert {name: read[name] for name in ("id", "user_id", "amount", "currency", "created_at")} == {
        name: created[name] for name in ("id", "user_id", "amount", "currency", "created_at")}

    metrics = curl("/metrics")
    assert 'http_requests_total{' in metrics
    assert 'http_request_duration_seconds_count{' in metrics


def test_not_found_has_the_original_detail(curl):
    assert json.loads(curl("/transactions/999999"))["detail"] == "Transaction not found"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/health", "/readiness"])
def test_pages_of_the_original(curl, path):
    assert curl(path)


def test_what_a_person_types_into_psql(deployment, client):
    if deployment.kind == "sqlite":
        pytest.skip("psql is for PostgreSQL")
    client.post("/transactions", {"user_id": "psql", "amount": "0.50", "currency": "USD"}, {"Prefer": "wait=5"})
    database = deployment.database

    def psql(command):
        result = run(["psql", "-X", "-h", "127.0.0.1", "-p", database.server.port, "-U", OWNER, "-d", database.name,
                      "-c", command])
        assert result.returncode == 0, result.stderr
        return result.stdout

    rows = psql("SELECT * FROM transactions;")
    assert "psql" in rows and "0.50" in rows and "settled" in rows
    assert "transaction_log" in psql("\\dt")
    assert "amount_minor" in psql("\\d transaction_log")
    assert database.name in psql("\\l")


def test_the_view_shows_exact_decimals(deployment, client):
    client.post("/transactions", {"user_id": "view", "amount": "90071992547409.93", "currency": "USD"},
                {"Prefer": "wait=5"})
    rows = deployment.database.rows("SELECT amount, currency, status FROM transactions WHERE user_id = 'view'")
    assert [tuple(str(value) for value in row) for row in rows] == [("90071992547409.93", "USD", "settled")]
