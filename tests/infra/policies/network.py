"""Who may talk to whom: asked of the network policies as a whole, as the network would ask them."""
from manifests import find, kind, labels, name, namespace, ours, pod_labels, servers, workloads
from policies import policy, production_policy
from traffic import Peer, passes, peer, stranger

PROMETHEUS = stranger("monitoring", {"app.kubernetes.io/name": "prometheus"})
GRAFANA = stranger("monitoring", {"app.kubernetes.io/name": "grafana"})
CONTROLLER = stranger("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx",
                                        "app.kubernetes.io/component": "controller"})
CLIENT = stranger("shop", {"app": "checkout"}, **{"tps-client": "true"})
NOBODY = stranger("elsewhere", {"app.kubernetes.io/name": "tps"})
OUTSIDE = Peer(address="203.0.113.1")
DATA = stranger("data", {"app": "other"}, **{"tps-data": "true"})
DNS = stranger("kube-system", {"k8s-app": "kube-dns"})


def of(objects, which):
    return peer(objects, find(objects, which))


def databases(objects):
    """Pods in the manifests, or those that the operator makes of a Cluster."""
    made = [peer(objects, one) for one in kind(objects, "StatefulSet")]
    for one in kind(objects, "Cluster"):
        home = find(objects, f"Namespace/{namespace(one)}")
        made.append(stranger(namespace(one), {"cnpg.io/cluster": one["metadata"]["name"]}, **labels(home)))
    assert made
    return made


def redises(objects):
    return [peer(objects, one) for one in workloads(objects)
            if pod_labels(one).get("app.kubernetes.io/name") == "redis"]


@policy
def nothing_is_allowed_by_default(objects):
    """What a policy does not name is refused, for pods that nobody has thought of, too."""
    for where in {namespace(one) for one in ours(objects)}:
        unknown = Peer(where, {"kubernetes.io/metadata.name": where}, {"app": "unknown"})
        assert not passes(objects, unknown, OUTSIDE, 443) and not passes(objects, NOBODY, unknown, 8000), where


@policy
def names_can_be_looked_up(objects):
    for workload in ours(objects):
        for protocol in ("UDP", "TCP"):
            assert passes(objects, peer(objects, workload), DNS, 53, protocol), name(workload)
            assert passes(objects, peer(objects, workload), Peer(address="169.254.20.10"), 53, protocol), name(workload)


@policy
def all_of_us_reach_the_database(objects):
    for database in databases(objects):
        for workload in ours(objects):
            assert passes(objects, peer(objects, workload), database, 5432), name(workload)


@policy
def nobody_else_reaches_the_database(objects):
    for database in databases(objects):
        for other in (NOBODY, CLIENT, CONTROLLER, *redises(objects)):
            assert not passes(objects, other, database, 5432), other


@production_policy
def the_operator_and_the_standbys_reach_the_database(objects):
    operator = stranger("cnpg-system", {"app.kubernetes.io/name": "cloudnative-pg"})
    for database in databases(objects):
        assert all(passes(objects, one, database, port) for one in (database, operator) for port in (5432, 8000))
        assert passes(objects, PROMETHEUS, database, 9187)


@policy
def only_the_api_reaches_redis(objects):
    assert redises(objects)
    for redis in redises(objects):
        assert passes(objects, of(objects, "Deployment/tps-api"), redis, 6379)
        for other in (of(objects, "Deployment/tps-worker"), of(objects, "Job/tps-migrate"), NOBODY, CLIENT):
            assert not passes(objects, other, redis, 6379), other


@policy
def workers_have_no_way_to_redis(objects):
    """Not even if Redis would let them."""
    assert passes(objects, of(objects, "Deployment/tps-api"), DATA, 6379)
    assert not passes(objects, of(objects, "Deployment/tps-worker"), DATA, 6379)


@policy
def prometheus_reaches_all_servers(objects):
    for workload in servers(objects):
        server = peer(objects, workload)
        assert passes(objects, PROMETHEUS, server, server.ports["http"]), name(workload)
        assert not passes(objects, GRAFANA, server, server.ports["http"]), name(workload)


@policy
def callers_reach_the_api(objects):
    for caller in (CONTROLLER, CLIENT):
        assert passes(objects, caller, of(objects, "Deployment/tps-api"), 8000), caller


@policy
def strangers_do_not_reach_the_api(objects):
    """Nor do pods that only wear the names of ours."""
    for caller in (NOBODY, OUTSIDE, stranger("ingress-nginx", {"app": "other"}), *redises(objects)):
        if caller.namespace_labels.get("tps-client") != "true":
            assert not passes(objects, caller, of(objects, "Deployment/tps-api"), 8000), caller


@policy
def nobody_calls_a_worker(objects):
    for caller in (CONTROLLER, CLIENT, of(objects, "Deployment/tps-api"), NOBODY):
        assert not passes(objects, caller, of(objects, "Deployment/tps-worker"), 8001), caller


@policy
def we_call_nobody_else(objects):
    """Who has taken over a pod of ours gets neither out of the cluster, nor to its API server, nor to the metadata
    service of a cloud."""
    for workload in ours(objects):
        us = peer(objects, workload)
        for other in (OUTSIDE, NOBODY, CLIENT, DATA, stranger("kube-system", {"component": "kube-apiserver"}),
                      Peer(address="169.254.169.254")):
            for port in (80, 443, 6443, 8000):
                assert not passes(objects, us, other, port), f"{name(workload)}: {other}"


@policy
def redis_calls_nobody(objects):
    for redis in redises(objects):
        for other in (OUTSIDE, NOBODY, *databases(objects)):
            assert not passes(objects, redis, other, 443) and not passes(objects, redis, other, 5432), other


@production_policy
def a_database_outside_can_be_let_in(objects):
    """By the example, and only that one address."""
    us = of(objects, "Deployment/tps-api")
    assert passes(objects, us, Peer(address="192.0.2.10"), 5432)
    assert not passes(objects, us, Peer(address="192.0.2.11"), 5432)
    assert not passes(objects, us, Peer(address="192.0.2.10"), 22)
