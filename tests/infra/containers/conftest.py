"""One engine for all tests, since building its images takes a minute or two."""
import os
import pathlib

import images
import pytest
from engine import Engine, NoContainers
from support.process import run

BINARY = os.environ.get("TPS_BINARY", "build/release/tps")
# Compiles inside the image, like its users, instead of copying the existing binary.
COMPILE = os.environ.get("TPS_COMPILE_IMAGE") == "1"
WHY_NOT = pathlib.Path(__file__).parent / "why_no_containers"


def prepare(engine):
    """Builds all images with the host's network, then restarts the engine with a private network. Returns the build context."""
    engine.start(private_network=False)
    images.make_base(engine)
    engine.try_a_container(images.BASE)
    images.make_stand_ins(engine)
    context = images.compile_tps(engine) if COMPILE else images.make_tps(engine, BINARY)
    engine.stop()
    engine.start(private_network=True)
    return context


@pytest.fixture(scope="session")
def engine():
    reason = run([WHY_NOT]).stdout.strip()
    if reason:
        pytest.skip(f"no containers here: {reason}")
    engine = Engine()
    try:
        engine.context = prepare(engine)
        with engine.network():
            yield engine
    except NoContainers as error:
        pytest.skip(f"no containers here: {error}")
    finally:
        engine.remove()
    assert not engine.leftovers()
