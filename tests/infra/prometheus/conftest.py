import pytest
from fleet import Fleet
from support.fixtures import folder  # noqa: F401


@pytest.fixture(scope="module")
def fleet():
    one = Fleet()
    yield one
    one.stop()
