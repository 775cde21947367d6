"""A light load of all kinds of requests at a steady rate."""
import uuid

from support.client import Broken, Client
from support.clients import Clients

PAUSE_S = 0.015  # between two requests of one client


class Traffic(Clients):
    """`threads` clients over all ports until the end of the `with`. Every response is accepted."""

    def __init__(self, ports, threads=4, posts_only=False, pause_s=PAUSE_S):
        super().__init__(threads)
        self.ports = ports
        self.posts_only = posts_only
        self.pause_s = pause_s

    def _run(self, number):
        ports = self.ports[number % len(self.ports):] + self.ports[:number % len(self.ports)]
        user = f"user_{uuid.uuid4().hex}"
        with Client(*ports, timeout=12) as client:
            count = 0
            while not self.stopping.wait(self.pause_s):
                for step in (self._pay,) if self.posts_only else (self._pay, self._pay, self._look, self._hold):
                    try:
                        step(client, user, count)
                    except Broken:
                        pass
                count += 1

    @staticmethod
    def _pay(client, user, count, **members):
        # Every fourth request is a withdrawal that exceeds the balance. It fails, which is an outcome.
        body = {"user_id": user, "amount": 3, "currency": "USD" if count % 3 else "JPY"}
        if count % 4 == 3:
            body |= {"type": "withdrawal", "amount": 10**9}
        answer = client.post("/transactions", body | members, {"Idempotency-Key": f"{user}-{count // 2}"})
        return answer.json()["id"] if answer.status == 201 else None

    def _look(self, client, user, count):
        id_ = self._pay(client, f"{user}-{count}", count)
        # The other instance does not have it in its cache, and it settles soon.
        for path in (f"/transactions/{id_ or 1}", f"/transactions/{max(1, (id_ or 1) - 20)}", f"/users/{user}/balances"):
            client.get(path)
        if count % 10 == 0:
            client.get(f"/transactions?user_id={user}")
            client.get("/nowhere")

    def _hold(self, client, user, count):
        if count % 5:
            return
        id_ = self._pay(client, f"{user}-hold", 1 + 12 * count, type="withdrawal", amount=1, capture="manual")
        if id_:
            client.post(f"/transactions/{id_}/capture", {})
