"""A fleet that a Prometheus watches."""
import contextlib

from monitoring import Monitoring
from light_load import Traffic


@contextlib.contextmanager
def watched(fleet, ports):
    """The Monitoring of a healthy system under light load, after the first scrapes. No alert fires."""
    with Monitoring(fleet.targets) as monitoring:
        fleet.wait_well()  # meanwhile Prometheus finds its targets
        with Traffic(ports):
            monitoring.wait_for_data()
            yield monitoring
