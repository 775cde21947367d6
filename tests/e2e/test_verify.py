"""`tps verify` on real databases, at rest and in use (G3, G6, G11)."""
import json
import random
import threading
import uuid

import pytest
from support.answers import accepted
from support.database import SqliteDatabase
from support.deployment import KINDS, deploy
from support.fixtures import servers_for
from support.history import wait_settled
from support.tps import tps

USERS = [f"user_{number}" for number in range(20)]


@pytest.fixture(scope="module", params=KINDS)
def deployment(request):
    with deploy(request.param, **servers_for(request.param, request), arguments=["--partitions", "4"]) as running:
        yield running


def verify(database, *arguments):
    return tps("verify", "--database-url", database.url, *arguments, timeout=60)


def write(client, rounds, seed):
    """Sends every type of transaction; many of them fail."""
    dice = random.Random(seed)
    for _ in range(rounds):
        items = []
        for _ in range(50):
            user, other = dice.sample(USERS, 2)
            item = {"user_id": user, "amount": dice.randint(1, 90), "currency": dice.choice(["USD", "JPY"]),
                    "type": dice.choice(["deposit", "withdrawal", "transfer"])}
            if item["type"] == "transfer":
                item["to_user_id"] = other
            if item["type"] != "deposit" and dice.random() < 0.4:
                item["capture"] = "manual"
            if dice.random() < 0.5:
                item["idempotency_key"] = str(uuid.UUID(int=dice.getrandbits(128)))
            items.append(item)
        for result in accepted_items(client, items):
            manual = result.get("capture") == "manual"
            if dice.random() < 0.5:
                action = dice.choice(["capture", "void"]) if manual else "reverse"
                accepted(client.post(f"/transactions/{result['id']}/{action}", {}))
    accepted(client.post("/transactions", {"user_id": USERS[0], "amount": 1, "currency": "USD"}))


def accepted_items(client, items):
    answer = client.post("/transactions/batch", {"transactions": items}).json()
    return [result["transaction"] for result in answer["results"]]


def test_a_database_at_rest_has_no_differences(deployment):
    with deployment.client() as client:
        write(client, rounds=4, seed=1)
    wait_settled(deployment.database)
    done = verify(deployment.database)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("\n0 differences\n")
    found = json.loads(verify(deployment.database, "--json").stdout)
    (logged,), = deployment.database.rows("SELECT count(*) FROM transactions")
    assert (found["settled"], found["pending"], found["differences"]) == (logged, 0, 0)
    assert found["finished"] and found["partitions"] == 4 and found["holds"] > 0 and found["reversals"] > 0


def test_a_database_in_use_has_none_either(deployment):
    stop = threading.Event()

    def keep_writing():
        with deployment.client() as client:
            seed = 100
            while not stop.is_set():
                write(client, rounds=1, seed=(seed := seed + 1))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(4):
            done = verify(deployment.database)
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        stop.set()
        writer.join()


PLANTED = [
    ("UPDATE accounts SET posted = posted {} 1 WHERE user_id = 'user_0' AND currency = 'USD'", "account_differs"),
    ("UPDATE accounts SET held = held {} 1 WHERE user_id = 'user_0' AND currency = 'USD'", "account_differs"),
    ("UPDATE totals SET deposits = deposits {} 1 WHERE currency = 'USD' AND partition = 0", "totals_differ"),
    ("UPDATE holds SET held_minor = held_minor {} 1 WHERE transaction_id ="
     " (SELECT min(transaction_id) FROM holds)", "hold_differs"),
    ("UPDATE reversals SET reversed_minor = reversed_minor {} 1 WHERE original_id ="
     " (SELECT min(original_id) FROM reversals)", "reversal_differs"),
]


@pytest.mark.parametrize("statement,kind", PLANTED, ids=[f"{kind}-{number}" for number, (_, kind) in enumerate(PLANTED)])
def test_changes_by_direct_sql_are_found(deployment, statement, kind):
    wait_settled(deployment.database)
    deployment.database.execute(statement.format("+"))
    try:
        done = verify(deployment.database, "--json")
    finally:
        deployment.database.execute(statement.format("-"))
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert done.returncode == 1 and found["by_kind"] == {kind: 1}, done.stdout
    assert "a replay gives" in found["first_differences"][0]["sentence"]
    assert verify(deployment.database).returncode == 0


def test_wrong_usage_and_what_is_not_there(folder):
    assert tps("verify", "--limit", "few").returncode == 2
    assert tps("verify", "--database-url", "oracle:x").returncode != 0
    missing = tps("verify", "--database-url", f"sqlite:{folder}/none.db")
    assert missing.returncode == 1 and "there is no file" in missing.stderr
    assert list(folder.iterdir()) == []  # and none was made


def test_a_schema_of_another_version_is_refused(folder):
    database = SqliteDatabase(folder / "tps.db")
    assert tps("migrate", "--database-url", database.url).returncode == 0
    database.execute("UPDATE store SET schema = 99, min_binary = 99")
    newer = verify(database)
    assert newer.returncode == 1 and "newer" in newer.stderr, newer.stderr
