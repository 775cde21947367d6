"""POST and GET of one transaction."""
import re
import uuid
from decimal import Decimal

import pytest
from support.answers import accepted, assert_problem, pay
from support.process import wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def new_user():
    return f"user_{uuid.uuid4().hex}"


def test_the_smallest_body(client):
    transaction = accepted(client.post("/transactions", b'{"user_id":"user_11","amount":12.75,"currency":"USD"}'))
    assert transaction["type"] == "deposit"
    assert transaction["amount"] == Decimal("12.75")
    assert transaction["status"] == "pending"
    assert transaction["settled_at"] is None and transaction["failure"] is None
    assert TIME.fullmatch(transaction["created_at"])


def test_every_member(client):
    user, receiver = new_user(), new_user()
    pay(client, user, "100.00")
    sent = {"user_id": user, "amount": "99.90", "currency": "usd", "type": "transfer", "to_user_id": receiver,
            "capture": "automatic", "reference": "invoice 7/8", "description": "Grüße, 世界 🌍 \"quoted\" \\ </script>",
            "metadata": {"b": "2", "a/~ü": "\"1\""}}
    transaction = accepted(client.post("/transactions", sent))
    expected = sent | {"currency": "USD", "amount": Decimal("99.90")}
    assert {name: transaction[name] for name in expected if name != "capture"} == {
        name: value for name, value in expected.items() if name != "capture"}
    read = client.get(f"/transactions/{transaction['id']}").json()
    assert {name: read[name] for name in ("reference", "description", "metadata", "to_user_id")} == {
        name: sent[name] for name in ("reference", "description", "metadata", "to_user_id")}


@pytest.mark.parametrize("written, currency, shown", [
    ("12.75", "USD", "12.75"),
    ("12.7", "USD", "12.70"),
    ("12", "USD", "12.00"),
    ("0.01", "USD", "0.01"),
    ("1e3", "USD", "1000.00"),
    ("1.275e1", "USD", "12.75"),
    ('"0.10"', "USD", "0.10"),
    ("92233720368547758.07", "SEK", "92233720368547758.07"),
    ("90071992547409.93", "EUR", "90071992547409.93"),
    ("100", "JPY", "100"),
    ("1.5", "KWD", "1.500"),
    ("0.0001", "UYW", "0.0001"),
])
def test_amounts_are_exact_and_shown_with_all_decimals(client, written, currency, shown):
    body = f'{{"user_id":"exact","amount":{written},"currency":"{currency}"}}'
    answer = client.post("/transactions", body)
    id_ = accepted(answer)["id"]
    mark = f'"amount":{shown},'.encode()
    assert mark in answer.body.replace(b": ", b":")
    assert mark in client.get(f"/transactions/{id_}").body.replace(b": ", b":")


@pytest.mark.parametrize("user_id", ["x", "u" * 128, "ü" * 64, "../../etc/passwd", "'; DROP TABLE accounts; --", "%00",
                                     "\u202eabc", " ", "NULL"])
def test_odd_user_ids_come_back_as_they_were(client, user_id):
    transaction = pay(client, user_id, "1.00")
    assert client.get(f"/transactions/{transaction['id']}").json()["user_id"] == user_id


def test_everything_settles_without_being_asked(client):
    id_ = accepted(client.post("/transactions", {"user_id": new_user(), "amount": 5, "currency": "USD"}))["id"]
    settled = wait_until(lambda: (one := client.get(f"/transactions/{id_}").json())["status"] == "settled" and one, 10)
    assert TIME.fullmatch(settled["settled_at"])
    assert settled["settled_at"] >= settled["created_at"]
    assert settled["failure"] is None


def test_prefer_wait_answers_with_the_outcome(client):
    answer = client.post("/transactions", {"user_id": new_user(), "amount": 5, "currency": "USD"}, {"Prefer": "wait=5"})
    assert accepted(answer)["status"] == "settled"
    assert answer.headers["preference-applied"].startswith("wait")


@pytest.mark.parametrize("preference", ["wait=banana", "wait=-1", "respond-async", "wait=99999999999999999999", ""])
def test_preferences_that_are_not_understood_are_ignored(client, preference):
    accepted(client.post("/transactions", {"user_id": new_user(), "amount": 5, "currency": "USD"},
                         {"Prefer": preference}))


def test_too_little_money_is_an_outcome_not_an_error(client):
    user = new_user()
    pay(client, user, "10.00")
    failed = pay(client, user, "10.01", type="withdrawal")
    assert (failed["status"], failed["failure"]) == ("failed", "insufficient_funds")
    assert pay(client, user, "10.00", type="withdrawal")["status"] == "settled"


def test_a_settled_transaction_reads_the_same_for_ever(client):
    id_ = pay(client, new_user(), "3.33")["id"]
    bodies = {client.get(f"/transactions/{id_}").body for _ in range(20)}
    assert len(bodies) == 1


@pytest.mark.parametrize("id_", ["999999999", "0", "9007199254740991", "9223372036854775807", "35184372088833"])
def test_ids_that_are_not_there(client, id_):
    problem = assert_problem(client.get(f"/transactions/{id_}"), 404, "not_found")
    assert problem["detail"] == "Transaction not found"


@pytest.mark.parametrize("id_", ["abc", "-1", "1.5", "9223372036854775808", "99999999999999999999999", "1%20", "0x1"])
def test_ids_that_cannot_be(client, id_):
    assert_problem(client.get(f"/transactions/{id_}"), 404, "not_found")


def test_ids_ascend_by_one_across_instances(client):
    ids = [accepted(client.post("/transactions", {"user_id": "ids", "amount": 1, "currency": "USD"}))["id"]
           for _ in range(10)]
    assert ids == list(range(ids[0], ids[0] + 10))
