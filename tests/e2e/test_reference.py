"""A reference is unique per user, permanently."""
import uuid

from support.answers import accepted, assert_problem


def order(reference, user="referring", **members):
    return {"user_id": user, "amount": "7.00", "currency": "USD", "reference": reference} | members


def test_a_repeated_reference_names_the_one_that_has_it(client):
    reference = uuid.uuid4().hex
    first = accepted(client.post("/transactions", order(reference)))
    for body in (order(reference), order(reference, amount="8.00", type="withdrawal")):
        problem = assert_problem(client.post("/transactions", body), 409, "duplicate_reference")
        assert problem["existing_id"] == first["id"]


def test_other_users_may_have_the_same(client):
    reference = uuid.uuid4().hex
    accepted(client.post("/transactions", order(reference)))
    accepted(client.post("/transactions", order(reference, user="other")))


def test_references_are_exact(client):
    reference = uuid.uuid4().hex
    for variation in (reference, reference.upper() + "A", reference + " ", " " + reference):
        accepted(client.post("/transactions", order(variation)))


def test_a_key_comes_before_the_reference(client):
    reference, headers = uuid.uuid4().hex, {"Idempotency-Key": uuid.uuid4().hex}
    first = accepted(client.post("/transactions", order(reference), headers))
    assert accepted(client.post("/transactions", order(reference), headers))["id"] == first["id"]


def test_found_by_reference(client):
    reference = "a/b c&d=ü" + uuid.uuid4().hex
    first = accepted(client.post("/transactions", order(reference)))
    encoded = "".join(f"%{byte:02X}" for byte in reference.encode())
    found = client.get(f"/transactions?user_id=referring&reference={encoded}").json()["data"]
    assert [one["id"] for one in found] == [first["id"]]
