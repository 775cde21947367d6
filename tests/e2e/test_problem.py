"""Problems: one form everywhere, useful to people and programs, and without internal details."""
import pytest
from support.answers import assert_problem

GOOD = {"user_id": "u", "amount": 1, "currency": "USD"}

PROBLEMS = [
    ("GET", "/nowhere", None, {}, 404, "not_found", False),
    ("GET", "/transactions/999999999", None, {}, 404, "not_found", False),
    ("DELETE", "/transactions", None, {}, 405, "method_not_allowed", False),
    ("POST", "/transactions", "{", {}, 400, "malformed_json", False),
    ("POST", "/transactions", "{}", {}, 422, "validation_failed", False),
    ("POST", "/transactions", GOOD, {"Content-Type": "text/plain"}, 415, "unsupported_media_type", False),
    ("GET", "/transactions?limit=0", None, {}, 400, "invalid_parameter", False),
    ("GET", "/transactions?cursor=x", None, {}, 400, "invalid_cursor", False),
]


@pytest.mark.parametrize("method, path, body, headers, status, code, retryable", PROBLEMS)
def test_shape(client, method, path, body, headers, status, code, retryable):
    answer = client.request(method, path, body, headers | {"X-Request-Id": "the-same"})
    problem = assert_problem(answer, status, code)
    assert problem["request_id"] == "the-same"
    assert problem["retryable"] is retryable
    assert problem["instance"] == path.partition("?")[0]
    assert problem["type"].endswith(code)


def test_every_broken_rule_at_once_and_in_order(client):
    answer = client.post("/transactions", {"amount": "1.234", "currency": "USD", "type": "x", "user_id": "\u007f"})
    problem = assert_problem(answer, 422, "validation_failed", ["/user_id", "/amount", "/type"])
    assert [error["code"] for error in problem["errors"]] == ["invalid_characters", "too_many_decimals",
                                                              "unknown_value"]


@pytest.mark.parametrize("path", ["/<script>alert(1)</script>", "/%0d%0aSet-Cookie:%20a=b", "/a%22b"])
def test_what_a_client_sends_is_not_trusted_in_the_answer(client, path):
    answer = client.get(path)
    assert_problem(answer, 404, "not_found")
    assert "set-cookie" not in answer.headers


def test_nothing_about_the_inside(client):
    for method, path, body, headers, *_ in PROBLEMS:
        text = client.request(method, path, body, headers).body.decode().lower()
        for word in ("sqlite", "postgres", "libpq", "select ", "exception", "/src/"):
            assert word not in text
