"""What clients know (their history) held against what the database says, guarantee by guarantee.

Every request of a history carries its key as `description` too, so that a key can be looked up in the log without
knowing how keys are hashed.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass

from support.process import wait_until

MAX_MINOR = 2**63 - 1
SEQUENCE_BITS = 45
EXPONENTS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}


@dataclass
class Sent:
    """One request of a client and the last word it has about it."""

    key: str
    user_id: str
    type: str
    amount: str
    currency: str
    to_user_id: str | None = None
    outcome: str = "unknown"  # acknowledged, refused (nothing was added) or unknown
    id: int | None = None
    retried: bool = False

    def body(self):
        body = {"user_id": self.user_id, "amount": self.amount, "currency": self.currency, "type": self.type,
                "description": self.key}
        return body | ({"to_user_id": self.to_user_id} if self.to_user_id else {})

    def content(self):
        return (self.user_id, self.type, minor(self.amount, self.currency), self.currency, self.to_user_id)


def minor(amount, currency):
    whole, _, decimals = amount.partition(".")
    return int(whole + decimals.ljust(EXPONENTS[currency], "0"))


# The view spells types and states out the same way in both engines; the tables need not.
LOG = """SELECT t.id, t.user_id, v.type, t.amount_minor, t.currency, t.to_user_id, t.description, t.partition
  FROM transaction_log t JOIN transactions v ON v.id = t.id ORDER BY t.partition, t.id"""
SETTLEMENTS = """SELECT s.transaction_id, v.status, s.failure_code, s.posted_after, s.held_after, s.account_version,
       s.to_posted_after, s.to_account_version
  FROM settlement_log s JOIN transactions v ON v.id = s.transaction_id ORDER BY s.partition, s.transaction_id"""


class Records:
    """One look at the logs of a database at rest."""

    def __init__(self, database):
        self.log = database.rows(LOG)
        self.settlements = database.rows(SETTLEMENTS)
        self.accounts = {(user, currency): (posted, held, version) for user, currency, posted, held, version
                         in database.rows("SELECT user_id, currency, posted, held, version FROM accounts")}
        self.totals = database.rows("SELECT currency, deposits, withdrawals FROM totals")


def wait_settled(database, seconds=60):
    """Everything in the log is settled."""
    count = ("SELECT (SELECT count(*) FROM transaction_log) - (SELECT count(*) FROM settlement_log)")
    wait_until(lambda: database.rows(count)[0][0] <= 0, seconds, "the settlement of everything")


def check(database, sent=()):
    """Everything that must hold of a database at rest, and of it against what clients were told."""
    records = Records(database)
    check_ids(records)
    check_acknowledged(records, sent)
    check_order(sent)
    check_settlements(records)
    return records


def check_ids(records):
    """Ids of a partition are 1, 2, 3... without gaps."""
    expected = Counter()
    for row in records.log:
        expected[row[7]] += 1
        assert row[0] == (row[7] << SEQUENCE_BITS) + expected[row[7]], f"gap before id {row[0]}"


def check_acknowledged(records, sent):
    """G1, G2, G8: acknowledged = there, once, as sent; refused = not there; unknown = there at most once."""
    by_key = defaultdict(list)
    for id_, user_id, type_, amount_minor, currency, to_user_id, description, _ in records.log:
        by_key[description].append((id_, (user_id, type_, amount_minor, currency, to_user_id)))
    for one in sent:
        found = by_key.get(one.key, [])
        assert len(found) <= 1, f"{one.key} is there {len(found)} times: {found}"
        if one.outcome == "acknowledged":
            assert found, f"lost: {one}"
            assert found[0] == (one.id, one.content()), f"{one} is stored as {found[0]}"
        if one.outcome == "refused":
            assert not found, f"refused, but there: {one} as {found[0]}"


def check_order(sent):
    """G5, where a history's requests of one user were sent one after the other: ids ascend with them."""
    last = {}
    for one in sent:
        if one.outcome == "acknowledged" and not one.retried:
            assert one.id > last.get(one.user_id, 0), f"{one} came after id {last[one.user_id]}"
            last[one.user_id] = one.id


def check_settlements(records):
    """G3, G4, G6: settles the log again with the simplest possible code and compares everything."""
    settled = {row[0]: row[1:] for row in records.settlements}
    assert len(settled) == len(records.settlements), "a transaction is settled twice"
    posted, version, totals = Counter(), Counter(), defaultdict(lambda: [0, 0])
    for id_, user_id, type_, amount, currency, to_user_id, _, _ in records.log:
        assert id_ in settled, f"{id_} is not settled"
        account, other = (user_id, currency), (to_user_id, currency)
        failure, changes = decide(type_, amount, account, other, posted)
        for key, change in changes:
            posted[key] += change
            version[key] += 1
        if not failure and type_ != "transfer":
            totals[currency][type_ == "withdrawal"] += amount
        to_after = (posted[other], version[other]) if type_ == "transfer" and not failure else (None, None)
        expected = ("failed" if failure else "settled", failure, posted[account], 0, version[account], *to_after)
        assert settled[id_] == expected, f"{id_}: settled as {settled[id_]}, expected {expected}"
    folded = {key: (posted[key], 0, version[key]) for key in version}
    stored = {key: value for key, value in records.accounts.items() if value[2]}
    assert stored == folded, f"accounts differ: {set(stored.items()) ^ set(folded.items())}"
    added = defaultdict(lambda: [0, 0])
    for currency, deposits, withdrawals in records.totals:
        added[currency][0] += int(deposits)
        added[currency][1] += int(withdrawals)
    assert {k: v for k, v in added.items() if any(v)} == dict(totals), "totals differ"


def decide(type_, amount, account, other, posted):
    """The failure, if any, and otherwise what changes."""
    if type_ != "deposit" and posted[account] < amount:
        return "insufficient_funds", []
    gains = account if type_ == "deposit" else other
    if type_ != "withdrawal" and posted[gains] + amount > MAX_MINOR:
        return "balance_overflow", []
    if type_ == "transfer":
        return None, [(account, -amount), (other, amount)]
    return None, [(account, amount if type_ == "deposit" else -amount)]
