"""Bad input to captures, voids, reversals and account updates: a clear 4xx that names the member, and nothing is stored."""
import pytest
from support.answers import assert_problem, hold, pay

# Route, body, status, code, pointers. `hold` and `deposit` are existing transactions.
CHILDREN = [
    ("hold/capture", b"{", 400, "malformed_json", None),
    ("hold/capture", b"{}{}", 400, "malformed_json", None),
    ("hold/capture", b" ", 400, "malformed_json", None),
    ("hold/capture", b'{"amount":NaN}', 400, "malformed_json", None),
    ("hold/capture", b'{"amount":1}\xff', 400, "malformed_json", None),
    ("hold/capture", b"[]", 422, "validation_failed", [""]),
    ("hold/capture", b"null", 422, "validation_failed", [""]),
    ("hold/capture", b'{"amount":0}', 422, "validation_failed", ["/amount"]),
    ("hold/capture", b'{"amount":-1}', 422, "validation_failed", ["/amount"]),
    ("hold/capture", b'{"amount":0.001}', 422, "validation_failed", ["/amount"]),
    ("hold/capture", b'{"amount":"ten"}', 422, "validation_failed", ["/amount"]),
    ("hold/capture", b'{"amount":1e30}', 422, "validation_failed", ["/amount"]),
    ("hold/capture", b'{"amount":1,"amount":1}', 422, "validation_failed", ["/amount"]),
    ("hold/capture", b'{"user_id":"u","currency":"USD","type":"capture","to_user_id":"v"}', 422, "validation_failed",
     ["/user_id", "/currency", "/type", "/to_user_id"]),
    ("hold/capture", b'{"capture":"manual","hold_expires_in":5}', 422, "validation_failed",
     ["/capture", "/hold_expires_in"]),
    ("hold/capture", b'{"parent_id":1}', 422, "validation_failed", ["/parent_id"]),
    ("hold/capture", b'{"final":true}', 422, "validation_failed", ["/final"]),
    ("hold/capture", b'{"idempotency_key":"k"}', 422, "validation_failed", ["/idempotency_key"]),
    ("hold/capture", b'{"reference":"","description":"a\\u0000","metadata":[]}', 422, "validation_failed",
     ["/metadata", "/reference", "/description"]),
    ("hold/void", b'{"amount":1}', 422, "validation_failed", ["/amount"]),
    ("deposit/reverse", b'{"amount":"1.001"}', 422, "validation_failed", ["/amount"]),
    ("deposit/capture", b"", 422, "invalid_parent", None),
    ("deposit/void", b"{}", 422, "invalid_parent", None),
    ("hold/reverse", b"{}", 422, "invalid_parent", None),
    ("0/capture", b"", 404, "not_found", None),
    ("999999/void", b"{}", 404, "not_found", None),
    ("35184372088833/reverse", b"", 404, "not_found", None),
    ("x/reverse", b"", 404, "not_found", None),
    ("hold/refund", b"", 404, "not_found", None),
    ("hold/capture?x=1", b"", 400, "invalid_parameter", ["x"]),
]

ACCOUNTS = [
    ("u/accounts/USD", b"", 400, "malformed_json", None),
    ("u/accounts/USD", b"{", 400, "malformed_json", None),
    ("u/accounts/USD", b'{"frozen":TRUE}', 400, "malformed_json", None),
    ("u/accounts/USD", b'{"overdraft_limit":NaN}', 400, "malformed_json", None),
    ("u/accounts/USD", b"[]", 422, "validation_failed", [""]),
    ("u/accounts/USD", b"{}", 422, "validation_failed", [""]),
    ("u/accounts/USD", b'{"frozen":null,"overdraft_limit":null}', 422, "validation_failed", [""]),
    ("u/accounts/USD", b'{"frozen":"yes"}', 422, "validation_failed", ["/frozen"]),
    ("u/accounts/USD", b'{"frozen":0}', 422, "validation_failed", ["/frozen"]),
    ("u/accounts/USD", b'{"overdraft_limit":false}', 422, "validation_failed", ["/overdraft_limit"]),
    ("u/accounts/USD", b'{"overdraft_limit":-0.01}', 422, "validation_failed", ["/overdraft_limit"]),
    ("u/accounts/USD", b'{"overdraft_limit":0.001}', 422, "validation_failed", ["/overdraft_limit"]),
    ("u/accounts/USD", b'{"overdraft_limit":1e30}', 422, "validation_failed", ["/overdraft_limit"]),
    ("u/accounts/USD", b'{"overdraft_limit":"much"}', 422, "validation_failed", ["/overdraft_limit"]),
    ("u/accounts/USD", b'{"frozen":true,"frozen":true}', 422, "validation_failed", ["/frozen"]),
    ("u/accounts/USD", b'{"frozen":1,"posted":5}', 422, "validation_failed", ["/frozen", "/posted"]),
    ("u/accounts/JPY", b'{"overdraft_limit":0.5}', 422, "validation_failed", ["/overdraft_limit"]),
    ("u/accounts/XXQ", b'{"frozen":true}', 404, "not_found", None),
    ("u/accounts/%00", b'{"frozen":true}', 404, "not_found", None),
    ("%ff/accounts/USD", b'{"frozen":true}', 400, "invalid_parameter", ["id"]),
    ("u" * 129 + "/accounts/USD", b'{"frozen":true}', 400, "invalid_parameter", ["id"]),
    ("/accounts/USD", b'{"frozen":true}', 404, "not_found", None),
    ("u/accounts/USD?x=1", b'{"frozen":true}', 400, "invalid_parameter", ["x"]),
]

