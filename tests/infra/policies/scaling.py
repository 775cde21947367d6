"""Replicas, their placement, and disruption budgets."""
from manifests import find, get, kind, labels, name, namespace, ours, pod, pod_labels, program, selected, selects, servers
from policies import policy, production_policy

# Database connections of one instance, counted by tests/infra/test_live.py.
SESSIONS = {"serve": 7, "worker": 3}


def autoscaler_of(objects, workload):
    for one in kind(objects, "HorizontalPodAutoscaler"):
        target = get(one, "spec scaleTargetRef")
        if (target["kind"], target["name"], namespace(one)) == (workload["kind"], workload["metadata"]["name"],
                                                                namespace(workload)):
            return one
    return None


def most(objects, workload):
    """The maximum number of replicas."""
    autoscaler = autoscaler_of(objects, workload)
    return get(autoscaler, "spec maxReplicas") if autoscaler else get(workload, "spec replicas", 1)


def fewest(objects, workload):
    autoscaler = autoscaler_of(objects, workload)
    return get(autoscaler, "spec minReplicas", 1) if autoscaler else get(workload, "spec replicas", 1)


@policy
def the_api_scales_by_itself(objects):
    autoscaler = autoscaler_of(objects, find(objects, "Deployment/tps-api"))
    assert autoscaler and autoscaler["apiVersion"] == "autoscaling/v2"
    assert get(autoscaler, "spec scaleTargetRef apiVersion") == "apps/v1"


@policy
def autoscalers_have_a_target(objects):
    for one in kind(objects, "HorizontalPodAutoscaler"):
        target = get(one, "spec scaleTargetRef")
        find(objects, f"{target['kind']}/{namespace(one)}/{target['name']}")


@policy
def who_is_scaled_has_no_number(objects):
    """Applying a release would reset the number of replicas."""
    for workload in servers(objects):
        if autoscaler_of(objects, workload):
            assert "replicas" not in workload["spec"], name(workload)
        else:
            assert "replicas" in workload["spec"], name(workload)


@policy
def autoscaling_goes_by_cpu(objects):
    for one in kind(objects, "HorizontalPodAutoscaler"):
        metrics = get(one, "spec metrics", [])
        assert [get(metric, "resource name") for metric in metrics] == ["cpu"], name(one)
        assert get(metrics[0], "resource target") == {"type": "Utilization", "averageUtilization": 70}, name(one)


@policy
def scaled_pods_say_what_cpu_they_need(objects):
    """Utilization is relative to the CPU request."""
    for workload in servers(objects):
        if autoscaler_of(objects, workload):
            for container in pod(workload)["containers"]:
                assert get(container, "resources requests cpu"), name(workload)


@policy
def scaling_up_does_not_lag(objects):
    """Scaling up starts immediately and can double within half a minute."""
    for one in kind(objects, "HorizontalPodAutoscaler"):
        up = get(one, "spec behavior scaleUp", {})
        assert up.get("stabilizationWindowSeconds") == 0 and up.get("selectPolicy") == "Max", name(one)
        assert any(policy["type"] == "Percent" and policy["value"] >= 100 and policy["periodSeconds"] <= 30
                   for policy in up.get("policies", [])), name(one)


@policy
def scaling_down_does_not_flap(objects):
    """Scaling down goes to the highest need of five minutes, one pod a minute."""
    for one in kind(objects, "HorizontalPodAutoscaler"):
        down = get(one, "spec behavior scaleDown", {})
        assert down.get("stabilizationWindowSeconds", 0) >= 300, name(one)
        assert down.get("policies") == [{"type": "Pods", "value": 1, "periodSeconds": 60}], name(one)


@policy
def there_is_room_to_scale(objects):
    for one in kind(objects, "HorizontalPodAutoscaler"):
        assert get(one, "spec maxReplicas") >= 2 * get(one, "spec minReplicas", 1), name(one)


@production_policy
def one_may_be_missing(objects):
    for workload in servers(objects):
        assert fewest(objects, workload) >= 2, name(workload)


def budgets_of(objects, workload):
    return [one for one in kind(objects, "PodDisruptionBudget") if namespace(one) == namespace(workload)
            and selects(one["spec"]["selector"], pod_labels(workload))]


@policy
def each_server_has_one_budget(objects):
    """Two budgets over one pod stop every eviction."""
    for workload in servers(objects):
        assert len(budgets_of(objects, workload)) == 1, name(workload)


@policy
def each_budget_is_of_one_workload(objects):
    for one in kind(objects, "PodDisruptionBudget"):
        assert len(selected(objects, one["spec"]["selector"], namespace(one))) == 1, name(one)


@policy
def budgets_leave_room_to_drain(objects):
    """Budgets use maxUnavailable: a minimum equal to the autoscaler's would block every drain."""
    for one in kind(objects, "PodDisruptionBudget"):
        assert one["spec"].get("maxUnavailable") == 1 and "minAvailable" not in one["spec"], name(one)


@policy
def pods_that_are_not_ready_can_be_evicted(objects):
    """During a database outage no pod is ready."""
    for one in kind(objects, "PodDisruptionBudget"):
        assert one["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow", name(one)


@policy
def pods_spread_over_zones_and_nodes(objects):
    for workload in servers(objects):
        spread = pod(workload).get("topologySpreadConstraints", [])
        assert {one["topologyKey"] for one in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, \
            name(workload)
        for one in spread:
            assert one["maxSkew"] == 1 and one["labelSelector"] == workload["spec"]["selector"], name(workload)
            assert one["matchLabelKeys"] == ["pod-template-hash"], name(workload)


@policy
def spreading_keeps_nobody_from_starting(objects):
    """A drained node counts as empty, so a hard constraint would block the drain."""
    for workload in servers(objects):
        for one in pod(workload).get("topologySpreadConstraints", []):
            assert one["whenUnsatisfiable"] == "ScheduleAnyway", name(workload)


@production_policy
def the_database_has_connections_for_all(objects):
    """Twice the maximum of instances: during a rollout, old instances are still connected."""
    needed = sum(2 * most(objects, one) * SESSIONS[program(one)["args"][0]] for one in servers(objects))
    for cluster in kind(objects, "Cluster"):
        there = int(get(cluster, "spec postgresql parameters max_connections", 100))
        assert needed <= there - 10, f"{needed} of {there}"


@policy
def labels_say_what_a_pod_belongs_to(objects):
    for workload in ours(objects):
        for one in (labels(workload), pod_labels(workload)):
            assert one.get("app.kubernetes.io/name") == one.get("app.kubernetes.io/part-of") == "tps", name(workload)
            assert one.get("app.kubernetes.io/component") == labels(workload).get("app.kubernetes.io/component"), \
                name(workload)
