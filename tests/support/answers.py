"""What answers must look like."""

MEMBERS = ("type", "title", "status", "detail", "instance", "code", "request_id", "retryable")


def assert_problem(answer, status, code, pointers=None):
    """A problem (RFC 9457) of this status and code; `pointers`: exactly the members it complains about."""
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
    """A deposit (or what `type` says), settled when it returns."""
    body = {"user_id": user_id, "amount": amount, "currency": currency} | members
    transaction = accepted(client.post("/transactions", body, {"Prefer": "wait=10"} | (headers or {})))
    assert transaction["status"] != "pending", transaction
    return transaction
