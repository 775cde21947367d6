"""Every route again and again, whatever the state of the database, from several clients."""
import threading
import time

from support.client import Client

READS = ("/transactions/1", "/transactions", "/transactions?order=asc&after=0", "/users/u/balances",
         "/users/u/balances?at=2026-01-01T00:00:00Z", "/users/u/statement?currency=USD")
DEPOSIT = {"user_id": "u", "amount": 1, "currency": "USD"}
WRITES = (("POST", "/transactions", DEPOSIT), ("POST", "/transactions", DEPOSIT, {"Prefer": "wait=1"}),
          ("POST", "/transactions/batch", {"transactions": [DEPOSIT]}),
          ("POST", "/transactions/1/reverse", {}), ("PUT", "/users/u/accounts/USD", {"frozen": False}))


class EveryRoute:
    """Until stop(), or `rounds` times: answered, refused, or not known, and never a broken connection. `slowest`: (seconds,
    route, status)."""

    def __init__(self, port, threads, rounds=None):
        self.port = port
        self.rounds = rounds
        self.slowest = (0.0, None, None)
        self.failures = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        try:
            with Client(self.port, timeout=40) as client:
                done = 0
                while not self.stopping.is_set() and done != self.rounds:
                    for path in READS:
                        self._ask((200, 503), client, "GET", path)
                    for write in WRITES:
                        self._ask((200, 201, 202, 503, 504), client, *write)
                    done += 1
        except BaseException as error:  # for the main thread to raise
            self.failures.append(error)

    def _ask(self, allowed, client, method, path, *more):
        started = time.monotonic()
        status = client.request(method, path, *more).status
        self.slowest = max(self.slowest, (time.monotonic() - started, f"{method} {path}", status))
        assert status in allowed, (method, path, status)

    def stop(self):
        self.stopping.set()
        self.wait()

    def wait(self):
        for thread in self.threads:
            thread.join(100)
        if self.failures:
            raise self.failures[0]
