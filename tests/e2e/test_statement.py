"""Statements: every entry of an account with its running balance; balances of the past."""
import csv
import io
import urllib.parse
from decimal import Decimal

import pytest
from support.answers import (act, assert_problem, balance, hold, new_user, pay, set_account)


def path(user, **query):
    return f"/users/{urllib.parse.quote(user, safe='')}/statement?" + urllib.parse.urlencode(query)


def statement(client, user, **query):
    answer = client.get(path(user, **({"currency": "USD"} | query)))
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json()


def following(answer):
    """The target of the Link header."""
    link = answer.headers["link"]
    assert link.startswith("<") and link.endswith('>; rel="next"'), link
    return link[1:link.index(">")]


@pytest.fixture(scope="module")
def story(deployment):
    """An account with every kind of entry: the user, and (transaction, signed change) in order."""
    user, friend = new_user(), f"=friend, \"{new_user()}\""
    with deployment.client() as client:
        deposit = pay(client, user, "100.00", description="=1+1", reference="first")
        entries = [(deposit, "100.00")]
        entries.append((set_account(client, user, overdraft_limit=5)["update"], "0.00"))
        withdrawal = pay(client, user, "30.00", type="withdrawal", description="-30, \"cash\"")
        entries.append((withdrawal, "-30.00"))
        pay(client, user, "1000.00", type="withdrawal")  # fails, so it is no entry
        held = hold(client, user, "20.00")
        entries.append((held, "0.00"))
        capture = act(client, "capture", held["id"], {"amount": 15})
        entries.append((capture, "-15.00"))
        voided = hold(client, user, "1.00", type="transfer", to_user_id=friend)
        entries.append((voided, "0.00"))
        entries.append((act(client, "void", voided["id"]), "0.00"))
        transfer = pay(client, user, "10.00", type="transfer", to_user_id=friend)
        entries.append((transfer, "-10.00"))
        back = act(client, "reverse", transfer["id"], {"amount": 4})
        entries.append((back, "4.00"))
        gift = pay(client, friend, "1.25", type="transfer", to_user_id=user)
        entries.append((gift, "1.25"))
        entries.append((act(client, "reverse", gift["id"]), "-1.25"))
        entries.append((act(client, "reverse", withdrawal["id"]), "30.00"))
        entries.append((act(client, "reverse", capture["id"], {"amount": 5}), "5.00"))
        entries.append((act(client, "reverse", deposit["id"], {"amount": 1}), "-1.00"))
    return user, friend, entries


def test_every_entry_in_order_with_its_running_balance(client, story):
    user, friend, entries = story
    found = statement(client, user)
    assert (found["user_id"], found["currency"], found["from"], found["to"]) == (user, "USD", None, None)
    assert [one["version"] for one in found["data"]] == list(range(1, len(entries) + 1))
    assert [(one["transaction_id"], one["type"], str(one["amount"])) for one in found["data"]] == [
        (transaction["id"], transaction["type"], change) for transaction, change in entries]
    running = Decimal(0)
    for one in found["data"]:
        running += one["amount"]
        assert str(one["balance"]) == f"{running:.2f}"
    assert (str(found["opening_balance"]), found["closing_balance"]) == ("0.00", running)
    assert running == balance(client, user)["posted"]
    assert found["next_cursor"] is None


def test_entries_say_where_they_come_from(client, story):
    user, friend, entries = story
    for one, (transaction, _) in zip(statement(client, user)["data"], entries):
        other = transaction.get("to_user_id") if transaction["user_id"] == user else transaction["user_id"]
        assert one.get("counterparty") == other
        for name in ("parent_id", "reference", "description", "capture"):
            assert one.get(name) == transaction.get(name), name
        assert one["created_at"] == transaction["created_at"]
        if transaction["status"] == "settled":
            assert one["settled_at"] == transaction["settled_at"]
        assert one["settled_at"] >= one["created_at"]


def test_the_other_side_has_its_own_statement(client, story):
    user, friend, entries = story
    found = statement(client, friend)
    assert [str(one["amount"]) for one in found["data"]] == ["10.00", "-4.00", "-1.25", "1.25"]
    assert {one["counterparty"] for one in found["data"]} == {user}
    assert found["closing_balance"] == balance(client, friend)["posted"]


def test_times_include_the_start_and_exclude_the_end(client, story):
    user, _, entries = story
    every = statement(client, user)["data"]
    for first, last in ((2, 9), (0, 1), (5, 6), (4, len(every) - 1)):
        start, end = every[first]["settled_at"], every[last]["settled_at"]
        part = statement(client, user, **{"from": start, "to": end})
        assert part["data"] == every[first:last]
        assert (part["from"], part["to"]) == (start, end)
        assert str(part["opening_balance"]) == (str(every[first - 1]["balance"]) if first else "0.00")
        assert part["closing_balance"] == every[last - 1]["balance"]
        assert statement(client, user, **{"from": start})["data"] == every[first:]
        assert statement(client, user, to=end)["data"] == every[:last]


