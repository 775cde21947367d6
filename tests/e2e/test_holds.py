"""Holds: manual capture, and every way in which a hold ends or fails to."""
import uuid

import pytest
from support.answers import (accepted, act, amounts, assert_problem, balance, hold, new_user, outcome, pay, read,
                             set_account)
from support.history import check, wait_settled
from support.process import wait_until


def listed(client, query):
    answer = client.get(f"/transactions?{query}")
    assert answer.status == 200, answer
    return answer.json()["data"]


@pytest.fixture
def payer(client):
    """A user with 100.00."""
    user = new_user()
    pay(client, user, "100.00")
    return user


def test_a_hold_sets_money_aside(client, payer):
    held = hold(client, payer, "60.00", hold_expires_in=3600)
    assert outcome(held) == ("authorized", None)
    assert held["settled_at"] is None and held["capture"] == "manual"
    assert held["hold_expires_at"] > held["created_at"]
    assert amounts(client, payer) == ("100.00", "60.00", "40.00")
    # It counts at once (G4).
    assert outcome(pay(client, payer, "40.01", type="withdrawal")) == ("failed", "insufficient_funds")
    assert outcome(hold(client, payer, "40.01")) == ("failed", "insufficient_funds")
    assert outcome(pay(client, payer, "40.00", type="withdrawal")) == ("settled", None)


def test_a_hold_lasts_a_week_unless_told_otherwise(deployment, client, payer):
    held = hold(client, payer, "1.00")
    week = ("7 * 86400 * 1000000" if deployment.kind == "sqlite" else "interval '7 days'")
    rows = deployment.database.rows(
        f"SELECT count(*) FROM transaction_log WHERE id = {held['id']} AND hold_expires_at = created_at + {week}")
    assert rows[0][0] == 1


def test_a_capture_takes_all(client, payer):
    held = hold(client, payer, "60.00")
    capture = act(client, "capture", held["id"])
    assert outcome(capture) == ("settled", None)
    assert (capture["type"], str(capture["amount"])) == ("capture", "60.00")
    assert amounts(client, payer) == ("40.00", "0.00", "40.00")
    after = read(client, held["id"])
    assert outcome(after) == ("settled", None) and after["settled_at"] == capture["settled_at"]
    assert {**after, "status": "authorized", "settled_at": None} == held


def test_a_capture_of_a_part_releases_the_rest(client, payer):
    held = hold(client, payer, "60.00")
    capture = act(client, "capture", held["id"], {"amount": "45.50", "reference": uuid.uuid4().hex})
    assert outcome(capture) == ("settled", None)
    assert amounts(client, payer) == ("54.50", "0.00", "54.50")
    assert outcome(act(client, "capture", held["id"], {"amount": 1})) == ("failed", "invalid_parent_state")


def test_a_transfer_on_hold_arrives_when_it_is_captured(client, payer):
    receiver = new_user()
    held = hold(client, payer, "60.00", type="transfer", to_user_id=receiver)
    assert held["status"] == "authorized" and balance(client, receiver) is None
    capture = act(client, "capture", held["id"], {"amount": 25})
    assert outcome(capture) == ("settled", None) and capture["to_user_id"] == receiver
    assert amounts(client, payer) == ("75.00", "0.00", "75.00")
    assert amounts(client, receiver) == ("25.00", "0.00", "25.00")


def test_a_void_releases_all(client, payer):
    held = hold(client, payer, "60.00")
    void = act(client, "void", held["id"], {"description": "changed her mind"})
    assert outcome(void) == ("settled", None) and str(void["amount"]) == "60.00"
    assert amounts(client, payer) == ("100.00", "0.00", "100.00")
    after = read(client, held["id"])
    assert outcome(after) == ("voided", None) and after["settled_at"] == void["settled_at"]
    for what in ("capture", "void"):
        assert outcome(act(client, what, held["id"])) == ("failed", "invalid_parent_state")


def test_a_hold_expires_by_itself(client, payer):
    held = hold(client, payer, "60.00", hold_expires_in=1)
    assert held["status"] == "authorized"
    after = wait_until(lambda: (one := read(client, held["id"]))["status"] == "expired" and one, 20, "the expiry")
    assert after["failure"] is None and after["settled_at"] >= held["hold_expires_at"]
    assert amounts(client, payer) == ("100.00", "0.00", "100.00")
    children = listed(client, f"parent_id={held['id']}")
    assert [(one["type"], one["status"]) for one in children] == [("expiry", "settled")]
    for what in ("capture", "void"):
        assert outcome(act(client, what, held["id"])) == ("failed", "invalid_parent_state")


def test_more_than_is_held_cannot_be_captured(client, payer):
    held = hold(client, payer, "60.00")
    assert outcome(act(client, "capture", held["id"], {"amount": "60.01"})) == ("failed", "capture_exceeds_hold")
    assert read(client, held["id"]) == held, "a capture that fails leaves the hold open"
    assert outcome(act(client, "capture", held["id"])) == ("settled", None)


def test_a_hold_that_failed_can_neither_be_captured_nor_voided(client, payer):
    failed = hold(client, payer, "100.01")
    assert outcome(failed) == ("failed", "insufficient_funds")
    for what in ("capture", "void"):
        assert outcome(act(client, what, failed["id"])) == ("failed", "invalid_parent_state")


