"""A bank under load: many clients send deposits, withdrawals, transfers, holds and their children for a few users. They
also check that reads never go back in time (G7)."""
import threading

from support.client import Broken
from support.history import Sent
from support.load import Load

RANK = {"pending": 0, "authorized": 1, "settled": 2, "failed": 2, "voided": 2, "expired": 2}
KINDS = ("deposit", "withdrawal", "transfer", "hold", "transfer hold", "capture", "void", "reversal", "look", "balance")
WEIGHTS = (14, 10, 16, 12, 6, 12, 6, 10, 10, 4)


class Seen:
    """The newest state that any client has seen. No later read may return an older state."""

    def __init__(self):
        self.lock = threading.Lock()
        self.newest = {}

    def before(self, key):
        with self.lock:
            return self.newest.get(key, (-1, None))

    def after(self, key, rank, body, before):
        assert rank >= before[0], f"{key} went back from {before} to {rank} {body}"
        assert rank < 2 or before[0] < 2 or body == before[1], f"{key} changed although final: {before[1]} {body}"
        with self.lock:
            if rank > self.newest.get(key, (-1, None))[0]:
                self.newest[key] = (rank, body)


class Bank(Load):
    def __init__(self, ports, threads=64, users=50, seed=1):
        super().__init__(ports, threads, seed, timeout=12)
        self.users = users
        self.seen, self.versions = Seen(), Seen()
        self.looks = 0

    def _ports(self, _number, chance):
        return chance.sample(self.ports, len(self.ports))

    def _act(self, client, number, chance):
        kind = chance.choices(KINDS, WEIGHTS)[0]
        mine = self.sent[number]
        known = [one for one in mine[-200:] if one.outcome == "acknowledged"]
        if kind == "balance":
            self._balance(client, f"user_{chance.randrange(self.users)}")
        elif kind == "look":
            if known:
                self._look(client, chance.choice(known))
        else:
            self._send(client, number, self._instruction(kind, f"{number}-{len(mine)}", known, chance))

    def _instruction(self, kind, key, known, chance):
        user, other = (f"user_{number}" for number in chance.sample(range(self.users), 2))
        amount = f"{chance.randrange(1, 20000) / 100:.2f}"
        holds = [one for one in known if one.capture == "manual"]
        others = [one for one in known if one.capture != "manual" and one.type in
                  ("deposit", "withdrawal", "transfer", "capture")]
        parents = {"capture": holds, "void": holds, "reversal": others}.get(kind)
        if parents:
            parent = chance.choice(parents[-20:])
            share = parent.amount if kind == "void" or chance.random() < 0.5 else f"{float(parent.amount) / 2:.2f}"
            share = share if float(share) > 0 else parent.amount
            to_user = None if kind == "void" else parent.to_user_id
            return Sent(key, parent.user_id, kind, share, parent.currency, to_user, parent=parent)
        if kind in ("hold", "transfer hold"):
            seconds = 1 if chance.random() < 0.3 else None
            to_user = other if kind == "transfer hold" else None
            return Sent(key, user, "transfer" if to_user else "withdrawal", amount, "USD", to_user, capture="manual",
                        hold_expires_in=seconds)
        if kind in ("withdrawal", "transfer"):
            return Sent(key, user, kind, amount, "USD", other if kind == "transfer" else None)
        return Sent(key, user, "deposit", amount, "USD")

    def _look(self, client, one):
        before = self.seen.before(one.id)
        try:
            answer = client.get(f"/transactions/{one.id}")
        except Broken:
            return
        if answer.status == 503:
            return
        assert answer.status == 200, f"{one} was acknowledged, and now: {answer}"
        self.seen.after(one.id, RANK[answer.json()["status"]], answer.body, before)
        self.looks += 1

    def _balance(self, client, user):
        before = self.versions.before(user)
        try:
            answer = client.get(f"/users/{user}/balances")
        except Broken:
            return
        if answer.status != 200:
            assert answer.status == 503, answer
            return
        for balance in answer.json()["balances"]:
            assert balance["available"] >= 0, f"{user}: {balance}"
            # Only ranks below 2, because one version may appear with different pending amounts.
            rank = -1 / (1 + balance["version"])
            self.versions.after(user, rank, balance["version"], before)
