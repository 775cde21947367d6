"""A fleet that a Prometheus watches."""
import contextlib

from monitoring import Monitoring
from light_load import Traffic


@contextlib.contextmanager
def watched(fleet, ports):
    """The Monitoring of a healthy system under light load, with its first figures; nothing fires."""
    with Monitoring(fleet.targets) as monitoring:
        fleet.wait_well()  # Prometheus looks for its targets meanwhile
        with Traffic(ports):
            monitoring.wait_for_data()
            yield monitoring
