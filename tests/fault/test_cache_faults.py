"""G10: whatever happens to Redis, every status and every body is the one that an instance without Redis gives."""
import contextlib
import itertools
import random
import signal
import threading
import time

import pytest

from support.client import Client
from support.clients import Clients
from support.deployment import deploy
from support.fixtures import short_or_long
from support.process import wait_until
from support.servers import Redis
from support.tps import Tps

THREADS = 6
ANSWERS_DURING_A_FAULT = short_or_long(400, 8000)
# Without the cache of the process, every read of a transaction asks Redis.
NO_LOCAL_CACHE = ("--local-cache", "0")


class Conversation(Clients):
    """Threads that post, replay and read, and remember what each request was answered with."""

    def __init__(self, port):
        super().__init__(THREADS)
        self.port = port
        self.answers = {}  # request -> (status, body)
        self.count = 0
        self.lock = threading.Lock()

    def _run(self, number):
        chance = random.Random(number)
        with Client(self.port) as client:
            asked = [("GET", "/transactions/999999999", None, None)]
            for turn in itertools.count():
                if self.stopping.is_set():
                    return
                post = self._post(number, turn, chance)
                status, answer = self._ask(client, post)
                asked.append(post)
                if status == 201:
                    asked.append(("GET", "/transactions/" + str(answer.json()["id"]), None, None))
                for request in [asked[-1], asked[-1], *chance.choices(asked, k=4)]:
                    self._ask(client, request)

    @staticmethod
    def _post(number, turn, chance):
        amount = "-1" if turn % 20 == 7 else f"{chance.randrange(1, 900)}.00"
        type_ = chance.choice(("deposit", "deposit", "withdrawal"))  # some fail for want of money
        body = f'{{"user_id":"user_{number}","amount":{amount},"currency":"USD","type":"{type_}"}}'
        return ("POST", "/transactions", body, f"key-{number}-{turn}")

    def _ask(self, client, request):
        status, answer = ask(client, request)
        with self.lock:
            self.count += 1
            known = self.answers.setdefault(request, (status, answer.body))
        assert known == (status, answer.body), f"{request}: first {known}, later {answer}"
        return status, answer

    def done(self):
        return self.count


def ask(client, request):
    """Sends a fixed request id, since problems repeat it, and waits for the outcome of a POST."""
    method, path, body, key = request
    headers = {"X-Request-Id": "same-for-all"}
    if key:
        headers |= {"Idempotency-Key": key, "Prefer": "wait=20"}
    answer = client.request(method, path, body, headers)
    return answer.status, answer


@contextlib.contextmanager
def stopped(redis):
    redis.process.kill()
    try:
        yield
    finally:
        redis.start()


@contextlib.contextmanager
def frozen(redis):
    redis.process.send(signal.SIGSTOP)
    try:
        yield
    finally:
        redis.process.send(signal.SIGCONT)


@contextlib.contextmanager
def paused(redis):
    redis.client().execute_command("CLIENT", "PAUSE", "3000", "ALL")
    yield


@contextlib.contextmanager
def full(redis):
    client = redis.client()
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")
    try:
        yield
    finally:
        client.config_set("maxmemory", "0")


@contextlib.contextmanager
def repeated(action):
    """Repeats `action` in a thread of its own."""
    stopping = threading.Event()

    def run():
        while not stopping.is_set():
            action()
            time.sleep(0.05)  # Redis and the program need some of the machine too

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)


def flushed(redis):
    return repeated(redis.client().flushall)


def flip(value, chance):
    spot = chance.randrange(len(value))
    return value[:spot] + bytes([value[spot] ^ 1 << chance.randrange(8)]) + value[spot + 1:]


# The wrong value for a key that holds `own`, where `other` is a good value of another key.
POISONS = (
    lambda own, other, chance: other,
    lambda own, other, chance: flip(own, chance),
    lambda own, other, chance: own[:-1],
    lambda own, other, chance: own + b"x",
    lambda own, other, chance: chance.randbytes(chance.randrange(200)),
    lambda own, other, chance: b'{"id":1,"status":"settled","amount":1000000.00}',
    lambda own, other, chance: None,  # a list
)


