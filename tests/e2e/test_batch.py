"""Batches: every item answers for itself, or all together when atomic."""
import json
import uuid

import pytest
from support.answers import accepted, assert_problem

NDJSON = {"Content-Type": "application/x-ndjson"}


def item(user="batched", amount="1.00", **members):
    return {"user_id": user, "amount": amount, "currency": "USD"} | members


def post(client, items, query="", headers=None):
    return client.post(f"/transactions/batch{query}", {"transactions": items}, headers)


def results(answer):
    assert answer.status == 200, (answer.status, answer.body[:1000])
    return answer.json()["results"]


def statuses(answer):
    return [result["status"] for result in results(answer)]


def stored(deployment):
    return deployment.database.rows("SELECT count(*) FROM transaction_log")[0][0]


def test_each_item_answers_for_itself(client):
    answers = results(post(client, [item(), item(amount="-1"), item(currency="XXQ"), {"user_id": "batched"}, item()]))
    assert [one["status"] for one in answers] == [201, 422, 422, 422, 201]
    assert answers[0]["transaction"]["status"] == "pending"
    assert answers[4]["transaction"]["id"] == answers[0]["transaction"]["id"] + 1
    for bad, pointers in ((1, ["/amount"]), (2, ["/currency"]), (3, ["/amount", "/currency"])):
        problem = answers[bad]["problem"]
        assert problem["code"] == "validation_failed" and problem["status"] == 422
        assert [error["pointer"].removeprefix(f"/transactions/{bad}") for error in problem["errors"]] == pointers


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_ndjson(client, end):
    lines = [json.dumps(item()), "{not json", json.dumps(item(amount=0)), "[]", json.dumps(item())]
    answers = results(client.post("/transactions/batch", "\n".join(lines) + end, NDJSON))
    assert [one["status"] for one in answers] == [201, 400, 422, 422, 201]
    assert answers[1]["problem"]["code"] == "malformed_json"


def test_a_line_cannot_hide_another(client):
    text = json.dumps(item()) + json.dumps(item()) + "\n" + json.dumps(item()).replace(",", ",\n", 1) + "\n"
    assert 201 not in statuses(client.post("/transactions/batch", text, NDJSON))


def test_items_with_keys_and_references(client):
    key, reference = uuid.uuid4().hex, uuid.uuid4().hex
    items = [item(idempotency_key=key), item(idempotency_key=key), item(amount="2.00", idempotency_key=key),
             item(reference=reference), item(reference=reference)]
    first = results(post(client, items))
    assert [one["status"] for one in first] == [201, 201, 422, 201, 409]
    assert first[1]["transaction"]["id"] == first[0]["transaction"]["id"] and first[1]["replayed"] is True
    assert first[2]["problem"]["code"] == "idempotency_key_reused"
    assert first[4]["problem"]["existing_id"] == first[3]["transaction"]["id"]
    # The same key on the single route is the same key.
    single = client.post("/transactions", item(), {"Idempotency-Key": key})
    assert single.status in (201, 422)


def test_a_header_key_gives_each_item_its_own(deployment, client):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    items = [item(), item(), item(amount="-1")]
    first = results(post(client, items, headers=headers))
    before = stored(deployment)
    again = results(post(client, items, headers=headers))
    assert stored(deployment) == before
    assert [one["status"] for one in again] == [201, 201, 422]
    assert [one["transaction"]["id"] for one in again[:2]] == [one["transaction"]["id"] for one in first[:2]]
    assert all(one["replayed"] for one in again[:2])
    assert first[0]["transaction"]["id"] != first[1]["transaction"]["id"]


def test_atomic_is_all(deployment, client):
    before = stored(deployment)
    assert statuses(post(client, [item() for _ in range(1000)], "?atomic=true")) == [201] * 1000
    assert stored(deployment) == before + 1000


def test_atomic_or_nothing(deployment, client):
    reference = uuid.uuid4().hex
    accepted(client.post("/transactions", item(reference=reference)))
    before = stored(deployment)
    for bad, status in ((item(amount="0"), 422), (item(reference=reference), 409)):
        answers = results(post(client, [item(), bad, item()], "?atomic=true"))
        assert answers[1]["status"] == status
        assert [answers[other]["problem"]["code"] for other in (0, 2)] == ["group_refused"] * 2
    assert stored(deployment) == before
    # A refused group uses no key up.
    key = uuid.uuid4().hex
    assert 201 not in statuses(post(client, [item(idempotency_key=key), item(amount="0")], "?atomic=true"))
    assert statuses(post(client, [item(idempotency_key=key)], "?atomic=true")) == [201]


def test_atomic_groups_can_be_repeated(client):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = results(post(client, [item(), item()], "?atomic=true", headers))
    again = results(post(client, [item(), item()], "?atomic=true", headers))
    assert [one["transaction"]["id"] for one in again] == [one["transaction"]["id"] for one in first]


def test_ten_thousand_items(deployment, client):
    before = stored(deployment)
    client.timeout = 30
    text = "\n".join(json.dumps(item(f"many_{number % 100}")) for number in range(10_000))
    assert set(statuses(client.post("/transactions/batch", text, NDJSON))) == {201}
    assert set(statuses(post(client, [item(f"many_{number % 100}") for number in range(10_000)]))) == {201}
    assert stored(deployment) == before + 20_000


REFUSED = [
    ("one too many", json.dumps({"transactions": [item()] * 10_001}), {}, "", 422, "validation_failed"),
    ("one line too many", "\n".join([json.dumps(item())] * 10_001), NDJSON, "", 422, "validation_failed"),
    ("one too many for atomic", json.dumps({"transactions": [item()] * 1001}), {}, "?atomic=true", 422,
     "validation_failed"),
    ("none", '{"transactions":[]}', {}, "", 422, "validation_failed"),
    ("no line", "", NDJSON, "", 422, "validation_failed"),
    ("no member", "{}", {}, "", 422, "validation_failed"),
    ("not a list", '{"transactions":{}}', {}, "", 422, "validation_failed"),
    ("a list alone", json.dumps([item()]), {}, "", 422, "validation_failed"),
    ("unknown member", json.dumps({"transactions": [item()], "x": 1}), {}, "", 422, "validation_failed"),
    ("truncated", json.dumps({"transactions": [item()]})[:-2], {}, "", 400, "malformed_json"),
    ("odd atomic", json.dumps({"transactions": [item()]}), {}, "?atomic=maybe", 400, "invalid_parameter"),
    ("unknown parameter", json.dumps({"transactions": [item()]}), {}, "?atomc=true", 400, "invalid_parameter"),
    ("content type", "x", {"Content-Type": "text/csv"}, "", 415, "unsupported_media_type"),
    ("bad key", json.dumps({"transactions": [item()]}), {"Idempotency-Key": "k" * 256}, "", 400,
     "invalid_idempotency_key"),
]


@pytest.mark.parametrize("text, headers, query, status, code",
                         [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_batches_refused_as_a_whole(deployment, client, text, headers, query, status, code):
    before = stored(deployment)
    assert_problem(client.post(f"/transactions/batch{query}", text, headers), status, code)
    assert stored(deployment) == before


@pytest.mark.parametrize("bad", [1, "x", None, [], [1], True], ids=str)
def test_items_that_are_not_objects(client, bad):
    assert statuses(post(client, [item(), bad, item()])) == [201, 422, 201]
