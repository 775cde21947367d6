"""The settings of the program and its secrets."""
import json
import re
from functools import cache

from manifests import containers, environment, find, get, kind, name, namespace, ours, pod, workloads
from policies import policy, production_policy
from support.tps import tps


@cache
def known_settings():
    return {"TPS_" + one.upper().replace("-", "_") for one in json.loads(tps("config", "--json").stdout)}


def settings(objects, workload):
    return {one: value for one, value in environment(objects, workload).items() if one.startswith("TPS_")}


@policy
def settings_are_known_to_the_program(objects):
    for workload in ours(objects):
        for one in settings(objects, workload):
            assert one in known_settings() or one.removesuffix("_FILE") in known_settings(), f"{name(workload)}: {one}"


@policy
def settings_have_values_that_the_program_takes(objects):
    for workload in ours(objects):
        plain = {one: value for one, value in settings(objects, workload).items() if not one.endswith("_FILE")}
        result = tps("config", environment=plain)
        assert result.returncode == 0, f"{name(workload)}: {result.stderr}"


@policy
def settings_are_the_same_for_all(objects):
    """They come from one ConfigMap whose name contains a hash: changed content changes the name and rolls the pods."""
    used = {get(one, "envFrom 0 configMapRef name") for workload in ours(objects) for one in containers(workload)}
    assert len(used) == 1, used
    [config] = used
    assert config and re.fullmatch(r"tps-settings-[a-z0-9]{10}", config), config
    where = namespace(find(objects, "Deployment/tps-api"))
    assert find(objects, f"ConfigMap/{where}/{config}")["data"].get("TPS_PARTITIONS")


@policy
def who_accepts_does_not_settle(objects):
    """API and workers scale separately, and a worker exists."""
    assert environment(objects, find(objects, "Deployment/tps-api")).get("TPS_WORKER") == "false"
    find(objects, "Deployment/tps-worker")


@production_policy
def callers_are_asked_who_they_are(objects):
    told = settings(objects, find(objects, "Deployment/tps-api"))
    assert told.get("TPS_JWT_SECRET_FILE") and told.get("TPS_INSECURE_NO_AUTH", "false") == "false", told


@policy
def logs_can_be_read_by_machines(objects):
    for workload in ours(objects):
        assert environment(objects, workload).get("TPS_LOG_FORMAT") == "json", name(workload)


@policy
def the_database_is_not_a_file(objects):
    """Without this setting each pod would use its own SQLite file."""
    for workload in ours(objects):
        assert environment(objects, workload).get("TPS_DATABASE_URL_FILE"), name(workload)


@policy
def secrets_are_not_in_the_environment(objects):
    """`kubectl describe` shows the environment, children inherit it, and crash dumps contain it."""
    for workload in workloads(objects):
        for container in containers(workload):
            assert not any("secretRef" in one for one in container.get("envFrom", [])), name(workload)
            for one in container.get("env", []):
                assert not get(one, "valueFrom secretKeyRef"), f"{name(workload)}: {one['name']}"
                value = one.get("value", "")
                assert not re.search(r"://[^/]*:[^/]*@|password", value, re.I), f"{name(workload)}: {one['name']}"
                assert not re.search(r"PASSWORD$|_URL$", one["name"]), f"{name(workload)}: {one['name']}"
    for config in kind(objects, "ConfigMap"):
        assert not re.search(r"://|password", " ".join(config.get("data", {}).values()), re.I), name(config)


@policy
def secrets_are_files(objects):
    """Every file named by a setting is a key of a Secret that is mounted read-only."""
    for workload in ours(objects):
        [container] = containers(workload)
        mounts = {one["mountPath"]: one for one in container.get("volumeMounts", [])}
        volumes = {one["name"]: one for one in pod(workload).get("volumes", [])}
        named = [value for one, value in settings(objects, workload).items() if one.endswith("_FILE")]
        assert named, name(workload)
        for path in named:
            folder, _, key = path.rpartition("/")
            mount = mounts.get(folder, {})
            assert mount.get("readOnly") is True and key in ("url", "jwt-secret"), f"{name(workload)}: {path}"
            assert "secret" in volumes[mount["name"]], f"{name(workload)}: {path}"


@policy
def secrets_are_for_their_reader_only(objects):
    """The files are readable by the pod's group only."""
    for workload in workloads(objects):
        for volume in pod(workload).get("volumes", []):
            if "secret" in volume:
                assert volume["secret"].get("defaultMode", 0o644) == 0o440, f"{name(workload)}: {volume['name']}"
                security = pod(workload)["securityContext"]
                assert security.get("fsGroup") == security["runAsGroup"], name(workload)


@policy
def each_has_only_the_secrets_that_it_needs(objects):
    """Only the migration logs in as the owner of the tables (G12). Only the API uses Redis."""
    audit = {name(one): {"tps-database"} for one in kind(objects, "CronJob")}
    api = find(objects, "Deployment/tps-api")
    asks = {"tps-auth"} if "TPS_JWT_SECRET_FILE" in settings(objects, api) else set()
    has = {}
    for workload in ours(objects):
        volumes = pod(workload).get("volumes", [])
        has[name(workload)] = {re.sub(r"-[a-z0-9]{10}$", "", get(one, "secret secretName", "")) for one in volumes}
    assert has == {"Deployment/tps-api": {"tps-database", "tps-redis"} | asks, "Deployment/tps-worker": {"tps-database"},
                   "Job/tps-migrate": {"tps-database-owner"}} | audit
