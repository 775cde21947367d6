"""Realistic transactions: a few users do most of it, several currencies, some lines invalid for known reasons."""
import json
import random
from collections import defaultdict

from support.history import minor

CURRENCIES = {"USD": (60, 2), "EUR": (20, 2), "GBP": (8, 2), "JPY": (8, 0), "KWD": (4, 3)}  # share, decimals

# What is wrong, and the member that the answer has to name (None: the line as a whole cannot be read).
FAULTS = {
    "negative": ("/amount", lambda body: body | {"amount": "-1"}),
    "zero": ("/amount", lambda body: body | {"amount": 0}),
    "decimals": ("/amount", lambda body: body | {"amount": "1.2345"}),
    "currency": ("/currency", lambda body: body | {"currency": "XXQ"}),
    "no user": ("/user_id", lambda body: {name: value for name, value in body.items() if name != "user_id"}),
    "empty user": ("/user_id", lambda body: body | {"user_id": ""}),
    "unknown member": ("/ammount", lambda body: body | {"ammount": 1}),
    "read-only member": ("/status", lambda body: body | {"status": "settled"}),
    "not an object": (None, lambda body: [body]),
}


class Sample:
    """`count` lines from a seed. `lines[i]` is the text; `invalid[i]` the pointer its answer must name."""

    def __init__(self, count, invalid_share=0.02, seed=1, users=5000):
        chance = random.Random(seed)
        self.lines = []
        self.bodies = []
        self.invalid = {}
        for number in range(count):
            body = self._body(chance, number, users)
            if chance.random() < invalid_share:
                pointer, spoil = FAULTS[chance.choice(list(FAULTS))]
                body = spoil(body)
                self.invalid[number] = pointer
            self.bodies.append(body)
            self.lines.append(json.dumps(body))

    @staticmethod
    def _body(chance, number, users):
        currency = chance.choices(list(CURRENCIES), [share for share, _ in CURRENCIES.values()])[0]
        decimals = CURRENCIES[currency][1]
        amount = int(chance.lognormvariate(8, 1.5)) + 1
        user = min(int(chance.paretovariate(0.7)), users)
        body = {"user_id": f"user_{user}", "currency": currency, "description": f"line {number}",
                "amount": f"{amount / 10**decimals:.{decimals}f}",
                "type": chance.choices(("deposit", "withdrawal", "transfer"), (70, 20, 10))[0]}
        if body["type"] == "transfer":
            body["to_user_id"] = f"user_{user + 1 + chance.randrange(100)}"
        return body

    def deposited(self):
        """Per currency, what the valid deposits of the file add up to in minor units."""
        sums = defaultdict(int)
        for number, body in enumerate(self.bodies):
            if number not in self.invalid and body["type"] == "deposit":
                sums[body["currency"]] += minor(body["amount"], body["currency"])
        return dict(sums)

    def batches(self, size):
        """(number of the first line, NDJSON text) of each batch."""
        for first in range(0, len(self.lines), size):
            yield first, "\n".join(self.lines[first:first + size]) + "\n"
