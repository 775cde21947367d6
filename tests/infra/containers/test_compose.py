"""docker-compose.yml with real containers, from `docker-compose up --build` to `down -v`. The tests depend on each other:
they run in this order on one project."""
import json
import signal
import time
from collections import Counter

import pytest
from fleet import PORT, Fleet
from support.client import Client
from support.load import Load, retry_unknown
from support.process import run, wait_until
from terminal import Terminal

INSTANCES = 3
CLIENTS = 8
LONG_RUNNING = ("db", "redis", "app", "worker", "balancer")


@pytest.fixture(scope="module")
def fleet(engine):
    fleet = Fleet(engine, engine.context)
    yield fleet
    fleet.compose("--profile", "monitoring", "down", "--volumes", check=False)


@pytest.fixture
def load():
    """Keyed load through the balancer. Afterwards the test compares its responses with the database."""
    running = Load([PORT], threads=CLIENTS, name=f"load-{time.monotonic_ns()}", timeout=15)
    yield running.start()
    running.stopping.set()


def check(fleet, load):
    """Every acknowledged transaction exists exactly once, no rejected one exists, and all settle."""
    sent = load.stop()
    retry_unknown([PORT], sent)
    acknowledged = {one.id for one in sent if one.outcome == "acknowledged"}
    recorded = fleet.sql(f"SELECT id FROM transaction_log WHERE description LIKE '{load.name}-%'").split()
    assert len(recorded) == len(set(recorded))
    assert {int(number) for number in recorded} == acknowledged
    wait_until(lambda: fleet.sql("SELECT count(*) FROM transactions WHERE status = 'pending'").strip() == "0", 60,
               "that all are settled")
    fleet.wait_until_all_serve(INSTANCES)  # for the next test
    return sent


def outcomes(sent):
    """The number of each outcome. Requests that were retried had an unknown outcome first."""
    return Counter("unknown" if one.retried else one.outcome for one in sent)


def refusals(sent):
    """The reasons of rejections and of unknown outcomes."""
    return Counter(one.refusal.decode() for one in sent if one.refusal)


def check_hardly_noticed(sent):
    """If the loss of a part matters, all clients are rejected repeatedly. A stalled machine can reject each client once."""
    outcome = outcomes(sent)
    assert outcome["unknown"] == 0 and outcome["refused"] <= CLIENTS, refusals(sent)


def crash_under_load(fleet, load, container):
    load.wait_for(200, 60)
    fleet.crash(container)
    load.wait_for(200, 60)


def test_up_as_typed_and_the_three_commands(fleet):
    up = fleet.start("up", "--build")
    try:
        fleet.wait_until_it_answers()
        curl = ["curl", "--silent", "--location"]
        created = json.loads(run([*curl, "http://localhost:8000/transactions", "--header", "Content-Type: application/json",
                                  "--data", '{"user_id": "user_11", "amount": 12.75, "currency": "USD"}']).stdout)
        assert (created["id"], created["user_id"], created["amount"], created["status"]) == (1, "user_11", 12.75, "pending")
        assert json.loads(run([*curl, "http://localhost:8000/transactions/1"]).stdout)["created_at"] == created["created_at"]
        assert "http_requests_total{" in run([*curl, "http://localhost:8000/metrics"]).stdout
        with Client(PORT) as client:
            wait_until(lambda: client.get("/transactions/1").json()["status"] == "settled", 10, "the worker")

        psql_as_typed(fleet)
    finally:
        up.send(signal.SIGINT)  # Ctrl-C
        up.wait(90)
    for service in LONG_RUNNING:
        state = fleet.state(service)
        assert (state["Status"], state["ExitCode"]) == ("exited", 0), service


def psql_as_typed(fleet):
    terminal = Terminal("docker exec -it infra-db-1 psql -U user -d tps".split(), fleet.environment)
    said = {}
    terminal.read_until("tps=#")
    for typed in ("\\l", "\\dt", "\\d transaction_log", "SELECT * FROM transactions;"):
        terminal.type(typed)
        said[typed] = terminal.read_until("tps=#")
    terminal.type("\\q")
    assert terminal.close() == 0
    assert " tps " in said["\\l"]
    assert "settlement_log" in said["\\dt"]
    assert "amount_minor" in said["\\d transaction_log"]
    assert "12.75" in said["SELECT * FROM transactions;"] and "settled" in said["SELECT * FROM transactions;"]


def test_up_again_with_three_instances(fleet):
    fleet.compose("up", "--detach", "--build", "--scale", f"app={INSTANCES}", "--scale", "worker=2")
    fleet.wait_until_all_serve(INSTANCES)
    with Client(PORT) as client:
        assert client.get("/transactions/1").status == 200  # the data survived
    containers = fleet.containers("app")
    assert len(containers) == INSTANCES

    def all_have_served():
        run(["curl", "--silent", "http://localhost:8000/transactions/1"])
        return all(fleet.metric(one, 'http_requests_total{endpoint="/transactions/{id}"') for one in containers)

    wait_until(all_have_served, 30, "requests at all instances")


def test_what_one_instance_caches_another_finds(fleet):
    """The Redis user has all rights that tps needs, and the instances share Redis."""
    with Client(PORT) as client:
        for _ in range(3):
            client.post("/transactions", {"user_id": "cached", "amount": 1, "currency": "USD"}, {"Prefer": "wait=5"})
    instances = fleet.containers("app")
    # An instance looks an id up in Redis only if it has seen a newer one.
    for path in ("/transactions/3", "/transactions/2", "/transactions/1"):
        for instance in instances:
            assert fleet.get(instance, path)

    def redis(outcome):
        return sum(fleet.metric(one, f'tps_cache_operations_total{{cache="redis",outcome="{outcome}"}}') for one in instances)

    assert redis("stored") > 0
    assert redis("hit") > 0


