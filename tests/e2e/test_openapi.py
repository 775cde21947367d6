"""The OpenAPI document: it is served unchanged, describes real answers, and its pages need no other host."""
import json
import re

import pytest
from support.answers import act, hold, pay, set_account
from support.openapi_check import Wire

GOOD = {"user_id": "described", "amount": "12.75", "currency": "USD"}


@pytest.fixture(scope="module")
def document(sqlite_deployment):
    with sqlite_deployment.client() as client:
        return json.loads(client.get("/openapi.json").body)


CASES = [
    ("POST", "/transactions", GOOD, {}, 201),
    ("POST", "/transactions", GOOD | {"type": "withdrawal", "reference": "r", "metadata": {"a": "b"}}, {}, 201),
    ("POST", "/transactions", GOOD | {"reference": "r"}, {}, 409),
    ("POST", "/transactions", GOOD, {"Idempotency-Key": "k"}, 201),
    ("POST", "/transactions", GOOD | {"amount": 1}, {"Idempotency-Key": "k"}, 422),
    ("POST", "/transactions", GOOD | {"amount": -1, "x": 1}, {}, 422),
    ("POST", "/transactions", "{", {}, 400),
    ("POST", "/transactions", GOOD, {"Idempotency-Key": "a b"}, 400),
    ("POST", "/transactions", "x" * 2_000_000, {}, 413),
    ("POST", "/transactions", GOOD, {"Content-Type": "text/plain"}, 415),
    ("POST", "/transactions", GOOD, {"Expect": "x"}, 417),
    ("POST", "/transactions/batch", {"transactions": [GOOD, GOOD | {"amount": 0}, GOOD | {"reference": "r"}]}, {}, 200),
    ("POST", "/transactions/batch?atomic=true", {"transactions": [GOOD, GOOD | {"amount": 0}]}, {}, 200),
    ("POST", "/transactions/batch", {"transactions": [GOOD | {"idempotency_key": "k"}]}, {}, 200),
    ("POST", "/transactions/batch", {"transactions": []}, {}, 422),
    ("POST", "/transactions/batch", "{", {}, 400),
    ("POST", "/transactions/batch?atomic=x", {"transactions": [GOOD]}, {}, 400),
    ("GET", "/transactions/1", None, {}, 200),
    ("GET", "/transactions/999999", None, {}, 404),
    ("GET", "/transactions/x", None, {}, 404),
    ("GET", "/transactions/1?x=1", None, {}, 400),
    ("GET", "/transactions", None, {}, 200),
    ("GET", "/transactions?limit=1&order=asc&after=1", None, {}, 200),
    ("GET", "/transactions?limit=0", None, {}, 400),
    ("GET", "/transactions?cursor=x", None, {}, 400),
    ("GET", "/users/described/balances", None, {}, 200),
    ("GET", "/users/nobody/balances", None, {}, 200),
    ("GET", "/users/%00/balances", None, {}, 400),
    ("GET", "/users/described/balances?at=2026-01-31T12:00:00Z", None, {}, 200),
    ("GET", "/users/described/balances?at=x", None, {}, 400),
    ("GET", "/users/described/statement?currency=USD", None, {}, 200),
    ("GET", "/users/described/statement?currency=USD&limit=1", None, {}, 200),
    ("GET", "/users/described/statement?currency=USD&limit=1", None, {"Accept": "text/csv"}, 200),
    ("GET", "/users/described/statement?currency=USD", None, {"Accept": "text/html"}, 406),
    ("GET", "/users/described/statement", None, {}, 400),
    ("GET", "/users/described/statement?currency=USD&cursor=x", None, {}, 400),
    ("PUT", "/users/described/accounts/USD", {"overdraft_limit": 5, "frozen": False}, {"Idempotency-Key": "a"}, 200),
    ("PUT", "/users/described/accounts/USD", {"overdraft_limit": 5, "frozen": False}, {"Idempotency-Key": "a"}, 200),
    ("PUT", "/users/described/accounts/USD", {"overdraft_limit": 6}, {"Idempotency-Key": "a"}, 422),
    ("PUT", "/users/described/accounts/USD", {}, {}, 422),
    ("PUT", "/users/described/accounts/USD", "{", {}, 400),
    ("PUT", "/users/described/accounts/XXQ", {"frozen": True}, {}, 404),
    ("PUT", "/users/described/accounts/USD", {"frozen": True}, {"Content-Type": "text/plain"}, 415),
    ("GET", "/users/described/accounts/USD", None, {}, 405),
    ("POST", "/transactions/1/reverse", {"amount": 1}, {"Idempotency-Key": "r", "Prefer": "wait=5"}, 201),
    ("POST", "/transactions/1/reverse", {"amount": 1}, {"Idempotency-Key": "r"}, 201),
    ("POST", "/transactions/1/reverse", None, {"Idempotency-Key": "r"}, 422),
    ("POST", "/transactions/1/reverse", {"amount": 0, "x": 1}, {}, 422),
    ("POST", "/transactions/1/reverse", {"reference": "r"}, {}, 409),
    ("POST", "/transactions/1/capture", None, {}, 422),
    ("POST", "/transactions/1/void", "{", {}, 422),
    ("POST", "/transactions/999999/void", None, {}, 404),
    ("POST", "/transactions/1/void?x=1", None, {}, 400),
    ("POST", "/transactions/1/capture", {}, {"Content-Type": "text/plain"}, 415),
    ("GET", "/health", None, {}, 200),
    ("GET", "/readiness", None, {}, 200),
    ("GET", "/metrics", None, {}, 200),
    ("GET", "/docs", None, {}, 200),
    ("GET", "/redoc", None, {}, 200),
    ("GET", "/openapi.json", None, {}, 200),
]


