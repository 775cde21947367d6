"""Debian's Prometheus and Alertmanager watch real servers under light load: each fault fires its own alert, and nobody is
told of any other."""
import time

import pytest
from faults import FAULTS, NOT_STAGED, SLOW_TO_FIRE, instance_cut_off
from monitoring import milliseconds
from shipped import alert_names
from support.fixtures import LONG
from support.process import wait_until
from watched import watched

# For others to fire that would: what follows from a fault fires within 2 minutes of it.
AFTERWARDS_S = milliseconds(2, "m") / 1000


def test_every_alert_is_staged():
    assert {alert for alert, _ in FAULTS} | NOT_STAGED == set(alert_names())


@pytest.mark.parametrize(("alert", "fault"), FAULTS, ids=[fault.__name__ for _, fault in FAULTS])
def test_a_fault_fires_its_own_alert(fleet, alert, fault):
    if alert in SLOW_TO_FIRE and not LONG:
        pytest.skip("in the long run")
    # A balancer sends nobody to an instance that is not ready.
    ports = fleet.ports[:1] if fault is instance_cut_off else fleet.ports
    told = set()

    def own_alert(monitoring):
        told.update(monitoring.told())
        assert told <= {alert}, f"{told}\n{monitoring.explain()}"
        return alert in told

    with watched(fleet, ports) as monitoring:
        started = time.monotonic()
        with fault(fleet, monitoring):
            wait_until(lambda: own_alert(monitoring), 60, alert)
            print(f"{alert}: told after {time.monotonic() - started:.1f} s")
            deadline = time.monotonic() + AFTERWARDS_S
            while time.monotonic() < deadline:
                assert own_alert(monitoring)
                time.sleep(0.1)
