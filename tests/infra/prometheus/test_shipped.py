"""The files of infra/prometheus, infra/alertmanager and infra/grafana by themselves: their own tools accept them, the rules
pass their tests, and the tests notice a rule that is missing or fires too early."""
import json
import re

import pytest
import yaml
from monitoring import FACTOR, faster
from shipped import (ALERTMANAGER, DASHBOARDS, PROCEDURES, PROMETHEUS, ROOT, RULE_TESTS, RULES, RUNBOOKS, alert_names, alerts,
                     runbooks)
from support.process import run

PARTS = ["Impact", "Look at first", "Do"]


def test_the_rules_pass_their_tests():
    found = run(["promtool", "test", "rules", *RULE_TESTS])
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("command", [["promtool", "check", "rules", *RULES], ["promtool", "check", "config", PROMETHEUS],
                                     ["amtool", "check-config", ALERTMANAGER]], ids=lambda command: " ".join(command[:2]))
def test_their_own_tools_accept_them(command):
    found = run(command)
    assert found.returncode == 0, found.stdout + found.stderr


def removed(rules, alert):
    rules[:] = [rule for rule in rules if rule.get("alert") != alert]


def hasty(rules, alert):
    for rule in rules:
        if rule.get("alert") == alert:
            rule.pop("for", None)


def verdict(folder, change, alert):
    """promtool's exit code for the tests of one alert, on a copy of the rules in which it is changed."""
    for file in RULES:
        content = yaml.safe_load(file.read_text())
        for group in content["groups"]:
            change(group["rules"], alert)
        (folder / file.name).write_text(yaml.safe_dump(content))
    for file in RULE_TESTS:
        content = yaml.safe_load(file.read_text())
        content["rule_files"] = [name.rsplit("/", 1)[1] for name in content["rule_files"]]
        content["tests"] = [test for test in content["tests"] if alert in str(test)]
        if content["tests"]:
            (folder / f"test-{file.name}").write_text(yaml.safe_dump(content))
    return run(["promtool", "test", "rules", *folder.glob("test-*.yaml")]).returncode


def test_a_copy_passes(folder):
    assert verdict(folder, lambda rules, alert: None, alert_names()[0]) == 0


@pytest.mark.parametrize("alert", alert_names())
def test_a_missing_alert_is_noticed(folder, alert):
    assert verdict(folder, removed, alert) == 1


@pytest.mark.parametrize("alert", sorted({rule["alert"] for rule in alerts() if "for" in rule}))
def test_a_hasty_alert_is_noticed(folder, alert):
    assert verdict(folder, hasty, alert) == 1


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alerts_say_what_a_person_needs(rule):
    alert, severity = rule["alert"], rule["labels"]["severity"]
    assert severity in ("critical", "warning")
    assert "$value" in rule["annotations"]["description"] or "query" in rule["annotations"]["description"]
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert ROOT / page == RUNBOOKS
    assert anchor == alert.lower(), "the anchor that Markdown gives to the heading of the section"
    section = runbooks()[alert]
    assert re.match(rf"{alert}\n\n{severity.capitalize()}\. ", section) and "Fires when " in section
    assert [part.strip(".:") for part in re.findall(r"^\*\*([^*]+)\*\*", section, re.MULTILINE)] == PARTS
    assert f"| [{alert}](#{anchor}) | {severity} |" in RUNBOOKS.read_text()


def test_every_runbook_has_its_alert():
    assert sorted(runbooks()) == alert_names()
    assert sorted(re.findall(r"^\| \[(\w+)\]", RUNBOOKS.read_text(), re.MULTILINE)) == alert_names()


@pytest.mark.parametrize("page", PROCEDURES, ids=lambda page: page.name)
def test_a_procedure_belongs_to_an_alert(page):
    heading, link = page.read_text().splitlines()[0], f"(runbooks/{page.name})"
    alert = heading.removeprefix("# ").removesuffix(": procedure")
    assert link in runbooks()[alert]
    assert f"](../runbooks.md#{alert.lower()})" in page.read_text()


@pytest.mark.parametrize("page", [RUNBOOKS, *PROCEDURES], ids=lambda page: page.name)
def test_runbooks_name_things_that_exist(page):
    text = page.read_text()
    sources = "".join(file.read_text() for file in (ROOT / "src").rglob("*.cpp"))
    lines = [line for group in re.findall(r"log lines? (`[^`]+`(?: and `[^`]+`)?)", text) for line in re.findall("`([^`]+)`", group)]
    assert [line for line in lines if f'"{line}' not in sources] == []
    titles = {panel["title"] for file in DASHBOARDS for panel in json.loads(file.read_text())["panels"]}
    panels = {name for name in re.findall(r"\*\*([^*]+)\*\*", text)} - {"Impact.", *PARTS}
    assert panels <= titles
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for anchor in re.findall(r"\]\((?:\.\./runbooks\.md)?#([^)]+)\)", text):
        assert anchor in {alert.lower() for alert in alert_names()}


def test_operations_leads_to_the_runbooks_and_has_every_row():
    text = (ROOT / "docs/operations.md").read_text()
    assert "](runbooks.md)" in text
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            assert f"**{panel['title']}**" in text or panel["type"] != "row", panel["title"]


def test_inhibition_names_alerts_that_exist():
    matchers = [matcher for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]
                for matcher in rule["source_matchers"] + rule["target_matchers"] if matcher.startswith("alertname")]
    assert matchers
    for matcher in matchers:
        pattern = re.split(r" =~? ", matcher)[1].strip('"')
        for name in pattern.split("|"):
            assert any(re.fullmatch(name, alert) for alert in alert_names()), name


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_dashboards(file):
    dashboard = json.loads(file.read_text())
    assert [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"] == [
        "Requests", "Ledger", "Store", "Cache", "Worker", "Instances"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} overlaps another panel"
        assert at["x"] + at["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"] and panel["targets"]
            assert panel["datasource"]["uid"] == "${datasource}"


def test_time_runs_faster_in_durations_only():
    assert faster("rate(x_rate5m[5m]) for: 1m\nscrape_interval: 15s\nwindow: 1h, 5 minutes") == (
        f"rate(x_rate5m[{300_000 // FACTOR}ms]) for: {60_000 // FACTOR}ms\nscrape_interval: {15_000 // FACTOR}ms\n"
        "window: 1h, 5 minutes")
