"""The files that the project ships for monitoring: rules, configuration, dashboards, runbooks."""
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "infra/prometheus/prometheus.yml"
RULES = sorted((ROOT / "infra/prometheus/rules").glob("*.yaml"))
RULE_TESTS = sorted(pathlib.Path(__file__).parent.glob("rules/*.test.yaml"))
ALERTMANAGER = ROOT / "infra/alertmanager/alertmanager.yml"
DASHBOARDS = sorted((ROOT / "infra/grafana/dashboards").glob("*.json"))
RUNBOOKS = ROOT / "docs/runbooks.md"
PROCEDURES = sorted((ROOT / "docs/runbooks").glob("*.md"))

# A metric with its optional label matchers. Quoted values may contain braces.
SELECTOR = re.compile(r'\b((?:tps|http|process|namespace:tps)_[\w:]+|up)\b(\{(?:"(?:[^"\\]|\\.)*"|[^}"])*\})?')


def rules():
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def alert_names():
    return sorted({rule["alert"] for rule in alerts()})


def selectors(expression):
    """The series that an expression reads."""
    return [name + labels for name, labels in SELECTOR.findall(expression)]


def panels():
    """(dashboard, title, expression) of every target of every panel and of the annotations."""
    for file in DASHBOARDS:
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield file.name, panel["title"], target["expr"]
        for annotation in dashboard["annotations"]["list"]:
            yield file.name, annotation["name"], annotation["expr"]


def runbooks():
    """The text of each alert's section, by its heading."""
    _, *sections = re.split(r"^## ", RUNBOOKS.read_text(), flags=re.MULTILINE)
    return {section.split("\n", 1)[0]: section for section in sections}
