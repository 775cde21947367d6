"""Accounts: overdraft limits and freezing, in the order of the log."""
import uuid
from decimal import Decimal

from support.answers import (amounts, assert_problem, balance, hold, new_user, outcome, pay, read, set_account)
from support.deployment import deploy
from support.history import check, wait_settled


def put(client, user, body, headers=None, currency="USD"):
    return client.request("PUT", f"/users/{user}/accounts/{currency}", body, headers)


def test_an_update_answers_with_the_account(client):
    user = new_user()
    account = set_account(client, user, "usd", overdraft_limit=Decimal("100.50").__str__(), frozen=True)
    update = account.pop("update")
    assert account == balance(client, user) | {"user_id": user}
    assert (str(account["overdraft_limit"]), account["frozen"], account["version"]) == ("100.50", True, 1)
    assert (update["type"], str(update["amount"]), update["status"]) == ("account_update", "0.00", "settled")
    assert (str(update["overdraft_limit"]), update["frozen"]) == ("100.50", True)
    assert read(client, update["id"]) == update


def test_members_that_are_left_out_keep_their_value(client):
    user = new_user()
    set_account(client, user, overdraft_limit=10)
    after = set_account(client, user, frozen=True)
    assert (str(after["overdraft_limit"]), after["frozen"]) == ("10.00", True)
    assert "overdraft_limit" not in after["update"]
    after = set_account(client, user, overdraft_limit=0)
    assert (str(after["overdraft_limit"]), after["frozen"], after["version"]) == ("0.00", True, 3)
    assert "frozen" not in after["update"]


def test_an_overdraft_limit_lets_debits_and_holds_go_below_zero(client):
    user = new_user()
    set_account(client, user, overdraft_limit="50.00")
    assert outcome(pay(client, user, "30.00", type="withdrawal")) == ("settled", None)
    assert outcome(hold(client, user, "20.01")) == ("failed", "insufficient_funds")
    assert outcome(hold(client, user, "20.00")) == ("authorized", None)
    assert amounts(client, user) == ("-30.00", "20.00", "-50.00")
    assert outcome(pay(client, user, "0.01", type="withdrawal")) == ("failed", "insufficient_funds")


def test_a_limit_below_what_is_used_stops_debits_only(client):
    user = new_user()
    set_account(client, user, overdraft_limit=50)
    pay(client, user, "30.00", type="withdrawal")
    set_account(client, user, overdraft_limit=0)
    assert outcome(pay(client, user, "1.00", type="withdrawal")) == ("failed", "insufficient_funds")
    assert outcome(pay(client, user, "10.00")) == ("settled", None)
    assert amounts(client, user) == ("-20.00", "0.00", "-20.00")


def test_frozen_accounts_accept_credits_but_not_debits(client):
    user, other = new_user(), new_user()
    pay(client, user, "10.00")
    pay(client, other, "10.00")
    set_account(client, user, frozen=True)
    assert outcome(pay(client, user, "1.00", type="withdrawal")) == ("failed", "account_frozen")
    assert outcome(pay(client, user, "1.00", type="transfer", to_user_id=other)) == ("failed", "account_frozen")
    assert outcome(pay(client, user, "1.00")) == ("settled", None)
    assert outcome(pay(client, other, "1.00", type="transfer", to_user_id=user)) == ("settled", None)
    set_account(client, user, frozen=False)
    assert outcome(pay(client, user, "12.00", type="withdrawal")) == ("settled", None)


def test_currencies_have_their_own_limits(client):
    user = new_user()
    assert str(set_account(client, user, "JPY", overdraft_limit=50)["overdraft_limit"]) == "50"
    assert str(set_account(client, user, "KWD", overdraft_limit="0.125")["overdraft_limit"]) == "0.125"
    assert outcome(pay(client, user, 1, "USD", type="withdrawal")) == ("failed", "insufficient_funds")
    assert outcome(pay(client, user, 50, "JPY", type="withdrawal")) == ("settled", None)


def test_odd_users_in_the_path(client):
    for user in ("a/b c", "ü%2F?#", "+", "%"):
        assert set_account(client, user, frozen=False)["user_id"] == user


def test_keys_make_updates_once(deployment, client):
    user, headers = new_user(), {"Idempotency-Key": uuid.uuid4().hex}
    first = put(client, user, {"overdraft_limit": "5.00", "frozen": False}, headers)
    assert first.status == 200 and "idempotent-replayed" not in first.headers
    count = deployment.database.rows("SELECT count(*) FROM transaction_log")
    for body in ({"overdraft_limit": 5, "frozen": False}, {"frozen": False, "overdraft_limit": "5"}):
        again = put(client, user, body, headers)
        assert (again.status, again.json()) == (200, first.json())
        assert again.headers["idempotent-replayed"] == "true"
    for body in ({"overdraft_limit": 6, "frozen": False}, {"overdraft_limit": 5}, {"frozen": False},
                 {"overdraft_limit": 5, "frozen": True}):
        assert_problem(put(client, user, body, headers), 422, "idempotency_key_reused")
    assert deployment.database.rows("SELECT count(*) FROM transaction_log") == count


def test_updates_that_are_not_settled_in_time_are_answered_with_202():
    with deploy("sqlite", arguments=("--no-worker", "--accept-only", "--request-timeout", 4000)) as alone, alone.client() as client:
        headers = {"Idempotency-Key": "k"}
        answer = put(client, "u", {"frozen": True}, headers)
        assert answer.status == 202
        update = answer.json()
        assert (update["type"], update["status"], update["frozen"]) == ("account_update", "pending", True)
        assert answer.headers["location"] == f"/transactions/{update['id']}"
        again = put(client, "u", {"frozen": True}, headers)
        assert (again.status, again.json()) == (202, update)
        assert again.headers["idempotent-replayed"] == "true"


def test_everything_adds_up(deployment):
    """Last: the whole database against the fold of its log (G3, G4, G6)."""
    wait_settled(deployment.database)
    check(deployment.database)
