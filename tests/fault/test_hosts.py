"""Several hosts in the database URL: the program serves from the one that takes writes, whatever is wrong with those before it."""
import signal
import time

import pytest
from support.answers import pay
from support.database import PostgresDatabase
from support.process import free_port
from support.servers import OWNER, Postgres
from support.tps import Tps


# Seconds after the start: several sessions in turn wait 1.5 s for a silent host.
SERVED_WITHIN = 10


@pytest.fixture
def other():
    server = Postgres()
    yield server
    server.process.send(signal.SIGCONT)
    server.stop()


def refuses(other, _):
    return free_port()


def takes_no_writes(other, name):
    other.create_database(name)
    other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    return other.port


def says_nothing(other, _):
    other.process.send(signal.SIGSTOP)  # the kernel goes on accepting for it
    return other.port


@pytest.mark.parametrize("trouble", [refuses, takes_no_writes, says_nothing])
def test_the_host_that_takes_writes_is_found(trouble, other, postgres, folder):
    database = PostgresDatabase(postgres)
    first = trouble(other, database.name)
    url = f"postgresql://{OWNER}@127.0.0.1:{first},127.0.0.1:{postgres.port}/{database.name}"
    started = time.monotonic()
    server = Tps(folder, "--database-url", url, "--migrate").start()
    with server.client() as client:
        assert pay(client, "user_11", 12.75)["status"] == "settled"
    served = time.monotonic() - started
    print(f"{trouble.__name__}: served {served:.1f} s after its start")
    assert served < SERVED_WITHIN
    assert database.rows("SELECT count(*) FROM settlement_log") == [(1,)]
    server.stop()
