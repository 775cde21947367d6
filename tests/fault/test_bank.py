"""A bank while instances and workers are killed and stopped and PostgreSQL restarts. Afterwards the clients' history, a fold of
the log, and `tps verify` confirm every guarantee."""
import random
import shutil
import time

import pytest
from support.bank import Bank
from support.database import SqliteDatabase
from support.fixtures import short_or_long
from support.history import check, wait_settled
from support.load import retry_unknown
from support.process import wait_until
from support.servers import temporary_folder
from support.store import empty_postgres
from support.tps import Tps, tps

SECONDS = short_or_long(8, 60)
STOPPED = short_or_long(4, 13)  # longer than any timeout


def verify(database):
    done = tps("verify", "--database-url", database.url, timeout=120)
    assert done.returncode == 0, f"tps verify: {done.returncode}\n{done.stdout}\n{done.stderr}"


def wait_expired(database, sent):
    """Waits until no hold can expire during the check of the database."""
    short = ",".join(str(one.id) for one in sent if one.hold_expires_in and one.outcome == "acknowledged")
    count = f"SELECT count(*) FROM transactions WHERE status IN ('pending', 'authorized') AND id IN ({short or 0})"
    wait_until(lambda: database.rows(count)[0][0] == 0, 60, "the end of all holds that expire")


def assert_no_errors(instances):
    """No instance has logged an error, whatever failed around it."""
    for one in instances:
        errors = [record for record in one.log_records()
                  if record["level"] == "error" or "the store refuses" in record["message"]]
        assert not errors, errors[:3]


def settle_and_check(database, bank, ports, instances):
    sent = bank.stop()
    unknown = retry_unknown(ports, sent, 60)
    wait_expired(database, sent)
    wait_settled(database)
    records = check_history(database, sent)
    verify(database)
    assert_no_errors(instances)
    kinds = {row.type for row in records.log}
    assert {"deposit", "withdrawal", "transfer", "capture", "void", "reversal", "expiry"} <= kinds, kinds
    assert bank.looks > 10
    print(f"{len(sent)} requests, {unknown} of unknown outcome asked again, {bank.looks} looks, {len(records.log)} rows")


def check_history(database, sent):
    """Several clients send for the same user, so the test cannot check an order between them."""
    for one in sent:
        one.retried = True
    return check(database, sent)


@pytest.mark.parametrize("number", range(short_or_long(1, 2)))
def test_a_bank_on_sqlite_is_killed(folder, number):
    database = SqliteDatabase(folder / "tps.db")
    server = Tps(folder, "--database-url", database.url).start()
    try:
        bank = Bank([server.port], threads=short_or_long(32, 64), seed=number).start()
        chance = random.Random(number)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            bank.check()
            time.sleep(chance.uniform(0.5, 2))
            server.kill()
            server.start()
        settle_and_check(database, bank, [server.port], [server])
        server.stop()
    finally:
        server.kill()


class Fleet:
    """Two API instances without workers, two workers, one PostgreSQL."""

    def __init__(self, folder, postgres, redis):
        self.postgres = postgres
        self.database = empty_postgres(postgres)
        common = ["--database-url", self.database.url]
        api = [*common, "--redis-url", redis.url, "--no-worker"]
        self.instances = [Tps(folder, *api) for _ in range(2)]
        self.workers = [Tps(folder, *common, command="worker") for _ in range(2)]

    @property
    def everybody(self):
        return self.instances + self.workers

    @property
    def ports(self):
        return [one.port for one in self.instances]

    def trouble(self, chance):
        """One bad thing happens, and is over when this returns."""
        kind = chance.choice(("kill", "kill", "stop", "restart"))
        victim = chance.choice(self.everybody)
        if kind == "kill":
            victim.kill()
            victim.launch()
        elif kind == "stop":
            victim.pause()
            time.sleep(STOPPED)  # how long it is stopped is the trouble itself
            victim.resume()
        else:
            self.postgres.restart_immediately()
        wait_until(lambda: all(one.ready() for one in self.everybody), 60, "everybody to be ready again")


def test_a_bank_on_postgres_has_all_kinds_of_trouble(postgres, redis):
    folder = temporary_folder("bank")
    fleet = Fleet(folder, postgres, redis)
    try:
        for one in fleet.everybody:
            one.start()
        bank = Bank(fleet.ports, threads=short_or_long(32, 64), seed=3).start()
        chance = random.Random(4)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            bank.check()
            fleet.trouble(chance)
        settle_and_check(fleet.database, bank, fleet.ports, fleet.everybody)
        for one in fleet.everybody:
            one.stop()
    finally:
        for one in fleet.everybody:
            if one.running:
                one.kill()
        shutil.rmtree(folder, ignore_errors=True)
