"""The manifests of infra/k8s as objects, rendered by kubectl or read from files, and functions to query them."""
import re
from pathlib import Path

import yaml
from support.process import run

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "infra/k8s"


def render(folder):
    result = run(["kubectl", "kustomize", MANIFESTS / folder])
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def read(path):
    return parse((MANIFESTS / path).read_text())


def parse(text):
    return [one for one in yaml.safe_load_all(text) if one]


def production():
    """The objects of a production deployment: the overlay and the examples."""
    objects = render("overlays/production")
    for example in ("postgresql", "redis", "ingress", "external-database"):
        objects += read(f"examples/{example}.yaml")
    return objects


def development():
    return render("overlays/dev")


def get(value, path, default=None):
    """The member at a path of names and indices separated by spaces, or `default` if it is missing."""
    for part in path.split():
        try:
            value = value[int(part) if isinstance(value, list) else part]
        except (KeyError, IndexError, TypeError, ValueError):
            return default
    return value


def kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def name(one):
    return f"{one['kind']}/{get(one, 'metadata name')}"


def find(objects, which):
    """The object `Kind/name`, or `Kind/namespace/name` if the former is ambiguous."""
    wanted, *rest = which.split("/")
    found = [one for one in kind(objects, wanted) if get(one, "metadata name") == rest[-1]
             and (len(rest) == 1 or namespace(one) == rest[0])]
    assert len(found) == 1, f"{which}: {len(found)} of them"
    return found[0]


def namespace(one):
    return one["metadata"]["name"] if one["kind"] == "Namespace" else get(one, "metadata namespace")


def labels(one):
    return get(one, "metadata labels", {})


# ---- pods

def workloads(objects):
    """All objects that create pods. A CronJob counts as its Jobs."""
    made = [one | {"spec": get(one, "spec jobTemplate spec")} for one in kind(objects, "CronJob")]
    return kind(objects, "Deployment", "StatefulSet", "Job") + made


def ours(objects):
    """The workloads that run our program."""
    return [one for one in workloads(objects) if pod_labels(one).get("app.kubernetes.io/name") == "tps"]


def servers(objects):
    """The workloads that serve until they are stopped."""
    return kind(ours(objects), "Deployment")


def pod(workload):
    return get(workload, "spec template spec", {})


def pod_labels(workload):
    return get(workload, "spec template metadata labels", {})


def containers(workload):
    return get(pod(workload), "containers", []) + get(pod(workload), "initContainers", [])


def program(workload):
    """The container that runs our program."""
    return containers(workload)[0]


def ports(workload):
    """Maps names to numbers."""
    return {port.get("name"): port.get("containerPort") for one in containers(workload)
            for port in one.get("ports", [])}


def environment(objects, workload):
    """The environment of the program: the variables of the container, then the ConfigMap."""
    values = {}
    for source in get(program(workload), "envFrom", []):
        wanted = get(source, "configMapRef name")
        for one in kind(objects, "ConfigMap"):
            if get(one, "metadata name") == wanted and namespace(one) == namespace(workload):
                values |= one.get("data", {})
    values |= {one["name"]: one.get("value", "") for one in get(program(workload), "env", [])}
    return values


# ---- selectors and quantities

def selects(selector, wearer):
    """Whether a selector matches these labels. An empty selector matches all."""
    if any(wearer.get(key) != value for key, value in get(selector, "matchLabels", {}).items()):
        return False
    for one in get(selector, "matchExpressions", []):
        assert one["operator"] == "In", "the only operator that is understood here"
        if wearer.get(one["key"]) not in one["values"]:
            return False
    return True


def selected(objects, selector, where):
    """The workloads of a namespace whose pods match a selector."""
    return [one for one in workloads(objects) if namespace(one) == where and selects(selector, pod_labels(one))]


UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text):
    """Kubernetes' "500m" or "512Mi" as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * UNITS[unit]
