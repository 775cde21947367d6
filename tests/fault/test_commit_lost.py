"""A COMMIT, or the answer to it, is lost on its way: resolved or answered as unknown, never lost and never doubled."""
import threading
from collections import Counter

from support.database import PostgresDatabase
from support.fixtures import short_or_long
from support.history import Sent, check, wait_settled
from support.load import retry_unknown, submit
from support.tcp_proxy import CUT, PASS, SWALLOW, TcpProxy
from support.tps import Tps

ROUNDS = short_or_long(10, 200)
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete of a COMMIT


class CommitThief:
    """Once armed, loses the next COMMIT (`on_request`) or the next answer to one (`on_answer`)."""

    def __init__(self):
        self.armed = None  # (what to lose, how) or None
        self.stolen = 0

    def on_request(self, data):
        return self._judge("request", b"COMMIT" in data)

    def on_answer(self, data):
        return self._judge("answer", COMMITTED in data)

    def _judge(self, direction, hit):
        if not hit or not self.armed or self.armed[0] != direction:
            return PASS
        verdict, self.armed = self.armed[1], None
        self.stolen += 1
        return verdict


WAYS = [("answer", SWALLOW), ("answer", CUT), ("request", CUT), ("request", SWALLOW)]


def test_lost_commits(postgres, folder):
    database = PostgresDatabase(postgres)
    thief = CommitThief()
    proxy = TcpProxy(postgres.port, thief.on_request, thief.on_answer)
    # Without prepared statements a COMMIT can be seen on its way; without a worker all are those of submits.
    server = Tps(folder, "--database-url", postgres.url(database.name, proxy.port), "--migrate", "--no-worker",
                 environment={"TPS_PREPARED_STATEMENTS": "off"}).start()
    sent, outcomes = [], Counter()
    try:
        for number in range(ROUNDS):
            thief.armed = WAYS[number % len(WAYS)]
            sent += submit_together(server, number)
            assert thief.stolen == number + 1, "the thief found no COMMIT"
            for one in sent[-3:]:
                outcomes[one.outcome] += 1
        retry_unknown([server.port], sent)
    finally:
        server.stop()
        proxy.stop()
    print(f"{thief.stolen} commits or their answers stolen; first answers: {dict(outcomes)}")
    with_worker = Tps(folder, "--database-url", database.url).start()
    wait_settled(database)
    with_worker.stop()
    check(database, sent)


def submit_together(server, number):
    """Three requests at once, so that some share a flight."""
    group = [Sent(f"{number}-{turn}", f"user_{turn}", "deposit", "1.00", "USD") for turn in range(3)]

    def ask(one):
        with server.client(timeout=20) as client:
            submit(client, one)

    threads = [threading.Thread(target=ask, args=(one,)) for one in group]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return group