def poison(client, chance):
    """Replaces every value by a wrong one, at once."""
    keys = list(client.scan_iter("tps:*", count=5000))
    known = [(key, value) for key, value in zip(keys, client.mget(keys) if keys else []) if value]
    with client.pipeline(transaction=False) as changes:
        for number, (key, own) in enumerate(known):
            wrong = chance.choice(POISONS)(own, known[number - 1][1], chance)
            if wrong is None:
                changes.delete(key).lpush(key, "a list")
            else:
                changes.set(key, wrong)
        changes.execute()


def poisoned(redis):
    client, chance = redis.client(), random.Random(1)
    return repeated(lambda: poison(client, chance))


# The fault, and how many outcomes of which kind prove that the program met it.
FAULTS = {stopped: ("error", 3), frozen: ("error", 3), paused: ("error", 3), full: ("error", 20), flushed: ("miss", 20),
          poisoned: ("rejected", 30)}


def outcomes(program, outcome):
    return program.metric(f'tps_cache_operations_total{{cache="redis",outcome="{outcome}"}}')


@pytest.fixture(scope="module")
def own_redis():
    server = Redis()
    yield server
    server.stop()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_broken_redis_changes_no_answer(kind, own_redis, request):
    postgres = request.getfixturevalue("postgres") if kind == "postgres" else None
    own_redis.client().flushall()
    arguments = [*NO_LOCAL_CACHE, *(["--redis-url", own_redis.url] if kind == "sqlite" else [])]
    with deploy(kind, postgres=postgres, redis=own_redis, arguments=arguments) as running:
        program = running.first
        with Conversation(program.port) as conversation:
            conversation.wait_for(100, 60)
            for fault, (evidence, enough) in FAULTS.items():
                hits = outcomes(program, "hit")
                wait_until(lambda: outcomes(program, "hit") > hits, 30, f"hits before {fault.__name__}")
                met = outcomes(program, evidence)
                with fault(own_redis):
                    conversation.wait_for(ANSWERS_DURING_A_FAULT, 60)
                    wait_until(lambda: conversation.failures or outcomes(program, evidence) >= met + enough, 30,
                               f"{enough} times {evidence} while {fault.__name__}")
                    assert program.status("/readiness") == 200, fault.__name__
                conversation.check()
            hits = outcomes(program, "hit")
            wait_until(lambda: outcomes(program, "hit") > hits, 30, "hits after all faults")
        conversation.check()
        program.stop()

        plain = Tps(running.folder, "--database-url", running.database.url, *NO_LOCAL_CACHE).start()
        with plain.client() as client:
            for asked, answered in conversation.answers.items():
                status, answer = ask(client, asked)
                assert (status, answer.body) == answered, asked
        plain.stop()
        statuses = {status for status, _ in conversation.answers.values()}
        assert statuses == {200, 201, 404, 422}, statuses


def test_a_redis_that_is_not_there_at_the_start_is_said(folder, redis):
    """Without any request: the start names the cache and its state, one line says so, a metric shows it, also the end of it."""
    with stopped(redis):
        server = Tps(folder, "--database-url", f"sqlite:{folder}/tps.db", "--redis-url", redis.url).start()
        try:
            serving, = [one for one in server.log_records() if one["message"] == "serving"]
            assert serving["cache"].startswith(f"127.0.0.1:{redis.port} (cannot be used: "), serving
            assert server.metric("tps_cache_breaker_open") == 1
            redis.start()
            wait_until(lambda: server.metric("tps_cache_breaker_open") == 0, 20, "the return of Redis")
            assert len([one for one in server.log_records() if "redis circuit opened" in one["message"]]) == 1
            server.stop()
            server.start()
            assert [one for one in server.log_records() if one["message"] == "serving"][-1]["cache"].endswith("(ready)")
            server.stop()
        finally:
            if server.running:
                server.kill()
            redis.process.end()