def test_an_empty_range(client, story):
    user, _, entries = story
    every = statement(client, user)
    at = every["data"][3]["settled_at"]
    for query, expected in (({"from": at, "to": at}, every["data"][2]["balance"]),
                            ({"from": "2100-01-01T00:00:00Z"}, every["closing_balance"]),
                            ({"to": "1999-01-01T00:00:00Z"}, 0)):
        found = statement(client, user, **query)
        assert found["data"] == [] and found["next_cursor"] is None
        assert found["opening_balance"] == found["closing_balance"] == expected
    for user_id, currency in ((new_user(), "USD"), (user, "EUR")):
        nothing = statement(client, user_id, currency=currency)
        assert (nothing["data"], nothing["opening_balance"], nothing["closing_balance"]) == ([], 0, 0)


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_pages_of_every_size_make_the_same_statement(client, story, limit):
    user, _, entries = story
    every = statement(client, user)["data"]
    start, end = every[1]["settled_at"], every[-1]["settled_at"]
    query = {"from": start, "to": end, "limit": limit, "currency": "USD"}
    answer, found = client.get(path(user, **query)), []
    while True:
        page = answer.json()
        assert (page["opening_balance"], page["closing_balance"]) == (every[0]["balance"], every[-2]["balance"])
        found += page["data"]
        if page["next_cursor"] is None:
            break
        assert urllib.parse.quote(page["next_cursor"]) in following(answer)
        answer = client.get(following(answer))
    assert "link" not in answer.headers
    assert found == every[1:-1]


def test_pages_stay_where_they_are_while_more_settles(client):
    user = new_user()
    for _ in range(3):
        pay(client, user, 1)
    page = client.get(path(user, currency="USD", limit=2))
    pay(client, user, 1)
    rest = client.get(following(page)).json()
    assert [one["version"] for one in rest["data"]] == [3, 4]


def test_csv_says_the_same(client, story):
    user, friend, entries = story
    expected = statement(client, user)
    answer, rows = client.get(path(user, currency="usd", limit=4), {"Accept": "text/csv"}), []
    while True:
        assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
        assert answer.headers["opening-balance"] == "0.00"
        assert answer.headers["closing-balance"] == str(expected["closing_balance"])
        assert answer.body.endswith(b"\r\n") and answer.body.replace(b"\r\n", b"").count(b"\n") == 0
        rows += csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
        if "link" not in answer.headers:
            break
        answer = client.get(following(answer), {"Accept": "text/csv"})
    names = ("version", "transaction_id", "type", "amount", "balance", "created_at", "settled_at", "capture", "parent_id",
             "reference")
    assert [[row[name] for name in names] for row in rows] == [
        [str(one.get(name, "")) for name in names] for one in expected["data"]]
    assert {row["currency"] for row in rows} == {"USD"}
    guarded = {text: f"'{text}" if text.startswith(("=", "-")) else text
               for one in expected["data"] for text in (one.get("description", ""), one.get("counterparty", ""))}
    for row, one in zip(rows, expected["data"]):
        assert row["description"] == guarded[one.get("description", "")]
        assert row["counterparty"] == guarded[one.get("counterparty", "")]
    assert "'=1+1" in guarded.values() and f"'{friend}" in guarded.values()


@pytest.mark.parametrize("accept, kind", [
    ("*/*", "application/json"), ("application/json", "application/json"), ("text/csv", "text/csv"),
    ("text/csv, application/json;q=0.9", "text/csv"), ("text/html, */*;q=0.1", "application/json"),
    ("text/*", "text/csv"), ("text/html", None), ("application/json;q=0", None), ("image/png, text/html", None),
])
def test_the_form_is_the_one_asked_for(client, story, accept, kind):
    answer = client.get(path(story[0], currency="USD"), {"Accept": accept})
    if kind is None:
        assert_problem(answer, 406, "not_acceptable")
    else:
        assert answer.status == 200 and answer.headers["content-type"].startswith(kind)
        assert answer.headers["vary"] == "Accept"


def test_balances_of_the_past_agree_with_the_statement(client, story):
    user, _, entries = story
    held = Decimal(0)
    for one, (transaction, _) in zip(statement(client, user)["data"], entries):
        if one.get("capture") == "manual":
            held = transaction["amount"]
        elif one["type"] in ("capture", "void"):
            held = Decimal(0)
        then = balance(client, user, at=one["settled_at"])
        assert then == {"currency": "USD", "posted": one["balance"], "held": held, "available": one["balance"] - held,
                        "version": one["version"]}
    assert balance(client, user, at="1999-01-01T00:00:00.000000Z") is None
    now = balance(client, user)
    then = balance(client, user, at="2100-01-01T00:00:00.000000Z")
    assert then == {name: now[name] for name in then}


def test_a_cursor_belongs_to_its_account_and_times(client, story):
    user, friend, _ = story
    cursor = statement(client, user, limit=1)["next_cursor"]
    for who, change in ((friend, {}), (user, {"currency": "EUR"}), (user, {"from": "2020-01-01T00:00:00Z"}),
                        (user, {"to": "2100-01-01T00:00:00Z"})):
        answer = client.get(path(who, **({"currency": "USD", "cursor": cursor} | change)))
        assert_problem(answer, 400, "invalid_cursor")
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1:]
        assert_problem(client.get(path(user, currency="USD", cursor=changed)), 400, "invalid_cursor")
    assert_problem(client.get(f"/transactions?cursor={cursor}"), 400, "invalid_cursor")
