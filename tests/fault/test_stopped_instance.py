"""One of two instances is stopped (SIGSTOP) under load, perhaps while it holds locks: the other continues within 3 s."""
import random
import time

from support.deployment import deploy
from support.fixtures import short_or_long
from support.history import check, wait_settled
from support.load import Load, retry_unknown

ROUNDS = short_or_long(2, 50)
GOES_ON_WITHIN = 3


def test_the_other_goes_on(postgres, redis):
    chance = random.Random(3)
    with deploy("pair", postgres, redis) as running:
        sent, slowest = [], 0.0
        for number in range(ROUNDS):
            stopped, other = chance.sample(running.instances, 2)
            loads = [Load([one.port], threads=8, name=f"{number}-{one.port}", people=f"user_at_{one.port}", seed=number)
                     for one in (stopped, other)]
            for load in loads:
                load.start()
            for load in loads:
                load.wait_for(chance.randrange(50, 300))
            stopped.pause()
            started = time.monotonic()
            loads[1].wait_for(200, 20)
            slowest = max(slowest, time.monotonic() - started)
            stopped.resume()
            loads[0].wait_for(100)
            for load in loads:
                sent += load.stop()
            retry_unknown(running.ports, sent)
        print(f"{ROUNDS} stops; the slowest 200 answers of the other took {slowest:.2f} s")
        assert slowest < GOES_ON_WITHIN + 1
        wait_settled(running.database)
        check(running.database, sent)
