"""Debian's Prometheus and Alertmanager watch real servers under light load. Each fault fires its own alert and no other
alert notifies."""
import time

import pytest
from faults import FAULTS, NOT_STAGED, SLOW_TO_FIRE, instance_cut_off
from monitoring import milliseconds
from shipped import alert_names
from support.fixtures import LONG
from support.process import wait_until
from watched import watched

# Wait for other alerts: consequences of a fault fire within 2 minutes.
AFTERWARDS_S = milliseconds(2, "m") / 1000
ATTEMPTS = 3


def test_every_alert_is_staged():
    assert {alert for alert, _ in FAULTS} | NOT_STAGED == set(alert_names())


@pytest.mark.parametrize(("alert", "fault"), FAULTS, ids=[fault.__name__ for _, fault in FAULTS])
def test_a_fault_fires_its_own_alert(fleet, alert, fault):
    if alert in SLOW_TO_FIRE and not LONG:
        pytest.skip("in the long run")
    # A short stall of the machine, multiplied by FACTOR, can make POSTs slow as well. A stall happens once. A wrong rule fires
    # each time.
    for _ in range(ATTEMPTS):
        others = others_told(fleet, alert, fault)
        if not others:
            return
        print(f"besides {alert}, these alerts notified: {others}")
    assert not others


def others_told(fleet, alert, fault):
    """The notifications besides `alert` during this fault. Ends with the first of them."""
    # A balancer sends no requests to an instance that is not ready.
    ports = fleet.ports[:1] if fault is instance_cut_off else fleet.ports
    told = set()

    def look(monitoring):
        told.update(monitoring.told())
        return told

    with watched(fleet, ports) as monitoring:
        started = time.monotonic()
        with fault(fleet, monitoring):
            # A worker sums the ledger at most 1 % of its time, so the sums of a big one are minutes apart.
            wait_until(lambda: look(monitoring), 240, alert)
            print(f"{told}: told after {time.monotonic() - started:.1f} s")
            deadline = time.monotonic() + AFTERWARDS_S
            while look(monitoring) == {alert} and time.monotonic() < deadline:
                time.sleep(0.1)
            if told != {alert}:
                print(monitoring.explain())
    return told - {alert}