def test_every_container_is_locked_up(fleet):
    for container in fleet.containers(*LONG_RUNNING):
        host = fleet.inspect(container)["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["CapAdd"], container
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] > 0 and host["NanoCpus"] > 0 and host["PidsLimit"] > 0
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert all(host["LogConfig"]["Config"].values())


def test_only_the_balancer_can_be_reached_and_only_from_here(fleet):
    published = fleet.engine.docker("ps", "--format", "{{.Names}} {{.Ports}}").stdout.splitlines()
    assert [line for line in published if "->" in line] == ["infra_balancer_1 127.0.0.1:8000->8000/tcp"]
    db = fleet.inspect("infra-db-1")["NetworkSettings"]["Networks"]
    assert list(db) == ["infra_back"]
    balancer = fleet.inspect(fleet.containers("balancer")[0])["NetworkSettings"]["Networks"]
    assert "infra_back" not in balancer


def test_each_service_has_a_login_of_its_own_role(fleet):
    logins = fleet.sql("""SELECT r.rolname, g.rolname, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb FROM pg_roles r
        JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid WHERE r.rolcanlogin ORDER BY 1""")
    assert logins.split() == ["app|tps_api|f", "migrate|tps_owner|f", "worker|tps_worker|f"]
    assert fleet.sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").strip() == "tps_owner"
    connected = fleet.sql("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'tps' AND usename <> 'user' ORDER BY 1")
    assert connected.split() == ["app", "worker"]


def test_passwords_are_nowhere_but_where_they_are_needed(fleet):
    [app, *_] = fleet.containers("app")
    environment = fleet.inspect(app)["Config"]["Env"]
    assert "TPS_DATABASE_URL_FILE=/run/secrets/tps/database-url" in environment
    assert not any("postgresql://" in entry for entry in environment)
    seen = fleet.compose("run", "--rm", "-T", "--no-deps", "--entrypoint", "ls", "migrate", "/run/secrets").stdout
    assert seen.split() == ["tps"]
    wrong = run(["docker", "exec", "--env", "PGPASSWORD=password", fleet.containers("db")[0], "psql", "-h",
                 fleet.inspect("infra-db-1")["NetworkSettings"]["Networks"]["infra_back"]["IPAddress"], "-U", "app", "tps",
                 "-c", "SELECT 1"], env=fleet.environment)
    assert "password authentication failed" in wrong.stderr


def test_an_instance_is_killed(fleet, load):
    crash_under_load(fleet, load, fleet.containers("app")[0])
    sent = check(fleet, load)
    outcome = outcomes(sent)
    assert outcome["refused"] == 0, refusals(sent)  # the two others were up all the time
    assert outcome["unknown"] <= CLIENTS  # no more than were in flight


def test_the_worker_is_killed(fleet, load):
    crash_under_load(fleet, load, fleet.containers("worker")[0])
    check_hardly_noticed(check(fleet, load))


def test_the_database_is_killed(fleet, load):
    crash_under_load(fleet, load, fleet.containers("db")[0])
    assert outcomes(check(fleet, load))["acknowledged"] >= 400


def test_redis_is_killed(fleet, load):
    crash_under_load(fleet, load, fleet.containers("redis")[0])
    check_hardly_noticed(check(fleet, load))


def test_an_instance_is_stopped_and_nobody_notices(fleet, load):
    [first, *_] = fleet.containers("app")
    load.wait_for(200, 60)
    fleet.engine.docker("stop", "--time", "30", first)
    assert fleet.inspect(first)["State"]["ExitCode"] == 0
    load.wait_for(200, 60)
    fleet.engine.docker("start", first)
    sent = check(fleet, load)
    assert set(outcomes(sent)) == {"acknowledged"}, refusals(sent)


def test_prometheus_scrapes_every_instance_and_finds_its_alertmanager(fleet):
    fleet.compose("--profile", "monitoring", "up", "--detach", "prometheus", "alertmanager")
    expected = {f"{fleet.address(one)}:8000" for one in fleet.containers("app")}
    expected |= {f"{fleet.address(one)}:8001" for one in fleet.containers("worker")}

    def prometheus(path):
        answer = run(["curl", "--silent", f"http://localhost:9090/api/v1/{path}"]).stdout
        return json.loads(answer)["data"] if answer else None

    def scraped():
        targets = (prometheus("targets") or {}).get("activeTargets", [])
        return expected <= {target["scrapeUrl"].split("/")[2] for target in targets if target["health"] == "up"}

    wait_until(scraped, 90, "all targets")
    wait_until(lambda: prometheus("alertmanagers")["activeAlertmanagers"], 30, "the Alertmanager")
    assert prometheus("rules")["groups"]
    assert run(["curl", "--silent", "--fail", "http://localhost:9093/-/ready"]).returncode == 0


def test_the_ledger_is_right_after_all_that(fleet):
    result = json.loads(fleet.compose("run", "--rm", "-T", "migrate", "verify", "--json", "--quiet").stdout)
    assert result["differences"] == 0, result


def test_down_deletes_everything(fleet):
    fleet.compose("--profile", "monitoring", "down", "-v")
    assert fleet.engine.docker("ps", "--all", "--quiet").stdout == ""
    assert fleet.engine.docker("volume", "ls", "--quiet").stdout == ""
    assert "infra" not in fleet.engine.docker("network", "ls").stdout
