"""The manifests of infra/k8s as objects: rendered by kubectl or read as they are, and how to find one's way in them."""
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
    """What runs in production: the overlay, and around it what the examples bring."""
    objects = render("overlays/production")
    for example in ("postgresql", "redis", "ingress", "external-database"):
        objects += read(f"examples/{example}.yaml")
    return objects


def development():
    return render("overlays/dev")


def get(value, path, default=None):
    """The member at a path of names and indices with spaces between them; `default` when it is not there."""
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
    """The object that is called `Kind/name`, or `Kind/namespace/name` where that is not enough."""
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
    """Everything that makes pods; of a CronJob, the Jobs that it makes."""
    made = [one | {"spec": get(one, "spec jobTemplate spec")} for one in kind(objects, "CronJob")]
    return kind(objects, "Deployment", "StatefulSet", "Job") + made


def ours(objects):
    """What runs our program."""
    return [one for one in workloads(objects) if pod_labels(one).get("app.kubernetes.io/name") == "tps"]


def servers(objects):
    """Of these, what serves until it is told to end."""
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
    """Names to numbers."""
    return {port.get("name"): port.get("containerPort") for one in containers(workload)
            for port in one.get("ports", [])}


def environment(objects, workload):
    """What the program finds in its environment: the settings, and before them what the container says itself."""
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
    """Whether a selector (nothing selects everything) chooses who wears these labels."""
    if any(wearer.get(key) != value for key, value in get(selector, "matchLabels", {}).items()):
        return False
    for one in get(selector, "matchExpressions", []):
        assert one["operator"] == "In", "the only operator that is understood here"
        if wearer.get(one["key"]) not in one["values"]:
            return False
    return True


def selected(objects, selector, where):
    """The workloads of a namespace whose pods a selector chooses."""
    return [one for one in workloads(objects) if namespace(one) == where and selects(selector, pod_labels(one))]


UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text):
    """Kubernetes' "500m" or "512Mi" as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * UNITS[unit]
