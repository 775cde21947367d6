"""Several partitions: fixed once, transfers across them in both directions, and every log is followed."""
import random
import threading

import pytest
from support.answers import pay
from support.client import Client
from support.database import PostgresDatabase, SqliteDatabase
from support.history import wait_settled
from support.tps import Tps, tps

PARTITIONS = 8
USERS = 24


def test_the_number_is_fixed_by_the_first_migration(folder, postgres):
    for url in (f"sqlite:{folder}/parts.db", postgres.url(postgres.create_database())):
        first = tps("migrate", "--database-url", url, "--partitions", 8)
        assert first.returncode == 0 and "8 partitions" in first.stdout, first
        again = tps("migrate", "--database-url", url)
        assert again.returncode == 0 and "8 partitions" in again.stdout, again
        other = tps("migrate", "--database-url", url, "--partitions", 4)
        assert other.returncode == 1 and "has 8" in other.stderr and "not 4" in other.stderr, other
        assert tps("migrate", "--database-url", url, "--partitions", 8).returncode == 0
        serving = tps("serve", "--database-url", url, "--partitions", 4, "--listen", "127.0.0.1:0")
        assert serving.returncode == 1 and "has 8" in serving.stderr, serving


@pytest.mark.parametrize("partitions", ["0", "257", "many"])
def test_impossible_numbers_are_refused(folder, partitions):
    done = tps("migrate", "--database-url", f"sqlite:{folder}/parts.db", "--partitions", partitions)
    assert done.returncode == 2 and "partitions" in done.stderr, done


@pytest.fixture(params=["sqlite", "postgres"])
def fleet(request, folder):
    """One API; on PostgreSQL four workers beside it, on SQLite the one inside."""
    if request.param == "sqlite":
        database = SqliteDatabase(folder / "parts.db")
    else:
        database = PostgresDatabase(request.getfixturevalue("postgres"))
    options = ["--database-url", database.url]
    assert tps("migrate", *options, "--partitions", PARTITIONS).returncode == 0
    workers = [] if request.param == "sqlite" else [Tps(folder, *options, command="worker").start() for _ in range(4)]
    api = Tps(folder, *options, *(["--no-worker"] if workers else [])).start()
    yield api, workers, database
    for one in [api, *workers]:
        one.stop()


def crossing_transfers(port, seed, failures):
    try:
        chance = random.Random(seed)
        with Client(port, timeout=30) as client:
            for number in range(12):
                items = []
                for item in range(25):
                    a, b = chance.sample(range(USERS), 2)
                    manual = {"capture": "manual"} if chance.random() < 0.2 else {}
                    items.append({"user_id": f"u{a}", "to_user_id": f"u{b}", "type": "transfer", "currency": "USD",
                                  "amount": f"{chance.randrange(1, 5000) / 100:.2f}",
                                  "reference": f"{seed}-{number}-{item}"} | manual)
                answer = client.post("/transactions/batch", {"transactions": items})
                assert answer.status == 200, answer
                results = answer.json()["results"]
                assert all(result["status"] == 201 for result in results), results
                for result in results[:10]:
                    one = result["transaction"]
                    action = "capture" if one.get("capture") == "manual" else "reverse"
                    assert client.post(f"/transactions/{one['id']}/{action}", {}).status == 201
    except BaseException as error:  # for the main thread to raise
        failures.append(error)


def test_transfers_cross_in_both_directions(fleet):
    api, workers, database = fleet
    with api.client() as client:
        for user in range(USERS):
            pay(client, f"u{user}", "100.00")
    failures = []
    threads = [threading.Thread(target=crossing_transfers, args=(api.port, seed, failures)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures, failures[0]
    wait_settled(database)
    assert database.rows("SELECT sum(posted) FROM accounts")[0][0] == USERS * 10000
    assert database.rows("SELECT count(*) FROM accounts WHERE posted - held < 0")[0][0] == 0
    crossed = database.rows("SELECT count(*) FROM transaction_log WHERE partition <> to_partition")[0][0]
    assert crossed > 500, crossed
    assert database.rows("SELECT count(*) FROM settlement_log WHERE failure_code = 'unprocessable'")[0][0] == 0
    verified = tps("verify", "--database-url", database.url, timeout=60)
    assert verified.returncode == 0, verified
    if workers:
        shares = [one.metric("tps_transactions_settled_total") for one in workers]
        assert sum(share > 0 for share in shares) >= 2, shares


def test_the_feed_follows_every_log(fleet):
    api, _, _ = fleet
    with api.client() as client:
        seen, cursor = [], None
        for number in range(3):
            for user in range(USERS):
                pay(client, f"u{user}", f"{number + 1}.00")
            for _ in range(100):
                path = "/transactions?order=asc&limit=7" + (f"&cursor={cursor}" if cursor else "&after=0")
                page = client.get(path).json()
                cursor = page["next_cursor"]
                if not page["data"]:
                    break
                seen += [one["id"] for one in page["data"]]
        assert len(seen) == len(set(seen)) == 3 * USERS
        newest = client.get("/transactions?limit=1000").json()["data"]
        assert sorted(one["id"] for one in newest) == sorted(seen)
