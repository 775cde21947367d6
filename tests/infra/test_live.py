"""The real program in the environment of the manifests, on a database with the roles that they create."""
import json
import os
import shutil

import psycopg2
import pytest
from manifests import ROOT, development, environment, find, get, kind, production, program, read, workloads
from policies.scaling import SESSIONS
from support.answers import assert_problem, pay
from support.process import run, wait_until
from support.servers import POSTGRES_BIN, Postgres
from support.tcp_proxy import TcpProxy
from support.tokens import SECRET, bearer
from support.tps import PATIENCE, Tps, tps

PRODUCTION = production()
API, WORKER, JOB = (find(PRODUCTION, one) for one in ("Deployment/tps-api", "Deployment/tps-worker", "Job/tps-migrate"))
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def laptop_roles():
    """The SQL file of the dev overlay for PostgreSQL."""
    configs = [one for one in kind(development(), "ConfigMap") if "roles.sql" in one["data"]]
    return configs[0]["data"]["roles.sql"]


def example_roles():
    """The statements that CloudNativePG runs, after those that it runs by default."""
    cluster = find(PRODUCTION, "Cluster/tps-database")
    made = "CREATE ROLE tps_owner LOGIN;\nCREATE DATABASE tps OWNER tps_owner;\n\\connect tps\n"
    return made + "".join(f"{one};\n" for one in get(cluster, "spec bootstrap initdb postInitApplicationSQL"))


@pytest.fixture(scope="module", params=[laptop_roles, example_roles], ids=["laptop", "example"])
def database(request):
    server = Postgres()
    psql = [POSTGRES_BIN / "psql", "-h", "127.0.0.1", "-p", server.port, "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
    result = run([*psql, "--no-psqlrc", "--quiet"], input=request.param())
    assert result.returncode == 0, result.stderr
    yield server
    server.stop()


def mounted(workload, folder, port, redis_url=""):
    """The environment of the container, with the Secrets in a folder of the test and without a drain delay."""
    role = "tps_owner" if workload is JOB else "tps"
    contents = {"DATABASE": f"postgresql://{role}@127.0.0.1:{port}/tps", "REDIS": redis_url, "JWT": SECRET}
    given = environment(PRODUCTION, workload) | {"TPS_DRAIN_DELAY": "0"}
    for setting, path in given.items():
        if setting.endswith("_FILE"):
            file = folder / path.strip("/").replace("/", "-")
            file.write_text(contents[setting.split("_")[1]] + "\n")
            given[setting] = str(file)
    return given


def start(workload, folder, port, redis_url=""):
    [command] = program(workload)["args"]
    return Tps(folder, environment=mounted(workload, folder, port, redis_url), command=command).start()


@pytest.fixture(scope="module")
def fleet(database, tmp_path_factory, request):
    """An API and a worker as in production, with a proxy before the database that can cut it off."""
    folder = tmp_path_factory.mktemp("fleet")
    migration = tps(*program(JOB)["args"], environment=mounted(JOB, folder, database.port))
    assert migration.returncode == 0, migration.stderr
    proxy = TcpProxy(database.port)
    redis = request.getfixturevalue("redis")
    servers = {"serve": start(API, folder, proxy.port, redis.url), "worker": start(WORKER, folder, proxy.port)}
    yield servers, database, proxy
    for one in servers.values():
        one.stop()
    proxy.stop()


@pytest.fixture
def certified(folder):
    """A PostgreSQL with a certificate for localhost, and for its name in a cluster."""
    made = run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,DNS:tps-database-rw.tps-data", "-keyout", folder / "key", "-out", folder / "ca.crt"])
    assert made.returncode == 0, made.stderr
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder / "key", "postgres")
    server = Postgres(settings=["ssl=on", f"ssl_cert_file={folder}/ca.crt", f"ssl_key_file={folder}/key"])
    yield server, folder / "ca.crt"
    server.stop()


def test_the_database_must_show_its_certificate(certified, folder):
    """The URL of docs/kubernetes.md works, a URL with another name does not."""
    server, authority = certified
    url = server.url(server.create_database()) + f"?sslmode=verify-full&sslrootcert={authority}"
    result = tps("migrate", "--database-url", url.replace("127.0.0.1", "localhost"))
    assert result.returncode == 0, result.stderr
    stranger = Tps(folder, "--database-url", url).launch()
    wait_until(lambda: "certificate" in stranger.log(), 20, "the refusal of a certificate for another name")
    assert stranger.status("/health") is None
    stranger.kill()


def test_keys_are_made_through_a_forwarded_port(certified, folder):
    """The form of docs/kubernetes.md, with the certificate's name and this machine's address."""
    server, authority = certified
    url = server.url(server.create_database()).replace("127.0.0.1", "tps-database-rw.tps-data")
    url += f"?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={authority}"
    file = folder / "admin-url"
    file.write_text(url)
    given = {"TPS_DATABASE_URL_FILE": str(file)}
    assert tps("migrate", environment=given).returncode == 0
    made = tps("keys", "create", "--subject", "payments", "--scopes", "transactions:write", environment=given)
    assert made.returncode == 0 and "tps_live_" in made.stdout, made.stderr


def probe(workload, which):
    return get(program(workload), f"{which} httpGet path")


