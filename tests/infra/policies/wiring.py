"""References between objects: selectors, ports, names, namespaces."""
from collections import Counter

from manifests import containers, find, get, kind, labels, name, namespace, ours, pod, pod_labels, ports, selected, \
    selects, workloads
from policies import policy, production_policy

# Objects that an operator creates before the first release (docs/kubernetes.md).
BROUGHT = {"tps-auth", "tps-database", "tps-database-owner", "tps-redis", "redis"}


@policy
def names_are_unique(objects):
    counted = Counter((one["kind"], namespace(one), one["metadata"]["name"]) for one in objects)
    assert all(count == 1 for count in counted.values()), [one for one, count in counted.items() if count > 1]


@policy
def every_object_is_in_a_namespace(objects):
    known = {namespace(one) for one in kind(objects, "Namespace")}
    for one in objects:
        assert namespace(one) in known, f"{name(one)}: {namespace(one)}"


@policy
def selectors_choose_their_own_pods(objects):
    for workload in kind(objects, "Deployment", "StatefulSet"):
        found = selected(objects, workload["spec"]["selector"], namespace(workload))
        assert found == [workload], f"{name(workload)}: {[name(one) for one in found]}"


@policy
def selectors_name_program_and_component(objects):
    """Other software may use the same component label."""
    wanted = {"app.kubernetes.io/name", "app.kubernetes.io/component"}
    for workload in kind(ours(objects), "Deployment"):
        assert set(get(workload, "spec selector matchLabels")) == wanted, name(workload)
    for one in kind(objects, "PodDisruptionBudget", "ServiceMonitor", "PodMonitor"):
        assert set(get(one, "spec selector matchLabels")) == wanted, name(one)
    assert set(find(objects, "Service/tps")["spec"]["selector"]) == wanted


@policy
def services_choose_one_workload(objects):
    """If the Service of the API selected the workers, too, they would get requests."""
    for service in kind(objects, "Service"):
        found = selected(objects, {"matchLabels": service["spec"].get("selector", {})}, namespace(service))
        assert len(found) == 1, f"{name(service)}: {[name(one) for one in found]}"


@policy
def the_service_leads_to_the_api(objects):
    api = find(objects, "Deployment/tps-api")
    assert selects({"matchLabels": find(objects, "Service/tps")["spec"]["selector"]}, pod_labels(api))


@policy
def services_have_ports_of_their_pods(objects):
    for service in kind(objects, "Service"):
        [workload] = selected(objects, {"matchLabels": service["spec"]["selector"]}, namespace(service))
        assert service["spec"]["ports"], name(service)
        for port in service["spec"]["ports"]:
            assert port.get("name") and port.get("targetPort") in ports(workload), f"{name(service)}: {port}"


@policy
def callers_find_the_api_on_port_8000(objects):
    assert [port["port"] for port in find(objects, "Service/tps")["spec"]["ports"]] == [8000]


@policy
def services_are_inside_the_cluster(objects):
    """Access from outside goes through an Ingress."""
    for service in kind(objects, "Service"):
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP", name(service)


@policy
def volumes_are_there(objects):
    """Every mount has a volume. Every Secret and ConfigMap is an object of ours or created by the operator."""
    made = {(one["kind"], one["metadata"]["name"]) for one in objects}
    for workload in workloads(objects):
        volumes = {one["name"]: one for one in pod(workload).get("volumes", [])}
        claimed = {get(one, "metadata name") for one in get(workload, "spec volumeClaimTemplates", [])}
        mounted = {one["name"] for container in containers(workload) for one in container.get("volumeMounts", [])}
        assert mounted == set(volumes) | claimed, f"{name(workload)}: {mounted ^ (set(volumes) | claimed)}"
        for volume in volumes.values():
            assert set(volume) - {"name"} <= {"secret", "configMap", "emptyDir"} and len(volume) == 2, name(workload)
            secret, config = get(volume, "secret secretName"), get(volume, "configMap name")
            assert not secret or secret in BROUGHT or ("Secret", secret) in made, f"{name(workload)}: {secret}"
            assert not config or ("ConfigMap", config) in made, f"{name(workload)}: {config}"


@production_policy
def ingresses_lead_to_a_service(objects):
    for ingress in kind(objects, "Ingress"):
        for path in get(ingress, "spec rules 0 http paths"):
            backend = get(path, "backend service")
            service = find(objects, f"Service/{namespace(ingress)}/{backend['name']}")
            assert backend["port"]["name"] in [port["name"] for port in service["spec"]["ports"]], name(ingress)


@production_policy
def outsiders_see_only_what_is_theirs(objects):
    """The Ingress exposes no metrics or probes, but the documentation with its scripts."""
    public = {(path["path"], path["pathType"]) for path in get(find(objects, "Ingress/tps"), "spec rules 0 http paths")}
    assert public == {("/transactions", "Prefix"), ("/users", "Prefix"), ("/token", "Exact"), ("/docs", "Prefix"),
                      ("/redoc", "Exact"), ("/openapi.json", "Exact")}


@production_policy
def outsiders_come_by_tls_and_from_known_networks(objects):
    for ingress in kind(objects, "Ingress"):
        hosts = {rule.get("host") for rule in get(ingress, "spec rules")}
        assert hosts == {host for one in get(ingress, "spec tls", []) for host in one["hosts"]}, name(ingress)
        assert all(get(one, "secretName") for one in get(ingress, "spec tls")), name(ingress)
        annotations = get(ingress, "metadata annotations", {})
        assert annotations.get("nginx.ingress.kubernetes.io/ssl-redirect") == "true", name(ingress)
        allowed = annotations.get("nginx.ingress.kubernetes.io/whitelist-source-range", "0.0.0.0/0")
        assert "0.0.0.0/0" not in allowed and "::/0" not in allowed, name(ingress)


@production_policy
def ingresses_let_through_what_the_server_takes(objects):
    """The Ingress accepts the body size of the server (16 MiB) and never resends a request that an instance got."""
    for ingress in kind(objects, "Ingress"):
        annotations = get(ingress, "metadata annotations", {})
        assert int(annotations.get("nginx.ingress.kubernetes.io/proxy-read-timeout", 60)) > 30 + 10, name(ingress)
        assert annotations.get("nginx.ingress.kubernetes.io/proxy-body-size") == "16m", name(ingress)
        assert get(ingress, "spec ingressClassName"), name(ingress)
        again = annotations.get("nginx.ingress.kubernetes.io/proxy-next-upstream", "error timeout").split()
        assert again == ["error"], name(ingress)


@policy
def everything_is_labelled(objects):
    """The labels select all objects that belong together."""
    for one in objects:
        if namespace(one) in {namespace(other) for other in ours(objects)}:
            for label in ("name", "component", "part-of"):
                assert labels(one).get(f"app.kubernetes.io/{label}"), name(one)


@policy
def everything_can_be_chosen_by_its_component(objects):
    """Upgrades use this label to apply settings and the migration first."""
    wanted = {"ConfigMap": "settings", "Job": "migration", "Namespace": "namespace"}
    for one in kind(objects, *wanted):
        if namespace(one) in {namespace(other) for other in ours(objects)} and \
                labels(one).get("app.kubernetes.io/name") == "tps":
            assert labels(one).get("app.kubernetes.io/component") == wanted[one["kind"]], name(one)
    for component in wanted.values():
        assert any(labels(one).get("app.kubernetes.io/component") == component for one in objects), component