def test_real_answers_are_as_described(sqlite_deployment, document):
    wire = Wire(document)
    with sqlite_deployment.client() as client:
        for turn, (method, path, body, headers, status) in enumerate(CASES):
            answer = client.request(method, path, body, headers)
            assert answer.status == status, (turn, method, path, answer)
            wire.check(method, path, answer.status, answer.headers, answer.body)
        held, voided = hold(client, "described", "0.25"), hold(client, "described", "0.25")
        made = [pay(client, "described", 1), pay(client, "described", 10**6, type="withdrawal"), held, voided,
                act(client, "capture", held["id"], {"amount": "0.10"}), act(client, "void", voided["id"]),
                set_account(client, "described", overdraft_limit=0, frozen=True)["update"]]
        for transaction in made:
            path = f"/transactions/{transaction['id']}"
            answer = client.get(path)
            wire.check("GET", path, answer.status, answer.headers, answer.body)


def test_every_path_of_the_document_is_served(sqlite_deployment, document):
    with sqlite_deployment.client() as client:
        for template, operations in document["paths"].items():
            path = template.replace("{id}", "1").replace("{currency}", "USD")
            allow = client.request("OPTIONS", path).headers["allow"].replace(" ", "").split(",")
            described = {name.upper() for name in operations if name in ("get", "post", "put", "patch", "delete")}
            assert described == set(allow) - {"HEAD", "OPTIONS"}, template


def test_the_document_is_3_1(document):
    assert document["openapi"].startswith("3.1")


HOST = re.compile(r"""(?:src|href|url|import)\s*[=(:]\s*["']?\s*(https?:)?//""", re.IGNORECASE)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_pages_need_no_other_host(sqlite_deployment, page):
    with sqlite_deployment.client() as client:
        html = client.get(page).body.decode()
        assert not HOST.search(html)
        needed = re.findall(r'(?:src|href)="(?!data:)([^"#]+)"', html)
        assert needed
        for path in needed:
            path = path if path.startswith("/") else f"/{path}"
            answer = client.get(path)
            assert answer.status == 200 and answer.body, path
