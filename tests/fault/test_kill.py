"""kill -9 of the server under load: nothing acknowledged is lost, no key is doubled, everything settles once (G1-G6)."""
import random

import pytest
from support.deployment import deploy
from support.fixtures import servers_for, short_or_long
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.process import wait_until

ROUNDS = short_or_long(3, 50)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_under_load(kind, request):
    chance = random.Random(2)
    with deploy(kind, **servers_for(kind, request)) as running:
        sent, unknown = [], 0
        for number in range(ROUNDS):
            load = Load(running.ports, name=f"{kind}-{number}", seed=number).start()
            load.wait_for(chance.randrange(100, 600))
            running.first.kill()
            wait_until(lambda: any(mine and mine[-1].outcome == "unknown" for mine in load.sent), 10)
            running.first.start()
            load.wait_for(100)
            sent += load.stop()
            unknown += retry_unknown(running.ports, sent)
        wait_settled(running.database)
        check(running.database, sent)
        assert unknown, "no request was under way at any kill: this tested nothing"
        print(f"{kind}: {ROUNDS} kills, {len(sent)} requests, {unknown} of unknown outcome asked again")
