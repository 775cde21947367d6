"""Checks of responses, and the requests that most tests need."""
import urllib.parse
import uuid

MEMBERS = ("type", "title", "status", "detail", "instance", "code", "request_id", "retryable")


def assert_problem(answer, status, code, pointers=None):
    """Checks a problem (RFC 9457) with this status and code. `pointers`: exactly the members that it rejects."""
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    problem = answer.json()
    assert not [member for member in MEMBERS if member not in problem], problem
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"] and problem["title"]
    if pointers is not None:
        assert [error["pointer"] for error in problem.get("errors", [])] == list(pointers), problem
    return problem


def accepted(answer):
    """The transaction of a 201."""
    assert answer.status == 201, (answer.status, answer.body)
    transaction = answer.json()
    assert answer.headers["location"] == f"/transactions/{transaction['id']}"
    return transaction


def pay(client, user_id, amount, currency="USD", headers=None, **members):
    """A deposit (or another `type`) that is settled when this returns."""
    body = {"user_id": user_id, "amount": amount, "currency": currency} | members
    transaction = accepted(client.post("/transactions", body, {"Prefer": "wait=10"} | (headers or {})))
    assert transaction["status"] != "pending", transaction
    return transaction


def new_user():
    return f"user_{uuid.uuid4().hex}"


def hold(client, user_id, amount, currency="USD", **members):
    """A withdrawal (or another `type`) that is held if there are funds."""
    return pay(client, user_id, amount, currency, **({"type": "withdrawal", "capture": "manual"} | members))


def act(client, what, id_, body=None, headers=None):
    """A capture, void or reversal of a transaction that is settled when this returns."""
    answer = client.post(f"/transactions/{id_}/{what}", body, {"Prefer": "wait=10"} | (headers or {}))
    child = accepted(answer)
    assert child["status"] != "pending" and child["parent_id"] == id_, child
    return child


def outcome(transaction):
    return transaction["status"], transaction["failure"]


def read(client, id_):
    answer = client.get(f"/transactions/{id_}")
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json()


def balance(client, user_id, currency="USD", at=None):
    """The user's balance in a currency, or None without an account."""
    query = "?" + urllib.parse.urlencode({"at": at}) if at else ""
    answer = client.get(f"/users/{urllib.parse.quote(user_id, safe='')}/balances{query}")
    assert answer.status == 200, (answer.status, answer.body)
    assert answer.json().get("at") == at
    return next((one for one in answer.json()["balances"] if one["currency"] == currency), None)


def amounts(client, user_id, currency="USD"):
    """posted, held and available as written."""
    one = balance(client, user_id, currency)
    return tuple(str(one[name]) for name in ("posted", "held", "available"))


def set_account(client, user_id, currency="USD", **members):
    """The account after an update."""
    path = f"/users/{urllib.parse.quote(user_id, safe='')}/accounts/{currency}"
    answer = client.request("PUT", path, members)
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json()
