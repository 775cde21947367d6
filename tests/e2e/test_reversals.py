"""Reversals: of deposits, withdrawals, transfers and captures, in whole and in parts, and never too much."""
import uuid

import pytest
from support.answers import (accepted, act, amounts, assert_problem, balance, hold, new_user, outcome, pay, read,
                             set_account)
from support.history import check, wait_settled


@pytest.fixture
def user(client):
    """A user with 100.00."""
    name = new_user()
    pay(client, name, "100.00")
    return name


def test_a_deposit_is_taken_back(client, user):
    deposit = pay(client, user, "25.00")
    reversal = act(client, "reverse", deposit["id"])
    assert outcome(reversal) == ("settled", None)
    assert (reversal["type"], str(reversal["amount"]), reversal["user_id"]) == ("reversal", "25.00", user)
    assert str(balance(client, user)["posted"]) == "100.00"
    assert read(client, deposit["id"]) == deposit, "a final body says nothing about children"


def test_a_withdrawal_comes_back(client, user):
    withdrawal = pay(client, user, "25.00", type="withdrawal")
    assert outcome(act(client, "reverse", withdrawal["id"])) == ("settled", None)
    assert str(balance(client, user)["posted"]) == "100.00"


def test_a_transfer_goes_back(client, user):
    receiver = new_user()
    transfer = pay(client, user, "25.00", type="transfer", to_user_id=receiver)
    reversal = act(client, "reverse", transfer["id"])
    assert outcome(reversal) == ("settled", None)
    assert (reversal["user_id"], reversal["to_user_id"]) == (user, receiver)
    assert (str(balance(client, user)["posted"]), str(balance(client, receiver)["posted"])) == ("100.00", "0.00")


@pytest.mark.parametrize("type_", ["withdrawal", "transfer"])
def test_what_a_hold_paid_comes_back_by_its_capture(client, user, type_):
    receiver = {"to_user_id": new_user()} if type_ == "transfer" else {}
    held = hold(client, user, "25.00", type=type_, **receiver)
    capture = act(client, "capture", held["id"], {"amount": 20})
    problem = assert_problem(client.post(f"/transactions/{held['id']}/reverse", None), 422, "invalid_parent")
    assert "capture" in problem["detail"]
    assert outcome(act(client, "reverse", capture["id"], {"amount": 5})) == ("settled", None)
    assert amounts(client, user) == ("85.00", "0.00", "85.00")
    if receiver:
        assert str(balance(client, receiver["to_user_id"])["posted"]) == "15.00"
    assert outcome(act(client, "reverse", capture["id"])) == ("failed", "reversal_exceeds_original")


def test_parts_never_exceed_the_original(client, user):
    withdrawal = pay(client, user, "10.00", type="withdrawal")
    for amount, expected in (("10.01", ("failed", "reversal_exceeds_original")), ("4.00", ("settled", None)),
                             ("6.01", ("failed", "reversal_exceeds_original")), ("6.00", ("settled", None)),
                             ("0.01", ("failed", "reversal_exceeds_original"))):
        assert outcome(act(client, "reverse", withdrawal["id"], {"amount": amount})) == expected, amount
    assert str(balance(client, user)["posted"]) == "100.00"


def test_what_failed_has_nothing_to_reverse(client, user):
    failed = pay(client, user, "100.01", type="withdrawal")
    assert outcome(act(client, "reverse", failed["id"])) == ("failed", "invalid_parent_state")
    capture = act(client, "capture", hold(client, user, "1.00")["id"], {"amount": "1.01"})
    assert outcome(act(client, "reverse", capture["id"])) == ("failed", "invalid_parent_state")


def test_what_was_spent_cannot_be_taken_back(client):
    user = new_user()
    deposit = pay(client, user, "25.00")
    pay(client, user, "5.00", type="withdrawal")
    assert outcome(act(client, "reverse", deposit["id"])) == ("failed", "insufficient_funds")
    assert outcome(act(client, "reverse", deposit["id"], {"amount": 20})) == ("settled", None)
    assert str(balance(client, user)["posted"]) == "0.00"


def test_a_frozen_account_pays_nothing_back_but_takes(client, user):
    deposit = pay(client, user, "1.00")
    withdrawal = pay(client, user, "1.00", type="withdrawal")
    set_account(client, user, frozen=True)
    assert outcome(act(client, "reverse", deposit["id"])) == ("failed", "account_frozen")
    assert outcome(act(client, "reverse", withdrawal["id"])) == ("settled", None)


def test_what_comes_back_has_to_fit(client):
    user, other = new_user(), new_user()
    pay(client, user, "9223372036854775807", "XOF")
    withdrawal = pay(client, user, 10, "XOF", type="withdrawal")
    set_account(client, other, "XOF", overdraft_limit=5)
    pay(client, other, 5, "XOF", type="transfer", to_user_id=user)
    assert outcome(act(client, "reverse", withdrawal["id"])) == ("failed", "balance_overflow")
    assert outcome(act(client, "reverse", withdrawal["id"], {"amount": 5})) == ("settled", None)


def test_what_can_never_be_reversed(client, user):
    held = hold(client, user, "1.00")
    void = act(client, "void", held["id"])
    reversal = act(client, "reverse", pay(client, user, "1.00")["id"])
    update = set_account(client, user, frozen=False)["update"]
    for id_ in (held["id"], void["id"], reversal["id"], update["id"]):
        assert_problem(client.post(f"/transactions/{id_}/reverse", {}), 422, "invalid_parent")
        if id_ != held["id"]:
            for what in ("capture", "void"):
                assert_problem(client.post(f"/transactions/{id_}/{what}", {}), 422, "invalid_parent")


def test_a_pending_parent_is_reversed_in_its_turn(client, user):
    """The client does not wait for the parent to settle: the order of the log decides."""
    body = {"user_id": user, "amount": "5.00", "currency": "USD", "type": "withdrawal"}
    for _ in range(10):
        id_ = accepted(client.post("/transactions", body))["id"]
        assert outcome(act(client, "reverse", id_)) == ("settled", None)


def test_keys_make_them_once(client, user):
    withdrawal = pay(client, user, "10.00", type="withdrawal")
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = act(client, "reverse", withdrawal["id"], {"amount": 4}, headers)
    for amount in ("4", "4.00", "0.4e1"):
        answer = client.post(f"/transactions/{withdrawal['id']}/reverse", {"amount": amount}, headers)
        assert accepted(answer) == first and answer.headers["idempotent-replayed"] == "true"
    other = pay(client, user, "10.00", type="withdrawal")
    for id_, body in ((withdrawal["id"], {"amount": 5}), (withdrawal["id"], None), (other["id"], {"amount": 4})):
        assert_problem(client.post(f"/transactions/{id_}/reverse", body, headers), 422, "idempotency_key_reused")
    assert str(balance(client, user)["posted"]) == "84.00"


def test_references_are_unique_among_all(client, user):
    reference = uuid.uuid4().hex
    withdrawal = pay(client, user, "10.00", type="withdrawal", reference=reference)
    answer = client.post(f"/transactions/{withdrawal['id']}/reverse", {"reference": reference})
    assert assert_problem(answer, 409, "duplicate_reference")["existing_id"] == withdrawal["id"]


def test_everything_adds_up(deployment):
    """Last: the whole database against the fold of its log (G3, G4, G6)."""
    wait_settled(deployment.database)
    check(deployment.database)