STATEMENTS = [
    ("u/statement", ["currency"]),
    ("u/statement?currency=", ["currency"]),
    ("u/statement?currency=XXQ", ["currency"]),
    ("u/statement?currency=USD&currency=USD", ["currency"]),
    ("u/statement?currency=USD&from=today", ["from"]),
    ("u/statement?currency=USD&to=2026-01-01", ["to"]),
    ("u/statement?currency=USD&from=2026-01-01T00:00:00+01:00", ["from"]),
    ("u/statement?currency=USD&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", ["to"]),
    ("u/statement?currency=USD&limit=0", ["limit"]),
    ("u/statement?currency=USD&limit=1001", ["limit"]),
    ("u/statement?currency=USD&page=2", ["page"]),
    ("%00/statement?currency=USD", ["id"]),
    ("u/balances?at=", ["at"]),
    ("u/balances?at=yesterday", ["at"]),
    ("u/balances?at=2026-01-01T00:00:00Z&at=2026-01-01T00:00:00Z", ["at"]),
    ("u/balances?currency=USD", ["currency"]),
]

HOLDS = [
    ({"type": "deposit"}, ["/capture"]),
    ({"capture": "later"}, ["/capture"]),
    ({"hold_expires_in": 0}, ["/hold_expires_in"]),
    ({"hold_expires_in": -1}, ["/hold_expires_in"]),
    ({"hold_expires_in": 31536001}, ["/hold_expires_in"]),
    ({"hold_expires_in": 1.5}, ["/hold_expires_in"]),
    ({"hold_expires_in": "60"}, ["/hold_expires_in"]),
    ({"hold_expires_in": True}, ["/hold_expires_in"]),
    ({"capture": "automatic", "hold_expires_in": 60}, ["/hold_expires_in"]),
]


@pytest.fixture(scope="module")
def there(deployment):
    with deployment.client() as client:
        yield {"deposit": pay(client, "there", "100.00")["id"], "hold": hold(client, "there", "10.00")["id"]}
    assert deployment.database.rows("SELECT count(*) FROM transaction_log")[0][0] == 2


def shown(value):
    return str(value)[:60]


@pytest.mark.parametrize("what, body, status, code, pointers", CHILDREN, ids=shown)
def test_children(client, there, what, body, status, code, pointers):
    parent, _, rest = what.partition("/")
    answer = client.post(f"/transactions/{there.get(parent, parent)}/{rest}", body)
    assert_problem(answer, status, code, pointers)


@pytest.mark.parametrize("target, body, status, code, pointers", ACCOUNTS, ids=shown)
def test_accounts(client, there, target, body, status, code, pointers):
    assert_problem(client.request("PUT", f"/users/{target}", body), status, code, pointers)


@pytest.mark.parametrize("target, pointers", STATEMENTS, ids=shown)
def test_statements_and_balances(client, there, target, pointers):
    assert_problem(client.get(f"/users/{target}"), 400, "invalid_parameter", pointers)


@pytest.mark.parametrize("members, pointers", HOLDS, ids=shown)
def test_holds(client, there, members, pointers):
    body = {"user_id": "there", "amount": 1, "currency": "USD", "type": "withdrawal", "capture": "manual"}
    assert_problem(client.post("/transactions", body | members), 422, "validation_failed", pointers)


def test_an_exponent_is_not_a_number_of_seconds(client, there):
    body = (b'{"user_id":"there","amount":1,"currency":"USD","type":"withdrawal","capture":"manual",'
            b'"hold_expires_in":1e3}')
    assert_problem(client.post("/transactions", body), 422, "validation_failed", ["/hold_expires_in"])


@pytest.mark.parametrize("method, path", [("POST", "/transactions/{hold}/capture"), ("POST", "/transactions/{hold}/void"),
                                          ("POST", "/transactions/{deposit}/reverse"),
                                          ("PUT", "/users/there/accounts/USD")])
def test_heads_that_are_refused(client, there, method, path):
    path = path.format(**there)
    body = {"frozen": True} if method == "PUT" else {}
    for headers, status, code in (({"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
                                  ({"Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
                                  ({"Idempotency-Key": "a b"}, 400, "invalid_idempotency_key"),
                                  ({"Idempotency-Key": "k" * 256}, 400, "invalid_idempotency_key")):
        assert_problem(client.request(method, path, body, headers), status, code)
    answer = client.get(path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == f"{method}, OPTIONS"
    assert_problem(client.request(method, path, b'{"description":"' + b"x" * 1_100_000 + b'"}'), 413, "payload_too_large")