@pytest.mark.parametrize("workload", [API, WORKER], ids=["api", "worker"])
def test_probes_and_metrics_are_answered(fleet, workload):
    servers, *_ = fleet
    server = servers[program(workload)["args"][0]]
    for which in PROBES:
        assert server.status(probe(workload, which)) == 200, which
    for monitor in kind(PRODUCTION, "ServiceMonitor", "PodMonitor"):
        for endpoint in get(monitor, "spec endpoints", []) + get(monitor, "spec podMetricsEndpoints", []):
            with server.client() as client:
                assert b"tps_" in client.get(endpoint["path"]).body


def test_a_payment_is_accepted_by_one_and_settled_by_the_other(fleet):
    servers, *_ = fleet
    with servers["serve"].client() as client:
        assert pay(client, "u", "10.00", headers=bearer())["status"] == "settled"
    assert servers["serve"].metric("tps_transactions_settled_total") == 0
    assert servers["worker"].metric("tps_transactions_settled_total") >= 1


def test_the_audit_of_the_night_needs_no_more_rights(fleet, folder):
    _, database, _ = fleet
    [audit] = [one for one in workloads(PRODUCTION) if one["kind"] == "CronJob"]
    done = tps(*program(audit)["args"], environment=mounted(audit, folder, database.port))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["finished"]


def test_what_outsiders_see_is_there(fleet):
    servers, *_ = fleet
    paths = [one["path"] for one in get(find(PRODUCTION, "Ingress/tps"), "spec rules 0 http paths")]
    with servers["serve"].client() as client:
        for path in paths:
            expected = 405 if path == "/token" else 200  # POST only
            assert client.get("/users/u/balances" if path == "/users" else path, bearer()).status == expected, path


def test_the_sessions_are_as_many_as_was_reckoned(fleet, folder):
    """The number that relates max_connections to the maximum of instances."""
    _, database, _ = fleet

    def count():
        with database.connect("tps") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tps'")
            return cursor.fetchone()[0]

    for workload in (API, WORKER):
        before = count()
        server = start(workload, folder, database.port)
        command = program(workload)["args"][0]
        if command == "serve":
            with server.client() as client:
                for path in ("/transactions/1", "/transactions", "/users/u/balances"):
                    client.get(path, bearer())
                assert client.get("/transactions/1", {"Authorization": f"Bearer tps_live_{'A' * 43}"}).status == 401
                pay(client, "u", "1.00", headers=bearer())
        wait_until(lambda: count() - before == SESSIONS[command], 10, f"{SESSIONS[command]} sessions of {command}")
        server.stop()
        wait_until(lambda: count() == before, 30, "the end of its sessions")


@pytest.mark.parametrize("page", ["kubernetes.md", "scaling.md"])
def test_the_documentation_reckons_with_as_many(page):
    text = (ROOT / "docs" / page).read_text()
    assert f"an API instance keeps {SESSIONS['serve']}, a worker {SESSIONS['worker']}" in text


def test_the_file_of_the_original_is_a_complete_system(postgres, folder):
    """deployment.yaml alone, on a database owned by its role."""
    alone = find(read("deployment.yaml"), "Deployment/tps-api")
    url = folder / "url"
    url.write_text(postgres.url(postgres.create_database()))
    secret = folder / "jwt-secret"
    secret.write_text(SECRET)
    given = environment([], alone) | {"TPS_DRAIN_DELAY": "0", "TPS_DATABASE_URL_FILE": str(url),
                                      "TPS_JWT_SECRET_FILE": str(secret)}
    server = Tps(folder, environment=given, command=program(alone)["args"][0]).start()
    with server.client() as client:
        assert pay(client, "u", "10.00", headers=bearer())["status"] == "settled"
    server.stop()


@pytest.mark.parametrize("statement", [
    "UPDATE transaction_log SET amount_minor = 1", "DELETE FROM transaction_log", "TRUNCATE settlement_log",
    "ALTER TABLE transaction_log DISABLE TRIGGER ALL", "DROP TRIGGER append_only ON transaction_log",
    "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER TABLE transaction_log OWNER TO tps", "DROP TABLE transaction_log", "SET ROLE tps_owner",
    "CREATE TABLE transactions_of_mine (id bigint)",
])
def test_who_serves_cannot_rewrite_the_logs(fleet, statement):
    """G12: every attempt fails."""
    _, database, _ = fleet
    connection = database.connect("tps", user="tps")
    with connection.cursor() as cursor, pytest.raises((psycopg2.errors.InsufficientPrivilege,
                                                       psycopg2.errors.RestrictViolation)):
        cursor.execute(statement)
    connection.close()


def test_a_database_that_is_away_restarts_nobody(fleet):
    """Liveness stays, readiness fails and recovers. This test is the last, since it cuts off the database."""
    servers, database, proxy = fleet
    port = proxy.port
    proxy.stop()
    for workload in (API, WORKER):
        server = servers[program(workload)["args"][0]]
        wait_until(lambda: server.status(probe(workload, "readinessProbe")) == 503, 30, "not ready")
        assert server.status(probe(workload, "livenessProbe")) == 200
        with server.client() as client:
            assert_problem(client.get(probe(workload, "readinessProbe")), 503, "store_unavailable")
    back = TcpProxy(database.port, port=port)
    for workload in (API, WORKER):
        server = servers[program(workload)["args"][0]]
        wait_until(lambda: server.status(probe(workload, "readinessProbe")) == 200, PATIENCE, "ready again")
    for server in servers.values():
        server.stop()
    back.stop()
