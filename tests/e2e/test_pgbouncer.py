"""Through PgBouncer in transaction mode, with prepared statements switched off."""
import pytest
from support.answers import accepted, pay
from support.deployment import Deployment
from support.database import PostgresDatabase
from support.history import check, wait_settled
from support.load import Load
from support.servers import PgBouncer
from support.tps import Tps


@pytest.fixture(scope="module")
def bouncer(postgres):
    one = PgBouncer(postgres)
    yield one
    one.stop()


@pytest.fixture
def deployment(postgres, redis, bouncer, folder):
    database = PostgresDatabase(postgres)
    url = postgres.url(database.name, bouncer.port)
    environment = {"TPS_PREPARED_STATEMENTS": "off"}
    instances = [Tps(folder, "--database-url", url, "--redis-url", redis.url, "--migrate", environment=environment)
                 for _ in range(2)]
    for one in instances:
        one.start()
    yield Deployment("pair", folder, database, instances)
    for one in instances:
        one.stop()


def test_the_whole_way(deployment):
    with deployment.client() as client:
        first = pay(client, "bounced", "12.75")
        assert client.get(f"/transactions/{first['id']}").json() == first
        assert client.get("/users/bounced/balances").json()["balances"][0]["version"] == 1
        assert len(client.get("/transactions?user_id=bounced").json()["data"]) == 1
        headers = {"Idempotency-Key": "k"}
        ids = {accepted(client.post("/transactions", {"user_id": "bounced", "amount": 1, "currency": "USD"},
                                    headers))["id"] for _ in range(4)}
        assert len(ids) == 1


def test_under_load(deployment):
    load = Load(deployment.ports, threads=8).start()
    load.wait_for(1000)
    sent = load.stop()
    assert all(one.outcome == "acknowledged" for one in sent)
    wait_settled(deployment.database)
    check(deployment.database, sent)