def test_a_frozen_account_takes_no_holds_and_captures_but_voids(client, payer):
    held = hold(client, payer, "10.00")
    set_account(client, payer, frozen=True)
    assert outcome(hold(client, payer, "10.00")) == ("failed", "account_frozen")
    assert outcome(act(client, "capture", held["id"])) == ("failed", "account_frozen")
    assert read(client, held["id"])["status"] == "authorized"
    assert outcome(act(client, "void", held["id"])) == ("settled", None)


def test_a_hold_on_a_frozen_account_expires(client, payer):
    held = hold(client, payer, "10.00", hold_expires_in=1)
    set_account(client, payer, frozen=True)
    wait_until(lambda: read(client, held["id"])["status"] == "expired", 20, "the expiry")
    assert amounts(client, payer) == ("100.00", "0.00", "100.00")


def test_a_capture_that_the_receiver_cannot_hold(client):
    payer, receiver = new_user(), new_user()
    set_account(client, payer, "XAF", overdraft_limit=5)
    pay(client, receiver, "9223372036854775807", "XAF")
    held = hold(client, payer, 5, "XAF", type="transfer", to_user_id=receiver)
    assert outcome(act(client, "capture", held["id"])) == ("failed", "balance_overflow")
    assert amounts(client, payer, "XAF") == ("0", "5", "-5")


def test_no_client_sees_a_closed_hold_as_open(client, payer):
    """No cache keeps an authorized transaction as final, whichever instance read it before (G7)."""
    for what, status in (("capture", "settled"), ("void", "voided")):
        held = hold(client, payer, "1.00")
        for _ in range(10):
            assert read(client, held["id"]) == held
        act(client, what, held["id"])
        bodies = [read(client, held["id"]) for _ in range(10)]
        assert {one["status"] for one in bodies} == {status}
        # From here on it is final (G6), whatever is done to its children.
        if what == "capture":
            capture = listed(client, f"parent_id={held['id']}")[0]
            act(client, "reverse", capture["id"])
        assert all(read(client, held["id"]) == bodies[0] for _ in range(4))


def test_lists_filter_by_what_became_of_a_hold(client, payer):
    receiver = new_user()
    made = {"captured": hold(client, payer, "10.00"), "voided": hold(client, payer, "10.00"),
            "open": hold(client, payer, "10.00", type="transfer", to_user_id=receiver),
            "failed": hold(client, payer, "1000.00")}
    capture = act(client, "capture", made["captured"]["id"])
    void = act(client, "void", made["voided"]["id"])
    found = {status: [one["id"] for one in listed(client, f"user_id={payer}&status={status}")]
             for status in ("authorized", "voided", "failed", "settled", "expired", "pending")}
    assert found["authorized"] == [made["open"]["id"]]
    assert found["voided"] == [made["voided"]["id"]]
    assert found["failed"] == [made["failed"]["id"]]
    assert found["settled"][:-1] == [void["id"], capture["id"], made["captured"]["id"]]
    assert found["expired"] == found["pending"] == []
    assert [one["id"] for one in listed(client, f"parent_id={made['captured']['id']}")] == [capture["id"]]
    assert [one["id"] for one in listed(client, f"user_id={payer}&type=void")] == [void["id"]]


@pytest.mark.parametrize("what", ["capture", "void"])
def test_keys_make_them_once(deployment, client, payer, what):
    held = hold(client, payer, "10.00")
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = act(client, what, held["id"], None, headers)
    count = deployment.database.rows("SELECT count(*) FROM transaction_log")
    for body in (None, {}, {"description": None}):
        answer = client.post(f"/transactions/{held['id']}/{what}", body, headers)
        assert accepted(answer) == first
        assert answer.headers["idempotent-replayed"] == "true"
    other = "void" if what == "capture" else "capture"
    for path, body in ((what, {"description": "x"}), (other, None)):
        answer = client.post(f"/transactions/{held['id']}/{path}", body, headers)
        assert_problem(answer, 422, "idempotency_key_reused")
    assert deployment.database.rows("SELECT count(*) FROM transaction_log") == count


def test_keys_of_holds_know_their_time_to_live(client, payer):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = hold(client, payer, "1.00", hold_expires_in=60, headers=headers)
    assert hold(client, payer, "1.00", hold_expires_in=60, headers=headers) == first
    body = {"user_id": payer, "amount": 1, "currency": "USD", "type": "withdrawal", "capture": "manual"}
    for change in ({}, {"hold_expires_in": 61}):
        assert_problem(client.post("/transactions", body | change, headers), 422, "idempotency_key_reused")


def test_holds_in_a_batch(client, payer):
    item = {"user_id": payer, "amount": 10, "currency": "USD", "type": "withdrawal", "capture": "manual"}
    answer = client.post("/transactions/batch", {"transactions": [item, item | {"hold_expires_in": 0},
                                                                  item | {"type": "capture"}]})
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [201, 422, 422]
    id_ = results[0]["transaction"]["id"]
    wait_until(lambda: read(client, id_)["status"] == "authorized", 10, "the hold")
    assert outcome(act(client, "capture", id_)) == ("settled", None)


def test_everything_adds_up(deployment):
    """Compares the whole database with the fold of its log (G3, G4, G6). The next test plants a row that no client sent."""
    wait_settled(deployment.database)
    check(deployment.database)


def test_a_row_that_cannot_be_settled_fails_and_blocks_no_other(deployment, client):
    pay(client, new_user(), 1)
    id_ = deployment.database.plant_bad_row()
    failed = wait_until(lambda: (one := read(client, id_))["status"] != "pending" and one, 20, "the settlement")
    assert outcome(failed) == ("failed", "unprocessable")
    assert pay(client, new_user(), 1)["status"] == "settled"
