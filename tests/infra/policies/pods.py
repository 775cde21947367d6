"""The contents of a pod and its privileges."""
import re

from manifests import ROOT, containers, environment, get, kind, labels, name, namespace, ours, pod, quantity, workloads
from policies import policy



def each_container(objects):
    for workload in workloads(objects):
        for container in containers(workload):
            yield f"{name(workload)} {container['name']}", container


@policy
def images_have_a_version(objects):
    for where, container in each_container(objects):
        image = container["image"]
        version = re.search(r"(@sha256:[0-9a-f]{64}|:[^:/@]+)$", image)
        assert version and version.group(1) != ":latest", f"{where}: {image}"


@policy
def our_image_is_of_this_version(objects):
    version = re.search(r"project\(tps VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    for workload in ours(objects):
        image = containers(workload)[0]["image"]
        assert image.endswith(f"tps:{version}"), f"{name(workload)}: {image}"


@policy
def pods_run_as_a_numeric_user_that_is_not_root(objects):
    for workload in workloads(objects):
        security = pod(workload).get("securityContext", {})
        assert security.get("runAsNonRoot") is True, name(workload)
        assert security.get("runAsUser", 0) > 0 and security.get("runAsGroup", 0) > 0, name(workload)


@policy
def root_file_systems_are_read_only(objects):
    for where, container in each_container(objects):
        assert get(container, "securityContext readOnlyRootFilesystem") is True, where


@policy
def no_capabilities(objects):
    for where, container in each_container(objects):
        capabilities = get(container, "securityContext capabilities", {})
        assert capabilities.get("drop") == ["ALL"] and not capabilities.get("add"), where


@policy
def no_privileges(objects):
    for where, container in each_container(objects):
        assert get(container, "securityContext allowPrivilegeEscalation") is False, where
        assert not get(container, "securityContext privileged"), where


@policy
def system_calls_are_filtered(objects):
    for workload in workloads(objects):
        assert get(pod(workload), "securityContext seccompProfile type") == "RuntimeDefault", name(workload)


@policy
def nothing_of_the_node_is_shared(objects):
    for workload in workloads(objects):
        spec = pod(workload)
        assert not any(spec.get(one) for one in ("hostNetwork", "hostPID", "hostIPC")), name(workload)
        assert not any("hostPath" in volume for volume in spec.get("volumes", [])), name(workload)
        for container in containers(workload):
            assert not any("hostPort" in port for port in container.get("ports", [])), name(workload)


@policy
def the_namespace_refuses_other_pods(objects):
    """Pod Security Admission enforces the same for all other pods of the namespace."""
    for where in {namespace(one) for one in ours(objects)}:
        found = [one for one in kind(objects, "Namespace") if namespace(one) == where]
        assert found, f"no Namespace {where}"
        assert labels(found[0]).get("pod-security.kubernetes.io/enforce") == "restricted", where


@policy
def no_service_account_token(objects):
    for workload in workloads(objects):
        assert pod(workload).get("automountServiceAccountToken") is False, name(workload)


@policy
def no_service_links(objects):
    """tps would reject TPS_X_SERVICE_HOST (of a Service tps-x) as an unknown setting."""
    for workload in workloads(objects):
        assert pod(workload).get("enableServiceLinks") is False, name(workload)


@policy
def resources_are_set(objects):
    for where, container in each_container(objects):
        requests, limits = (get(container, f"resources {one}", {}) for one in ("requests", "limits"))
        assert quantity(requests.get("cpu", 0)) > 0, where
        assert 0 < quantity(requests.get("memory", 0)) <= quantity(limits.get("memory", 0)), where


@policy
def our_image_needs_no_shell(objects):
    """The image has no shell, so no hook, probe or command may use one."""
    for workload in ours(objects):
        for container in containers(workload):
            hooks = [get(container, f"{one} exec command") for one in
                     ("lifecycle preStop", "lifecycle postStart", "livenessProbe", "readinessProbe", "startupProbe")]
            for command in [*hooks, container.get("command")]:
                assert not command or command[0] == "/usr/bin/tps", f"{name(workload)}: {command}"


@policy
def images_are_not_asked_for_at_every_start(objects):
    """If the registry is down, pods must still restart on a node that has the image."""
    for where, container in each_container(objects):
        assert container.get("imagePullPolicy") == "IfNotPresent", where


@policy
def commands_are_those_of_the_program(objects):
    commands = {name(one): containers(one)[0].get("args") for one in ours(objects) if one["kind"] != "CronJob"}
    assert commands == {"Deployment/tps-api": ["serve"], "Deployment/tps-worker": ["worker"],
                        "Job/tps-migrate": ["migrate"]}


@policy
def who_serves_does_not_migrate(objects):
    """A migration is a separate step with its own role. Serving pods do not migrate."""
    for workload in ours(objects):
        assert environment(objects, workload).get("TPS_MIGRATE", "false") == "false", name(workload)
