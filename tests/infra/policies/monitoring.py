"""The scrape targets of Prometheus."""
from manifests import find, get, kind, labels, name, namespace, pod_labels, ports, selected, selects
from policies import production_policy


def scraped(objects):
    """All pairs (monitor, endpoint)."""
    for one in kind(objects, "ServiceMonitor", "PodMonitor"):
        for endpoint in get(one, "spec endpoints", []) + get(one, "spec podMetricsEndpoints", []):
            yield one, endpoint


@production_policy
def the_api_is_scraped(objects):
    monitor = find(objects, "ServiceMonitor/tps-api")
    chosen = [one for one in kind(objects, "Service") if namespace(one) == namespace(monitor)
              and selects(monitor["spec"]["selector"], labels(one))]
    assert [name(one) for one in chosen] == ["Service/tps"]
    for endpoint in monitor["spec"]["endpoints"]:
        assert endpoint["port"] in [port["name"] for port in chosen[0]["spec"]["ports"]]


@production_policy
def the_workers_are_scraped(objects):
    monitor = find(objects, "PodMonitor/tps-worker")
    chosen = selected(objects, monitor["spec"]["selector"], namespace(monitor))
    assert [name(one) for one in chosen] == ["Deployment/tps-worker"]
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        assert endpoint["port"] in ports(chosen[0])


@production_policy
def nobody_is_scraped_twice(objects):
    api, worker = (find(objects, f"Deployment/{one}") for one in ("tps-api", "tps-worker"))
    for one in kind(objects, "PodMonitor"):
        assert not selects(one["spec"]["selector"], pod_labels(api)), name(one)
    for one in kind(objects, "Service"):
        assert not selects({"matchLabels": one["spec"].get("selector")}, pod_labels(worker)), name(one)


@production_policy
def metrics_are_asked_for_where_they_are(objects):
    assert all(endpoint.get("path") == "/metrics" for _, endpoint in scraped(objects))


@production_policy
def monitors_choose_by_something(objects):
    """An empty selector matches all."""
    for one, _ in scraped(objects):
        assert get(one, "spec selector matchLabels"), name(one)


@production_policy
def scrapes_end_before_the_next(objects):
    for one, endpoint in scraped(objects):
        timeout, interval = (int(endpoint[part].removesuffix("s")) for part in ("scrapeTimeout", "interval"))
        assert timeout < interval <= 30, name(one)


@production_policy
def jobs_have_the_names_that_rules_use(objects):
    jobs = {get(rule, "replacement") for _, endpoint in scraped(objects) for rule in endpoint.get("relabelings", [])
            if rule.get("targetLabel") == "job"}
    assert jobs == {"tps-api", "tps-worker"}


@production_policy
def our_own_labels_keep_their_names(objects):
    # The operator adds `endpoint`, but the rules use that label for the route.
    dropped = {"action": "labeldrop", "regex": "endpoint"}
    assert all(dropped in endpoint.get("relabelings", []) for _, endpoint in scraped(objects))


@production_policy
def rules_come_along(objects):
    assert kind(objects, "PrometheusRule")
