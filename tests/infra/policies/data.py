"""The examples of a database and of Redis: that they keep what TPS promises, and no more than it needs."""
from manifests import find, get, pod, pod_labels, program, quantity, workloads
from policies import policy, production_policy

CLUSTER = "Cluster/tps-database"


@production_policy
def commits_are_on_two_machines(objects):
    """G1 through the loss of a machine: nothing is acknowledged without a standby, which is on another node."""
    cluster = find(objects, "Cluster/tps-database")
    assert get(cluster, "spec instances") >= 3
    assert get(cluster, "spec postgresql synchronous") == {"method": "any", "number": 1, "dataDurability": "required"}
    assert get(cluster, "spec affinity podAntiAffinityType") == "required"


@production_policy
def damaged_pages_are_noticed(objects):
    assert get(find(objects, CLUSTER), "spec bootstrap initdb dataChecksums") is True


@production_policy
def who_serves_is_not_who_owns(objects):
    """The operator makes the owner; the other gets no more than rows (G12), and a password that is a Secret."""
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
    """It keeps nothing on a disk, drops the oldest, and ends what it may use before its memory ends."""
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
    """From a configuration file, since arguments can be read by whoever may list pods."""
    one = find(objects, "Deployment/redis")
    folder, _, file = program(one).get("args", [""])[0].rpartition("/")
    mount = {mount["mountPath"]: mount["name"] for mount in program(one)["volumeMounts"]}.get(folder)
    assert file == "redis.conf" and any(volume["name"] == mount and "secret" in volume for volume in pod(one)["volumes"])
