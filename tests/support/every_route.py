"""Several clients call every route repeatedly, regardless of the state of the database."""
import time

from support.client import Client
from support.clients import Clients

READS = ("/transactions/1", "/transactions", "/transactions?order=asc&after=0", "/users/u/balances",
         "/users/u/balances?at=2026-01-01T00:00:00Z", "/users/u/statement?currency=USD")
DEPOSIT = {"user_id": "u", "amount": 1, "currency": "USD"}
WRITES = (("POST", "/transactions", DEPOSIT), ("POST", "/transactions", DEPOSIT, {"Prefer": "wait=1"}),
          ("POST", "/transactions/batch", {"transactions": [DEPOSIT]}),
          ("POST", "/transactions/1/reverse", {}), ("PUT", "/users/u/accounts/USD", {"frozen": False}))


class EveryRoute(Clients):
    """Runs until it is stopped, or for `rounds` rounds. Every request gets a response, never a broken connection. `slowest`:
    (seconds, route, status)."""

    def __init__(self, port, threads, rounds=None):
        super().__init__(threads, patience=100)
        self.port = port
        self.rounds = rounds
        self.slowest = (0.0, None, None)

    def _run(self, _number):
        with Client(self.port, timeout=40) as client:
            done = 0
            while not self.stopping.is_set() and done != self.rounds:
                for path in READS:
                    self._ask((200, 503), client, "GET", path)
                for write in WRITES:
                    self._ask((200, 201, 202, 503, 504), client, *write)
                done += 1

    def _ask(self, allowed, client, method, path, *more):
        started = time.monotonic()
        status = client.request(method, path, *more).status
        self.slowest = max(self.slowest, (time.monotonic() - started, f"{method} {path}", status))
        assert status in allowed, (method, path, status)
