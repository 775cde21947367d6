"""Settling and balances (G3, G4), seen from outside."""
import urllib.parse
import uuid
from decimal import Decimal

from support.answers import accepted, assert_problem, pay
from support.history import check, wait_settled


def new_user():
    return f"user_{uuid.uuid4().hex}"


def balances(client, user):
    answer = client.get(f"/users/{urllib.parse.quote(user, safe='')}/balances")
    assert answer.status == 200, (answer.status, answer.body)
    assert answer.json()["user_id"] == user
    return {one["currency"]: one for one in answer.json()["balances"]}


def posted(client, user, currency="USD"):
    return balances(client, user)[currency]["posted"]


def test_an_unknown_user_has_no_balances(client):
    assert balances(client, new_user()) == {}


def test_deposits_and_withdrawals(client):
    user = new_user()
    pay(client, user, "10.00")
    pay(client, user, "2.50", type="withdrawal")
    expected = {"currency": "USD", "posted": Decimal("7.50"), "held": Decimal("0.00"), "available": Decimal("7.50"),
                "pending": Decimal("0.00"), "version": 2, "overdraft_limit": Decimal("0.00"), "frozen": False}
    one = balances(client, user)["USD"]
    assert one == expected and str(one["posted"]) == "7.50"


def test_currencies_are_apart_and_sorted(client):
    user = new_user()
    pay(client, user, "10.00")
    pay(client, user, "7", "JPY")
    pay(client, user, "1.234", "KWD")
    assert pay(client, user, "1", "JPY", type="withdrawal")["status"] == "settled"
    assert pay(client, user, "1.00", "EUR", type="withdrawal")["failure"] == "insufficient_funds"
    found = balances(client, user)
    assert [name for name in found if name != "EUR"] == ["JPY", "KWD", "USD"]
    assert (str(found["JPY"]["posted"]), str(found["KWD"]["posted"])) == ("6", "1.234")


def test_a_transfer_moves_money(client):
    payer, receiver = new_user(), new_user()
    pay(client, payer, "10.00")
    assert pay(client, payer, "4.00", type="transfer", to_user_id=receiver)["status"] == "settled"
    assert (posted(client, payer), posted(client, receiver)) == (6, 4)


def test_a_transfer_of_too_much_moves_nothing(client):
    payer, receiver = new_user(), new_user()
    pay(client, payer, "10.00")
    failed = pay(client, payer, "10.01", type="transfer", to_user_id=receiver)
    assert (failed["status"], failed["failure"]) == ("failed", "insufficient_funds")
    assert posted(client, payer) == 10
    assert "USD" not in balances(client, receiver)


def test_what_was_received_can_be_spent(client):
    first, second, third = new_user(), new_user(), new_user()
    accepted(client.post("/transactions", {"user_id": first, "amount": "5.00", "currency": "USD"}))
    for payer, receiver in ((first, second), (second, third), (third, first)):
        body = {"user_id": payer, "amount": "5.00", "currency": "USD", "type": "transfer", "to_user_id": receiver}
        accepted(client.post("/transactions", body))
    assert pay(client, first, "5.00", type="withdrawal")["status"] == "settled"
    assert [posted(client, user) for user in (first, second, third)] == [0, 0, 0]


def test_a_balance_that_would_not_fit(client):
    """The sum over all accounts has to fit, too; so the currency is one that no other test uses."""
    user, most = new_user(), "9223372036854775807"
    assert pay(client, user, most, "VUV")["status"] == "settled"
    failed = pay(client, user, "1", "VUV")
    assert (failed["status"], failed["failure"]) == ("failed", "balance_overflow")
    assert str(posted(client, user, "VUV")) == most


def test_odd_user_ids_in_the_path(client):
    for user in ("a/b c", "ü%2F?#", "..", "+", "%", "\u202e"):
        pay(client, user, "1.00")
        assert posted(client, user) >= 1


def test_user_ids_that_cannot_be(client):
    for text in ("u" * 129, "%00", "%ff", "%zz", "%"):
        assert_problem(client.get(f"/users/{text}/balances"), 400, "invalid_parameter")


def test_everything_adds_up(deployment):
    """The whole database against the fold of its log (G3, G4, G6)."""
    wait_settled(deployment.database)
    check(deployment.database)


def test_one_huge_deposit_does_not_stop_other_users(client):
    pay(client, new_user(), "9223372036854775807", "XPF")
    assert pay(client, new_user(), "1", "XPF")["status"] == "settled"
