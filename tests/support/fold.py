"""A second, simple implementation of settlement that settles the log of one partition again from the start.

It follows the text of the guarantees, not the program, so that tests can compare the two.
"""
from collections import Counter, defaultdict
from typing import Any, NamedTuple

MAX_MINOR = 2**63 - 1


class Row(NamedTuple):
    """A transaction of the log, in the same form for both engines."""

    id: int
    user_id: str
    type: str
    amount: int
    currency: str
    to_user_id: str | None = None
    description: str | None = None
    partition: int = 0
    capture: str = "automatic"
    parent_id: int | None = None
    hold_expires_at: Any = None
    created_at: Any = None
    overdraft_limit: int | None = None
    frozen: Any = None

    @property
    def payer(self):
        return (self.user_id, self.currency)

    @property
    def receiver(self):
        """The other account of a transfer, or of a child of one."""
        moves = self.type in ("transfer", "capture", "reversal") and self.capture == "automatic"
        return (self.to_user_id, self.currency) if self.to_user_id and moves else None


class Failed(Exception):
    """Carries the code of the failure. Nothing has changed."""


class Fold:
    def __init__(self):
        self.posted, self.held, self.version = Counter(), Counter(), Counter()
        self.limit, self.frozen = Counter(), {}
        self.rows, self.status = {}, {}
        self.reversed = Counter()
        self.totals = defaultdict(Counter)

    def settle(self, row):
        """The expected settlement of this row: (failure, posted, held, version, to_posted, to_version)."""
        self.rows[row.id] = row
        failure = None
        try:
            getattr(self, "_" + row.type)(row)
            self.status[row.id] = "authorized" if row.capture == "manual" else "settled"
        except Failed as error:
            failure = str(error)
            self.status[row.id] = "failed"
        to = row.receiver
        return (failure, self.posted[row.payer], self.held[row.payer], self.version[row.payer],
                *((self.posted[to], self.version[to]) if to else (None, None)))

    def accounts(self):
        return {key: (self.posted[key], self.held[key], count) for key, count in self.version.items() if count}

    def _debit(self, account, amount):
        if self.posted[account] - self.held[account] - amount < -self.limit[account]:
            raise Failed("insufficient_funds")
        if self.frozen.get(account):
            raise Failed("account_frozen")

    def _credit(self, account, amount):
        if self.posted[account] + amount > MAX_MINOR:
            raise Failed("balance_overflow")

    def _post(self, *changes):
        for account, amount in changes:
            self.posted[account] += amount
            self.version[account] += 1

    def _count(self, row, what):
        self.totals[row.currency][what] += row.amount

    def _deposit(self, row):
        self._credit(row.payer, row.amount)
        self._post((row.payer, row.amount))
        self._count(row, "deposits")

    def _hold(self, row):
        self._debit(row.payer, row.amount)
        self.held[row.payer] += row.amount
        self.version[row.payer] += 1

    def _withdrawal(self, row):
        if row.capture == "manual":
            self._hold(row)
            return
        self._debit(row.payer, row.amount)
        self._post((row.payer, -row.amount))
        self._count(row, "withdrawals")

    def _transfer(self, row):
        if row.capture == "manual":
            self._hold(row)
            return
        self._debit(row.payer, row.amount)
        self._credit(row.receiver, row.amount)
        self._post((row.payer, -row.amount), (row.receiver, row.amount))

    def _open_hold(self, row):
        if self.status.get(row.parent_id) != "authorized":
            raise Failed("invalid_parent_state")
        return self.rows[row.parent_id]

    def _capture(self, row):
        hold = self._open_hold(row)
        if row.created_at >= hold.hold_expires_at:
            raise Failed("invalid_parent_state")
        if row.amount > hold.amount:
            raise Failed("capture_exceeds_hold")
        if self.frozen.get(row.payer):
            raise Failed("account_frozen")
        if row.receiver:
            self._credit(row.receiver, row.amount)
        self.held[row.payer] -= hold.amount
        self._post((row.payer, -row.amount))
        if row.receiver:
            self._post((row.receiver, row.amount))
        else:
            self._count(row, "captures")
        self.status[hold.id] = "settled"

    def _release(self, row, status):
        hold = self._open_hold(row)
        self.held[row.payer] -= hold.amount
        self.version[row.payer] += 1
        self.status[hold.id] = status

    def _void(self, row):
        self._release(row, "voided")

    def _expiry(self, row):
        self._release(row, "expired")

    def _reversal(self, row):
        original = self.rows[row.parent_id]
        if self.status[original.id] != "settled" or original.capture == "manual":
            raise Failed("invalid_parent_state")
        if self.reversed[original.id] + row.amount > original.amount:
            raise Failed("reversal_exceeds_original")
        if original.type == "deposit":
            self._debit(row.payer, row.amount)
            self._post((row.payer, -row.amount))
            self._count(row, "deposit_reversals")
        elif row.receiver:
            self._debit(row.receiver, row.amount)
            self._credit(row.payer, row.amount)
            self._post((row.payer, row.amount), (row.receiver, -row.amount))
        else:
            self._credit(row.payer, row.amount)
            self._post((row.payer, row.amount))
            self._count(row, "withdrawal_reversals")
        self.reversed[original.id] += row.amount

    def _account_update(self, row):
        if row.overdraft_limit is not None:
            self.limit[row.payer] = row.overdraft_limit
        if row.frozen is not None:
            self.frozen[row.payer] = bool(row.frozen)
        self.version[row.payer] += 1
