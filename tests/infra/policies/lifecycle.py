"""Start, probes and shutdown."""
import re

from manifests import environment, find, get, kind, name, ours, pod, ports, program, quantity, servers
from policies import policy, production_policy

STORE_PATIENCE_S = 60  # the server waits this long for its database before it listens (src/program/startup.cpp)
STOP_S = 8  # for the last commits and the remaining connections
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def setting_s(objects, workload, setting, default_ms):
    return int(environment(objects, workload).get(setting, default_ms)) / 1000


def patience_s(probe):
    return get(probe, "failureThreshold", 3) * get(probe, "periodSeconds", 10)


@policy
def liveness_asks_no_dependency(objects):
    for workload in servers(objects):
        assert get(program(workload), "livenessProbe httpGet path") == "/health", name(workload)


@policy
def readiness_asks_whether_it_can_serve(objects):
    for workload in servers(objects):
        assert get(program(workload), "readinessProbe httpGet path") == "/readiness", name(workload)


@policy
def start_up_is_given_time(objects):
    for workload in servers(objects):
        probe = get(program(workload), "startupProbe", {})
        assert get(probe, "httpGet path") == "/health", name(workload)
        assert patience_s(probe) > STORE_PATIENCE_S + 30, f"{name(workload)}: {patience_s(probe)} s"


@policy
def a_slow_moment_is_no_death(objects):
    """Liveness must be much slower than readiness, and both set their periods."""
    for workload in servers(objects):
        for one in PROBES:
            assert {"periodSeconds", "timeoutSeconds", "failureThreshold"} <= set(get(program(workload), one, {})), one
        live, ready = (get(program(workload), one, {}) for one in ("livenessProbe", "readinessProbe"))
        assert patience_s(live) >= 30 and patience_s(live) >= 3 * patience_s(ready), name(workload)


@policy
def balancers_notice_soon(objects):
    """An instance that cannot serve leaves the Service within 10 seconds."""
    for workload in servers(objects):
        assert patience_s(get(program(workload), "readinessProbe", {})) <= 10, name(workload)


@policy
def probes_ask_the_pods_own_port(objects):
    """Probes name the port and no host, so the kubelet sends them, and network policies do not block them."""
    for workload in servers(objects):
        for one in PROBES:
            asked = get(program(workload), f"{one} httpGet", {})
            assert asked.get("port") in ports(workload), f"{name(workload)} {one}"
            assert not asked.get("host"), f"{name(workload)} {one}"


@policy
def probes_are_not_asked_faster_than_they_are_answered(objects):
    for workload in servers(objects):
        for one in PROBES:
            probe = get(program(workload), one, {})
            assert 2 <= get(probe, "timeoutSeconds", 1) <= get(probe, "periodSeconds", 10), f"{name(workload)} {one}"


@policy
def it_listens_where_it_is_asked(objects):
    for workload in servers(objects):
        listen = environment(objects, workload).get("TPS_LISTEN", "127.0.0.1:8000")
        assert listen == f"0.0.0.0:{ports(workload).get('http')}", f"{name(workload)}: {listen}"


@policy
def requests_are_finished_before_the_drain_ends(objects):
    """The drain timeout covers a request that has started: header, body, deadline and one second (G9)."""
    for workload in servers(objects):
        if program(workload)["args"] != ["serve"]:
            continue
        longest = setting_s(objects, workload, "TPS_HEADER_TIMEOUT", 10000) + 1 + \
            setting_s(objects, workload, "TPS_BODY_TIMEOUT", 30000) + setting_s(objects, workload, "TPS_REQUEST_TIMEOUT", 10000)
        assert setting_s(objects, workload, "TPS_DRAIN_TIMEOUT", 20000) >= longest, name(workload)


@policy
def grace_outlasts_the_drain(objects):
    for workload in servers(objects):
        drain = setting_s(objects, workload, "TPS_DRAIN_DELAY", 0) + \
            setting_s(objects, workload, "TPS_DRAIN_TIMEOUT", 20000)
        needed = get(program(workload), "lifecycle preStop sleep seconds", 0) + drain + STOP_S
        grace = pod(workload).get("terminationGracePeriodSeconds", 0)
        assert needed <= grace <= needed + 30, f"{name(workload)}: {needed} s"


@policy
def balancers_get_time_to_notice_the_end(objects):
    """Balancers hear of the shutdown with the pod at best. Otherwise they must notice it by the readiness probe."""
    for workload in servers(objects):
        if program(workload)["args"] == ["serve"]:
            delay = setting_s(objects, workload, "TPS_DRAIN_DELAY", 0)
            assert delay >= 5 and delay > patience_s(get(program(workload), "readinessProbe", {})), name(workload)


@policy
def updates_take_nobody_away_first(objects):
    for workload in servers(objects):
        strategy = get(workload, "spec strategy", {})
        assert strategy.get("type") == "RollingUpdate", name(workload)
        assert get(strategy, "rollingUpdate maxUnavailable") == 0, name(workload)
        assert get(strategy, "rollingUpdate maxSurge", 0) not in (0, "0%"), name(workload)
        assert get(workload, "spec minReadySeconds", 0) >= 5, name(workload)


@policy
def updates_that_get_nowhere_are_reported(objects):
    for workload in servers(objects):
        least = patience_s(get(program(workload), "startupProbe", {})) + get(workload, "spec minReadySeconds", 0)
        assert least < get(workload, "spec progressDeadlineSeconds", 0) <= 600, name(workload)


@policy
def many_large_bodies_kill_nobody(objects):
    """The server buffers 512 MB of bodies at a time. 36 simultaneous batches of 14 MB used 1.6 GB."""
    for workload in servers(objects):
        if program(workload)["args"] == ["serve"]:
            assert quantity(get(program(workload), "resources limits memory", 0)) >= 2 * 2**30, name(workload)


@production_policy
def the_audit_is_every_night(objects):
    """The audit runs every night, without retries, and its result is kept."""
    audit = find(objects, "CronJob/tps-verify")
    assert re.fullmatch(r"\d+ \d+ \* \* \*", get(audit, "spec schedule")) and get(audit, "spec concurrencyPolicy") == "Forbid"
    assert get(audit, "spec failedJobsHistoryLimit", 0) >= 1
    [job] = [one for one in ours(objects) if one["kind"] == "CronJob"]
    assert program(job)["args"][0] == "verify"
    assert pod(job)["restartPolicy"] == "Never" and job["spec"].get("backoffLimit") == 0
    assert job["spec"].get("activeDeadlineSeconds", 0) >= 3600
    passed_over = [one["onPodConditions"] for one in get(job, "spec podFailurePolicy rules", []) if one["action"] == "Ignore"]
    assert passed_over == [[{"type": "DisruptionTarget", "status": "True"}]], "an eviction says nothing about the ledger"


@policy
def the_migration_ends(objects):
    """The migration is retried until the database is up. If it fails for good, its log is kept."""
    for job in kind(objects, "Job"):
        spec = job["spec"]
        assert pod(job).get("restartPolicy") == "Never", name(job)
        assert spec.get("backoffLimit", 0) >= 3 and spec.get("activeDeadlineSeconds", 0) >= 600, name(job)
        assert spec.get("ttlSecondsAfterFinished", 0) >= 3600, name(job)
