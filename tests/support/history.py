"""Compares the history of the clients with the database, guarantee by guarantee.

Every request also carries its key as `description`, so that a test can find it in the log without the hash of the key.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass

from support.fold import Fold, Row
from support.process import wait_until

SEQUENCE_BITS = 45
EXPONENTS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}


@dataclass
class Sent:
    """One request of a client and its last known outcome."""

    key: str
    user_id: str
    type: str
    amount: str
    currency: str
    to_user_id: str | None = None
    outcome: str = "unknown"  # acknowledged, rejected (nothing was added) or unknown
    id: int | None = None
    retried: bool = False
    seconds: float = 0.0  # until its last response, or until the client gave up
    capture: str = "automatic"
    hold_expires_in: int | None = None
    parent: "Sent | None" = None  # of a capture, void or reversal; acknowledged
    refusal: bytes = b""  # the last rejection

    @property
    def path(self):
        if self.parent is None:
            return "/transactions"
        return f"/transactions/{self.parent.id}/{'reverse' if self.type == 'reversal' else self.type}"

    def body(self):
        if self.parent is not None:
            return {"description": self.key} | ({} if self.type == "void" else {"amount": self.amount})
        body = {"user_id": self.user_id, "amount": self.amount, "currency": self.currency, "type": self.type,
                "description": self.key}
        if self.capture == "manual":
            body |= {"capture": "manual"}
        if self.hold_expires_in:
            body |= {"hold_expires_in": self.hold_expires_in}
        return body | ({"to_user_id": self.to_user_id} if self.to_user_id else {})

    def content(self):
        return (self.user_id, self.type, minor(self.amount, self.currency), self.currency, self.to_user_id)


def minor(amount, currency):
    whole, _, decimals = amount.partition(".")
    return int(whole + decimals.ljust(EXPONENTS[currency], "0"))


# The view spells types and statuses the same way in both engines. The tables may differ.
LOG = """SELECT t.id, t.user_id, v.type, t.amount_minor, t.currency, t.to_user_id, t.description, t.partition, v.capture,
       t.parent_id, t.hold_expires_at, t.created_at, t.overdraft_limit, t.frozen
  FROM transaction_log t JOIN transactions v ON v.id = t.id ORDER BY t.partition, t.id"""
SETTLEMENTS = """SELECT s.transaction_id, v.status, s.failure_code, s.posted_after, s.held_after, s.account_version,
       s.to_posted_after, s.to_account_version
  FROM settlement_log s JOIN transactions v ON v.id = s.transaction_id ORDER BY s.partition, s.transaction_id"""
TOTALS = ("deposits", "withdrawals", "captures", "deposit_reversals", "withdrawal_reversals")


class Records:
    """One snapshot of the logs of an idle database."""

    def __init__(self, database):
        self.log = [Row(*row) for row in database.rows(LOG)]
        self.settlements = database.rows(SETTLEMENTS)
        self.accounts = {(user, currency): (posted, held, version) for user, currency, posted, held, version
                         in database.rows("SELECT user_id, currency, posted, held, version FROM accounts")}
        self.totals = database.rows(f"SELECT currency, {', '.join(TOTALS)} FROM totals")


def wait_settled(database, seconds=60):
    """Waits until all transactions of the log are settled."""
    count = ("SELECT (SELECT count(*) FROM transaction_log) - (SELECT count(*) FROM settlement_log)")
    wait_until(lambda: database.rows(count)[0][0] <= 0, seconds, "the settlement of everything")


def check(database, sent=()):
    """Checks all guarantees of an idle database, alone and against the history of the clients."""
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
        expected[row.partition] += 1
        assert row.id == (row.partition << SEQUENCE_BITS) + expected[row.partition], f"gap before id {row.id}"


def check_acknowledged(records, sent):
    """G1, G2, G8: an acknowledged transaction exists exactly once as sent, a rejected one does not exist, and an unknown one
    exists at most once."""
    by_key = defaultdict(list)
    for row in records.log:
        by_key[row.description].append((row.id, (row.user_id, row.type, row.amount, row.currency, row.to_user_id)))
    for one in sent:
        found = by_key.get(one.key, [])
        assert len(found) <= 1, f"{one.key} is there {len(found)} times: {found}"
        if one.outcome == "acknowledged":
            assert found, f"lost: {one}"
            assert found[0] == (one.id, one.content()), f"{one} is stored as {found[0]}"
        if one.outcome == "refused":
            assert not found, f"refused, but there: {one} as {found[0]}"


def check_order(sent):
    """G5: if the requests of a user were sent one after another, their ids ascend."""
    last = {}
    for one in sent:
        if one.outcome == "acknowledged" and not one.retried:
            assert one.id > last.get(one.user_id, 0), f"{one} came after id {last[one.user_id]}"
            last[one.user_id] = one.id


def check_settlements(records):
    """G3, G4, G6: settles the log of one partition again with the simplest possible code and compares the results."""
    settled = {row[0]: tuple(row[1:]) for row in records.settlements}
    assert len(settled) == len(records.settlements), "a transaction is settled twice"
    fold = Fold()
    expected = {row.id: fold.settle(row) for row in records.log}
    for row in records.log:
        assert row.id in settled, f"{row.id} is not settled"
        # By now the fold knows the outcome of every hold.
        complete = (fold.status[row.id], *expected[row.id])
        assert settled[row.id] == complete, f"{row}: settled as {settled[row.id]}, expected {complete}"
    stored = {key: value for key, value in records.accounts.items() if value[2]}
    assert stored == fold.accounts(), f"accounts differ: {set(stored.items()) ^ set(fold.accounts().items())}"
    added = {}
    for currency, *sums in records.totals:
        added[currency] = [int(one) + before for one, before in zip(sums, added.get(currency, [0] * len(TOTALS)))]
    folded = {currency: [sums[name] for name in TOTALS] for currency, sums in fold.totals.items()}
    assert {currency: sums for currency, sums in added.items() if any(sums)} == folded, "totals differ"
