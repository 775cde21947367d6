"""The examples of a database and of Redis keep the promises of TPS and grant no more than it needs."""
from manifests import find, get, pod, pod_labels, program, quantity, workloads
from policies import policy, production_policy

CLUSTER = "Cluster/tps-database"


@production_policy
def commits_are_on_two_machines(objects):
    """G1 after the loss of a machine: every acknowledged commit is on a standby, which runs on another node."""
    cluster = find(objects, "Cluster/tps-database")
    assert get(cluster, "spec instances") >= 3
    assert get(cluster, "spec postgresql synchronous") == {"method": "any", "number": 1, "dataDurability": "required"}
    assert get(cluster, "spec affinity podAntiAffinityType") == "required"


@production_policy
def damaged_pages_are_noticed(objects):
    assert get(find(objects, CLUSTER), "spec bootstrap initdb dataChecksums") is True


@production_policy
def who_serves_is_not_who_owns(objects):
    """The operator creates the owner. The serving role gets rights on rows only (G12), and its password is in a Secret."""
    cluster = find(objects, CLUSTER)
    start = get(cluster, "spec bootstrap initdb", {})
    assert (start.get("database"), start.get("owner")) == ("tps", "tps_owner")
    assert start.get("postInitApplicationSQL") == [
        "CREATE ROLE tps_api", "CREATE ROLE tps_worker", "CREATE ROLE tps_readonly",
        "GRANT pg_signal_backend, pg_read_all_stats TO tps_owner", "CREATE ROLE tps LOGIN IN ROLE tps_api, tps_worker"]
    roles = get(cluster, "spec managed roles", [])
    assert [(one["name"], one.get("ensure"), one.get("login"), one.get("inRoles")) for one in roles] == [
        ("tps", "present", True, ["tps_api", "tps_worker"])]
    assert get(roles[0], "passwordSecret name") and "superuser" not in roles[0]


@production_policy
def the_database_is_asked_by_tls_only(objects):
    assert get(find(objects, CLUSTER), "spec postgresql pg_hba 0") == "hostnossl all all all reject"


@policy
def redis_is_a_cache(objects):
    """Redis writes nothing to disk, evicts the oldest keys, and has a limit below its memory limit."""
    for one in workloads(objects):
        if pod_labels(one).get("app.kubernetes.io/name") != "redis":
            continue
        given = program(one).get("args", [])
        options = dict(zip(given, given[1:]))
        assert options.get("--save") == "" and options.get("--maxmemory-policy") == "allkeys-lru"
        used = quantity(options.get("--maxmemory", "0").removesuffix("b").upper() + "i")
        assert 0 < used <= 0.8 * quantity(get(program(one), "resources limits memory", 0))


@production_policy
def redis_wants_a_password(objects):
    """The password comes from a configuration file, since every user who can list pods sees arguments."""
    one = find(objects, "Deployment/redis")
    folder, _, file = program(one).get("args", [""])[0].rpartition("/")
    mount = {mount["mountPath"]: mount["name"] for mount in program(one)["volumeMounts"]}.get(folder)
    assert file == "redis.conf" and any(volume["name"] == mount and "secret" in volume for volume in pod(one)["volumes"])
