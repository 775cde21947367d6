"""Debian's Prometheus and Alertmanager watch healthy servers under light load. No alert fires, and every rule and every
panel finds its data."""
import math
import re
import time

import pytest
from shipped import ROOT, RUNBOOKS, alerts, panels, rules, selectors
from support.fixtures import short_or_long
from support.process import run
from watched import watched

VARIABLES = {"$namespace": ".*", "$__rate_interval": "10s"}
PAGES = [ROOT / "docs/operations.md", *sorted(RUNBOOKS.glob("*.md"))]
METRIC = re.compile(r"(?<![\w/])(?:tps_|http_request|process_)[a-z_]+[a-z]\b")
ROLES = {"tps_owner", "tps_api", "tps_worker", "tps_readonly"}  # database roles
ONLY_ON_SQLITE = {"tps_sqlite_wal_bytes"}
WATCHED_S = short_or_long(20, 180)  # 10 and 90 minutes in Prometheus' time


@pytest.fixture(scope="module")
def healthy(fleet):
    with watched(fleet, fleet.ports) as monitoring:
        deadline = time.monotonic() + WATCHED_S
        monitoring.seen = set()
        while time.monotonic() < deadline:
            monitoring.seen |= monitoring.firing() | monitoring.told()
            time.sleep(0.2)
        yield monitoring


def test_nothing_fires(healthy):
    assert healthy.seen == set(), healthy.explain()


def test_all_targets_answer(healthy):
    assert len(healthy.query("up == 1")) == 3
    assert not healthy.query("up == 0")


@pytest.mark.parametrize("who", ["first", "second", "worker"])
def test_what_they_answer_is_well_formed(healthy, fleet, who):
    with getattr(fleet, who).client() as client:
        text = client.get("/metrics").body.decode()
    found = run(["promtool", "check", "metrics"], input=text)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_rules_are_evaluated(healthy):
    found = [rule for group in healthy.rule_groups() for rule in group["rules"]]
    assert len(found) == len(rules())
    assert not [(rule["name"], rule.get("lastError")) for rule in found if rule["health"] != "ok"]


@pytest.mark.parametrize("record", [rule["record"] for rule in rules() if "record" in rule])
def test_recording_rules_give_data(healthy, record):
    assert [value for _, value in healthy.query(record) if 0 <= value <= 1]


@pytest.mark.parametrize("alert", alerts(), ids=lambda rule: rule["alert"])
def test_alerts_read_series_that_exist(healthy, alert):
    read = selectors(alert["expr"])
    assert read
    assert not [one for one in read if not healthy.query(one)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_metrics_that_exist(healthy, page):
    known = {labels["__name__"] for labels, _ in healthy.query('count by (__name__) ({__name__!=""})')}
    named = set(METRIC.findall(page.read_text())) - ROLES - ONLY_ON_SQLITE
    assert not {name for name in named if not known & {name, f"{name}_bucket"}}


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel[1])
def test_panels_give_data(healthy, panel):
    expression = panel[2]
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    # The annotation of starts may be empty. All other queries have data.
    expression = re.sub(r" > 0$", " >= 0", expression)
    assert [value for _, value in healthy.query(expression) if not math.isnan(value)]
