"""The fixtures of all suites."""
import os
import shutil

import pytest

from support.deployment import KINDS, deploy
from support.servers import Postgres, Redis, temporary_folder
from support.tps import Tps

LONG = os.environ.get("TPS_LONG") == "1"


def short_or_long(short, long):
    """The number of repetitions: small in every run, large in the full run."""
    return long if LONG else short


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis():
    server = Redis()
    yield server
    server.stop()


def servers_for(kind, request):
    """PostgreSQL and Redis, started on first use."""
    if kind == "sqlite":
        return {}
    return {"postgres": request.getfixturevalue("postgres"), "redis": request.getfixturevalue("redis")}


@pytest.fixture(scope="module", params=KINDS)
def deployment(request):
    """A deployment of each kind, shared by the tests of a file."""
    with deploy(request.param, **servers_for(request.param, request)) as running:
        yield running


@pytest.fixture(scope="module")
def sqlite_deployment():
    """For tests that do not depend on the database."""
    with deploy("sqlite") as running:
        yield running


@pytest.fixture
def client(deployment):
    with deployment.client() as one:
        yield one


@pytest.fixture
def folder():
    path = temporary_folder("test")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def launch(folder):
    """Launches instances in the folder of the test and stops all of them."""
    instances = []

    def launching(*arguments, **options):
        instances.append(Tps(folder, *arguments, **options))
        return instances[-1].launch()
    yield launching
    for one in instances:
        if one.running:
            one.kill()
