"""The connections that the network policies permit, evaluated together like the network does."""
from manifests import find, kind, labels, name, namespace, ours, pod_labels, servers, workloads
from policies import policy, production_policy
from traffic import Peer, lets, passes, peer, stranger

PROMETHEUS = stranger("monitoring", {"app.kubernetes.io/name": "prometheus"})
GRAFANA = stranger("monitoring", {"app.kubernetes.io/name": "grafana"})
CONTROLLER = stranger("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx",
                                        "app.kubernetes.io/component": "controller"})
OPERATOR = stranger("cnpg-system", {"app.kubernetes.io/name": "cloudnative-pg"})
CLIENT = stranger("shop", {"app": "checkout"}, **{"tps-client": "true"})
NOBODY = stranger("elsewhere", {"app.kubernetes.io/name": "tps"})
OUTSIDE = Peer(address="203.0.113.1")
DATA = stranger("data", {"app": "other"}, **{"tps-data": "true"})
DNS = stranger("kube-system", {"k8s-app": "kube-dns"})


def of(objects, which):
    return peer(objects, find(objects, which))


def databases(objects):
    """Pods of the manifests, or those that the operator creates for a Cluster."""
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
    """Connections that no policy names are denied, also for unknown pods."""
    for where in {namespace(one) for one in ours(objects)}:
        rules = find(objects, f"NetworkPolicy/{where}/default-deny")["spec"]
        assert rules == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, where
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
    for database in databases(objects):
        assert all(passes(objects, one, database, port) for one in (database, OPERATOR) for port in (5432, 8000))
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
    """Denied even if Redis itself would admit them."""
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
    """Pods that only copy our labels are denied, too."""
    for caller in (NOBODY, OUTSIDE, stranger("ingress-nginx", {"app": "other"}), *redises(objects)):
        if caller.namespace_labels.get("tps-client") != "true":
            assert not passes(objects, caller, of(objects, "Deployment/tps-api"), 8000), caller


@policy
def nobody_calls_a_worker(objects):
    for caller in (CONTROLLER, CLIENT, of(objects, "Deployment/tps-api"), NOBODY):
        assert not passes(objects, caller, of(objects, "Deployment/tps-worker"), 8001), caller


@policy
def we_call_nobody_else(objects):
    """A compromised pod of ours can reach neither hosts outside the cluster, nor the API server, nor the metadata service
    of a cloud."""
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


# All possible clients, and every port with a listener.
PORTS = [(53, "UDP"), *((port, "TCP") for port in (22, 53, 80, 443, 5432, 6379, 8000, 8001, 9187))]


def everybody(objects):
    """By name: our pods, other pods of the namespace with some of our labels, and strangers, also with copied labels."""
    tps, data = (dict(labels(find(objects, f"Namespace/{one}"))) for one in ("tps", "tps-data"))
    component = "app.kubernetes.io/component"
    there = {name(one): peer(objects, one) for one in workloads(objects)}
    there |= {f"database {index}": one for index, one in enumerate(databases(objects))}
    there |= {f"half {one}": stranger("tps", {component: one}, **tps) for one in ("api", "worker", "migration")}
    there["tool"] = stranger("tps", {"app.kubernetes.io/name": "tps", component: "tool"}, **tps)
    for one in ("half api", "half worker", "tool"):
        there[one].ports = {"http": 8000}
    there |= {"guest": stranger("tps", {"app": "guest"}, **tps), "lodger": stranger("tps-data", {"app": "lodger"}, **data)}
    there |= {"prometheus": PROMETHEUS, "grafana": GRAFANA, "controller": CONTROLLER, "client": CLIENT, "dns": DNS,
              "operator": OPERATOR, "outside": OUTSIDE, "metadata": Peer(address="169.254.169.254"),
              "dns of the node": Peer(address="169.254.20.10"), "given": Peer(address="192.0.2.10"),
              "half controller": stranger("ingress-nginx", {component: "controller"}),
              "half ingress": stranger("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
              "system": stranger("kube-system", {"app": "other"})}
    there |= {f"false {one}": stranger("elsewhere", dict(there[one].labels)) for one in list(there) if there[one].labels}
    return there


def allowed(objects):
    """All permitted (from, to, port)."""
    database = [f"database {index}" for index, _ in enumerate(databases(objects))]
    api, worker, job, cache = "Deployment/tps-api", "Deployment/tps-worker", "Job/tps-migrate", "Deployment/redis"
    audits = [name(one) for one in kind(objects, "CronJob")]
    may = {(caller, api, 8000) for caller in ("controller", "client", "prometheus")} | {("prometheus", worker, 8001)}
    # Pods with the name label tps may use the database, for example to run `tps verify`.
    users = (api, worker, job, "tool", *audits)
    may |= {(one, server, 53) for one in (*users, "guest", "half api", "half worker", "half migration")
            for server in ("dns", "dns of the node")}
    may |= {(one, other, 5432) for one in users for other in (*database, "given", "lodger")}
    may |= {("operator", one, port) for one in database for port in (5432, 8000)}
    # Other software in the namespace of the database has its own policies.
    may |= {(api, "lodger", 6379), (api, cache, 6379)}
    return may | {("prometheus", one, 9187) for one in database}


@production_policy
def nobody_else_may_talk(objects):
    """Of all pairs that our policies cover, on all ports, exactly these are permitted."""
    there = everybody(objects)
    closed = {one for one, end in there.items() if end.namespace == "tps" or one == "Deployment/redis"}
    guarded = closed | {one for one in there if one.startswith("database")}
    found = {(one, other, number) for one, source in there.items() for other, target in there.items()
             for number, protocol in PORTS if (one in closed or other in guarded) and one != other
             and passes(objects, source, target, number, protocol)}
    wanted = allowed(objects)
    assert found == wanted, f"too much: {sorted(found - wanted)}; missing: {sorted(wanted - found)}"


@production_policy
def the_data_has_a_door_of_its_own(objects):
    """If the policies of TPS are bypassed, the database and Redis still deny the connection."""
    guest = everybody(objects)["guest"]
    for database in databases(objects):
        assert not lets(objects, "Ingress", database, guest, 5432, "TCP")
    for redis in redises(objects):
        for other in (guest, of(objects, "Deployment/tps-worker")):
            assert not lets(objects, "Ingress", redis, other, 6379, "TCP")


@production_policy
def a_database_outside_can_be_let_in(objects):
    """The example permits only that one address."""
    us = of(objects, "Deployment/tps-api")
    assert passes(objects, us, Peer(address="192.0.2.10"), 5432)
    assert not passes(objects, us, Peer(address="192.0.2.11"), 5432)
    assert not passes(objects, us, Peer(address="192.0.2.10"), 22)
