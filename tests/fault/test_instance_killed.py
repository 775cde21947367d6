"""kill -9 of one instance of a fleet: only its requests in progress are affected, and the other instances take over."""
import random
import time

from support.fixtures import short_or_long
from support.fleet import fleet
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.process import wait_until

ROUNDS = short_or_long(2, 20)
TAKEN_OVER_WITHIN = 3
THREADS = 24


def kill(haproxy, victim):
    """The most requests that it can have had in progress: waiting ones, and those that arrived while it was dying."""
    before = haproxy.statistics(victim.port)
    victim.kill()
    after = haproxy.statistics(victim.port)
    return int(before["scur"]) + int(after["stot"]) - int(before["stot"])


def test_an_instance_is_killed(postgres):
    chance = random.Random(7)
    with fleet(postgres, retries=3) as running:
        sent, total, slowest = [], 0, 0.0
        for number in range(ROUNDS):
            victim = chance.choice(running.instances)
            load = Load([running.port], threads=THREADS, name=f"{number}", seed=number).start()
            load.wait_for(chance.randrange(300, 900))
            in_hand = kill(running.haproxy, victim)
            load.wait_for(1000)
            sent_now = load.stop()
            running.start_again(victim)
            affected = [one for one in sent_now if one.outcome != "acknowledged"]
            longest = max(one.seconds for one in sent_now)
            print(f"kill {number}: {len(affected)} of {len(sent_now)} requests affected; the instance had at most "
                  f"{in_hand} in hand; longest answer {longest:.2f} s")
            assert len(affected) <= in_hand
            total, slowest = total + len(affected), max(slowest, longest)
            retry_unknown([running.port], sent_now)
            sent += sent_now
        assert total, "no request was in hand at any kill: this tested nothing"
        # A request waits for the locks of the killed instance at the most.
        assert slowest < TAKEN_OVER_WITHIN
        wait_settled(running.database)
        check(running.database, sent)


def test_a_worker_is_killed(postgres):
    chance = random.Random(8)
    with fleet(postgres, instances=1) as running:
        load, slowest = Load([running.port], threads=4).start(), 0.0
        try:
            load.wait_for(100)
            for number in range(ROUNDS * len(running.workers)):
                victim = running.workers[number % len(running.workers)]
                time.sleep(chance.uniform(0, 0.05))  # anywhere in a batch: the moment is the point
                victim.kill()
                before, started = running.settled(), time.monotonic()
                wait_until(lambda: running.settled() > before + 200, 30, "settlement to go on")
                slowest = max(slowest, time.monotonic() - started)
                running.start_again(victim)
            sent = load.stop()
        finally:
            load.stopping.set()
        print(f"{ROUNDS * 2} kills of a worker, {len(sent)} requests; the slowest take-over took {slowest:.2f} s")
        assert {one.outcome for one in sent} == {"acknowledged"}
        assert slowest < TAKEN_OVER_WITHIN
        wait_settled(running.database)
        check(running.database, sent)
