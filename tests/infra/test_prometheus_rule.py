"""The rules that operators apply are those of infra/prometheus/rules."""
import shutil

import pytest
import yaml
from manifests import ROOT
from support.process import run

TOOL = "tools/prometheus_rule"
TARGET = "infra/k8s/monitoring/prometheus-rule.yaml"
RULES = {"groups": [{"name": "slow", "interval": "30s", "rules": [
    {"alert": "Slow", "expr": "rate(x[5m])\n  > 1\n", "for": "5m", "labels": {"severity": "page"},
     "annotations": {"summary": "{{ $value }} is much: \"so\"", "runbook_url": "docs/runbooks/slow.md"}},
    {"record": "job:x:rate5m", "expr": "sum by (job) (rate(x[5m]))"}]}]}


def test_the_object_is_up_to_date():
    result = run([ROOT / TOOL, "--check"])
    assert result.returncode == 0, result.stderr


@pytest.fixture
def project(folder):
    """A project with the tool and some rules."""
    for path in (TOOL, TARGET):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    rules = folder / "infra/prometheus/rules"
    rules.mkdir(parents=True)
    (rules / "b.yaml").write_text(yaml.dump(RULES))
    (rules / "a.yml").write_text(yaml.dump({"groups": [{"name": "first", "rules": []}]}))
    (rules / "b.test.yaml").write_text(yaml.dump({"rule_files": ["b.yaml"], "tests": []}))
    (rules / "empty.yaml").write_text("# nothing yet\n")
    return folder


def test_what_it_writes_is_what_the_rules_say(project):
    assert run([project / TOOL, "--check"]).returncode != 0, "other rules went unnoticed"
    assert run([project / TOOL]).returncode == 0
    written = yaml.safe_load((project / TARGET).read_text())
    assert [one["name"] for one in written["spec"]["groups"]] == ["first", "slow"]
    assert written["spec"]["groups"][1:] == RULES["groups"]
    assert written["metadata"] == yaml.safe_load((ROOT / TARGET).read_text())["metadata"]
    assert run([project / TOOL, "--check"]).returncode == 0


def test_a_rule_that_is_changed_is_noticed(project):
    assert run([project / TOOL]).returncode == 0
    rules = project / "infra/prometheus/rules/b.yaml"
    rules.write_text(rules.read_text().replace("5m", "6m", 1))
    assert run([project / TOOL, "--check"]).returncode == 1
