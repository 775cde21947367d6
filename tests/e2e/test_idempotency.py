"""Idempotency keys (G2): one key of one user is at most one transaction, for every caller, instance and retry."""
import threading
import uuid

import pytest
from support.answers import accepted, assert_problem, pay


def order(user="keyed", **members):
    return {"user_id": user, "amount": "7.00", "currency": "USD"} | members


def key(text=None):
    return {"Idempotency-Key": text or uuid.uuid4().hex}


def test_a_repeated_key_gives_the_same_transaction(deployment, client):
    headers = key()
    first = client.post("/transactions", order(), headers)
    assert "idempotent-replayed" not in first.headers
    before = deployment.database.rows("SELECT count(*) FROM transaction_log")
    for _ in range(4):
        again = client.post("/transactions", order(), headers)
        assert accepted(again)["id"] == accepted(first)["id"]
        assert again.headers["idempotent-replayed"] == "true"
    assert deployment.database.rows("SELECT count(*) FROM transaction_log") == before


def test_a_replay_shows_the_transaction_as_it_now_stands(client):
    headers = key()
    settled = pay(client, "keyed", "7.00", headers=headers)
    assert accepted(client.post("/transactions", order(), headers)) == settled


def test_the_same_content_may_be_written_differently(client):
    headers = key()
    first = accepted(client.post("/transactions", b'{"user_id":"keyed","amount":7.00,"currency":"USD"}', headers))
    other = b'{ "currency":"usd", "type":"deposit", "amount":"7", "user_id":"\\u006beyed", "capture":"automatic" }'
    assert accepted(client.post("/transactions", other, headers))["id"] == first["id"]


@pytest.mark.parametrize("change", [
    {"amount": "7.01"}, {"currency": "EUR"}, {"type": "withdrawal"}, {"reference": "r"}, {"description": "d"},
    {"metadata": {"a": "b"}}, {"type": "transfer", "to_user_id": "v"},
], ids=lambda change: next(iter(change)))
def test_the_same_key_with_other_content_is_refused(client, change):
    headers = key()
    accepted(client.post("/transactions", order(), headers))
    assert_problem(client.post("/transactions", order(**change), headers), 422, "idempotency_key_reused")


def test_keys_belong_to_a_user(client):
    headers = key()
    first = accepted(client.post("/transactions", order("keyed_a"), headers))
    second = accepted(client.post("/transactions", order("keyed_b"), headers))
    assert first["id"] != second["id"]


def test_quoted_and_bare_are_the_same_key(client):
    text = uuid.uuid4().hex
    first = accepted(client.post("/transactions", order(), key(f'"{text}"')))
    assert accepted(client.post("/transactions", order(), key(text)))["id"] == first["id"]


@pytest.mark.parametrize("text", ["k", "k" * 255, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"])
def test_any_visible_ascii_is_a_key(client, text):
    first = accepted(client.post("/transactions", order(f"keyed {text[:5]}"), key(text)))
    assert accepted(client.post("/transactions", order(f"keyed {text[:5]}"), key(text)))["id"] == first["id"]


def test_a_refused_request_does_not_use_up_its_key(client):
    headers = key()
    assert_problem(client.post("/transactions", order(amount="-1"), headers), 422, "validation_failed")
    accepted(client.post("/transactions", order(), headers))


def test_no_key_no_dedup(client):
    ids = {accepted(client.post("/transactions", order()))["id"] for _ in range(3)}
    assert len(ids) == 3


def test_many_at_once_with_one_key(deployment):
    """The same new key in one flight, and on two instances at the same time."""
    for _ in range(10):
        headers, ids, start = key(), [], threading.Barrier(8)

        def ask(turn, headers=headers, ids=ids, start=start):
            with deployment.client() as client:
                client.turn = turn
                start.wait(10)
                ids.append(accepted(client.post("/transactions", order(), headers))["id"])

        threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(ids) == 8 and len(set(ids)) == 1, ids


def test_keys_outlive_the_process(deployment, client):
    headers = key()
    first = accepted(client.post("/transactions", order(), headers))
    for instance in deployment.instances:
        instance.stop()
        instance.start()
    with deployment.client() as later:
        again = later.post("/transactions", order(), headers)
        assert accepted(again)["id"] == first["id"]
        assert again.headers["idempotent-replayed"] == "true"
