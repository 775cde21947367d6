"""Every object is valid for Kubernetes, the Prometheus Operator or CloudNativePG, without unknown fields."""
import copy
import json
import os

import jsonschema
import pytest
import yaml
from manifests import MANIFESTS, development, find, name, production, read
from mutate import ONE, POD, drop, put
from support.process import run

TYPES = MANIFESTS.parents[1] / "tests/infra/types"
SCHEMAS = {kind: yaml.safe_load((TYPES.parent / f"schemas/{file}.yaml").read_text())
           for kind, file in (("Cluster", "cluster"), ("ScheduledBackup", "scheduled-backup"))}
API = "Deployment/tps-api"
WHOLE = production()


@pytest.fixture(scope="module", autouse=True)
def types():
    """Installs the npm packages once, and again when their versions change."""
    done, lock = TYPES / "node_modules/.package-lock.json", TYPES / "package-lock.json"
    if not done.exists() or done.stat().st_mtime <= lock.stat().st_mtime:
        result = run(["npm", "ci", "--prefer-offline", "--loglevel=error"], cwd=TYPES, timeout=120)
        assert result.returncode == 0, result.stderr
        os.utime(done)


def flaws(objects):
    """The errors of each object in order, as lists of sentences."""
    result = run(["node", TYPES / "validate.mjs"], input=json.dumps(objects), timeout=60)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    for index, one in enumerate(objects):
        if one["kind"] in SCHEMAS:
            validator = jsonschema.Draft202012Validator(SCHEMAS[one["kind"]])
            found[index] = [error.message for error in validator.iter_errors(one)]
    return found


def test_all_objects():
    """The rendered objects, those of the examples, and those of the two original files."""
    sources = {"production": WHOLE, "dev": development()}
    for path in sorted(MANIFESTS.glob("*.yaml")) + sorted(MANIFESTS.glob("examples/*.yaml")):
        sources[path.name] = read(path)
    assert {"deployment.yaml", "prometheus.yaml"} < set(sources)
    objects = [(f"{source}: {name(one)}", one) for source, several in sources.items() for one in several]
    found = flaws([one for _, one in objects])
    assert [(where, wrong) for (where, _), wrong in zip(objects, found, strict=True) if wrong] == []


MISTAKES = [
    (API, put(API, "spec minReadySecond", 5)),
    (API, put(API, f"{ONE} livenessProbe periodSeconds", "10")),
    (API, put(API, f"{ONE} ports 0 protocl", "TCP")),
    (API, put(API, f"{POD} securityContext seccompProfile typ", "RuntimeDefault")),
    (API, drop(API, "spec selector")),
    ("HorizontalPodAutoscaler/tps-api", put("HorizontalPodAutoscaler/tps-api", "apiVersion", "autoscaling/v2beta9")),
    ("HorizontalPodAutoscaler/tps-api", put("HorizontalPodAutoscaler/tps-api", "spec metrics 0 resource targt", {})),
    ("NetworkPolicy/dns", put("NetworkPolicy/dns", "spec egress 0 from", [])),
    ("Job/tps-migrate", drop("Job/tps-migrate", "spec template")),
    ("Ingress/tps", put("Ingress/tps", "spec rules 0 http paths 0 serviceName", "tps")),
    ("ServiceMonitor/tps-api", put("ServiceMonitor/tps-api", "spec endpoints 0 interval", "15 seconds")),
    ("ServiceMonitor/tps-api", put("ServiceMonitor/tps-api", "spec endpoints 0 intervall", "15s")),
    ("PodMonitor/tps-worker", put("PodMonitor/tps-worker", "spec endpoints", [])),
    ("PrometheusRule/tps", put("PrometheusRule/tps", "spec groups", [{"rules": []}])),
    ("Cluster/tps-database", put("Cluster/tps-database", "spec postgresql parameters max_connections", 200)),
    ("Cluster/tps-database", put("Cluster/tps-database", "spec postgresql synchronus", {})),
    ("Cluster/tps-database", drop("Cluster/tps-database", "spec storage")),
    ("Cluster/tps-database", drop("Cluster/tps-database", "spec backup barmanObjectStore destinationPath")),
    ("ScheduledBackup/tps-database", put("ScheduledBackup/tps-database", "spec schedule", "0 3 * * *")),
]


def test_mistakes_are_noticed():
    broken = []
    for which, mutate in MISTAKES:
        broken.append(copy.deepcopy(find(WHOLE, which)))
        mutate(broken[-1:])
    found = flaws(broken)
    assert [index for index, wrong in enumerate(found) if not wrong] == []
