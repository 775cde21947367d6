"""Keyed load from many threads with a full history, and the retries that resolve every unknown outcome."""
import random
import time

from support.client import Broken, Client
from support.clients import Clients
from support.history import Sent

ANSWERED = (200, 201)


def submit(client, one):
    """Sends a request once and records its outcome and duration."""
    started = time.monotonic()
    try:
        answer = client.post(one.path, one.body(), {"Idempotency-Key": one.key})
    except Broken:
        one.outcome = "unknown"
        return one
    finally:
        one.seconds = time.monotonic() - started
    if answer.status in ANSWERED:
        one.outcome, one.id = "acknowledged", answer.json()["id"]
    else:
        assert answer.status in (500, 502, 503, 504), answer  # 502 comes from a balancer: the response was cut off
        one.outcome = "refused" if answer.status == 503 else "unknown"
        one.refusal = answer.body
    return one


class Load(Clients):
    """`threads` clients over all ports until stop(). Each client has its own users, and so have loads of other `people`. The
    requests of one user are sent one after another."""

    def __init__(self, ports, threads=16, seed=1, name="load", people="user", timeout=10):
        super().__init__(threads, patience=timeout + 30)
        self.ports = ports
        self.sent = [[] for _ in range(threads)]
        self.answered = [0] * threads  # acknowledged requests per client
        self.name = name
        self.people = people
        self.seed = seed
        self.timeout = timeout

    def _run(self, number):
        chance = random.Random(f"{self.seed}-{number}")
        with Client(*self._ports(number, chance), timeout=self.timeout) as client:
            while not self.stopping.is_set():
                self._act(client, number, chance)

    def _ports(self, number, _chance):
        """The ports in the order in which a client tries them."""
        first = number % len(self.ports)
        return self.ports[first:] + self.ports[:first]

    def _act(self, client, number, chance):
        """The next request of a client."""
        self._send(client, number, self._next(number, chance))

    def _send(self, client, number, one):
        self.sent[number].append(one)
        submit(client, one)
        self.answered[number] += one.outcome == "acknowledged"
        if one.outcome != "acknowledged":
            time.sleep(0.02)  # do not spin while a server is down

    def _next(self, number, chance):
        key = f"{self.name}-{number}-{len(self.sent[number])}"
        type_ = chance.choices(("deposit", "withdrawal", "transfer"), (5, 3, 2))[0]
        currency = chance.choice(("USD", "JPY"))
        amount = str(chance.randrange(1, 500)) if currency == "JPY" else f"{chance.randrange(1, 50000) / 100:.2f}"
        receiver = f"receiver_{chance.randrange(160)}" if type_ == "transfer" else None
        return Sent(key, f"{self.people}_{chance.randrange(4)}_of_{number}", type_, amount, currency, receiver)

    def done(self):
        """The number of acknowledged requests."""
        return sum(self.answered)

    def stop(self):
        """Ends the load and returns all requests, in order per user."""
        self.end()
        self.check()
        return [one for mine in self.sent for one in mine]


def retry_unknown(ports, sent, seconds=30):
    """Retries unknown requests with their key until each has an outcome. Returns their number."""
    unknown = [one for one in sent if one.outcome == "unknown"]
    deadline = time.monotonic() + seconds
    with Client(*ports) as client:
        for one in unknown:
            one.retried = True
            while submit(client, one).outcome != "acknowledged":
                assert time.monotonic() < deadline, f"no answer for {one}"
                assert one.outcome != "refused" or time.sleep(0.05) is None
    return len(unknown)
