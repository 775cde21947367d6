"""TLS to the stores: Redis and PostgreSQL must show a certificate of the right authority, for the right name."""
import shutil

import pytest
from support.answers import pay
from support.certificates import authority, issue
from support.process import wait_until
from support.servers import OWNER, Postgres, Redis, temporary_folder
from support.tps import tps

# Without the cache of the process, every read of a transaction asks Redis.
NO_LOCAL_CACHE = ("--local-cache", "0")
USER = ("--user", "tps", "on", ">mine", "~tps:*", "-@all", "+mget", "+set")


@pytest.fixture(scope="module")
def files():
    path = temporary_folder("certificates")
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def by(files):
    return authority(files)


@pytest.fixture(scope="module")
def stranger(files):
    return authority(files, "stranger")


@pytest.fixture(scope="module")
def good(by, files):
    """A Redis that is certified as it should be, with a user that may do what the cache needs."""
    server = Redis(issue(by, files, "redis"), ("--requirepass", "root", *USER))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def elsewhere(by, files):
    """The right authority, but for another host."""
    server = Redis(issue(by, files, "elsewhere", "DNS:redis.example"))
    yield server
    server.stop()


def settled(server):
    """A transaction whose final form has been read twice."""
    with server.client() as client:
        made = pay(client, "u", "10.00")
        for _ in range(2):
            assert client.get(f"/transactions/{made['id']}").json() == made
        return made


def hits(server):
    return server.metric('tps_cache_operations_total{cache="redis",outcome="hit"')


def test_redis_with_acl_user_over_tls(launch, by, good):
    server = launch("--redis-url", f"rediss://tps:mine@localhost:{good.tls_port}/0", "--redis-ca-file", by.path,
                    *NO_LOCAL_CACHE).wait_ready()
    wait_until(lambda: settled(server) and hits(server) > 0, 20, "a hit")
    server.stop()


def complaint_about(launch, *options):
    """The one log line about Redis, which no client notices to be unreachable."""
    server = launch(*options, *NO_LOCAL_CACHE).wait_ready()
    wait_until(lambda: settled(server) and "redis circuit opened" in server.log(), 20, "the circuit of Redis to open")
    for _ in range(50):
        settled(server)
    assert hits(server) == 0
    [told] = [one for one in server.log_records() if one["level"] in ("warn", "error")]
    server.stop()
    return told["detail"]


@pytest.mark.parametrize("which, host, believed, words", [
    ("good", "localhost", "stranger", "unable to get local issuer certificate"),
    ("good", "localhost", None, "unable to get local issuer certificate"),
    ("elsewhere", "localhost", "by", "hostname mismatch"),
    ("elsewhere", "127.0.0.1", "by", "IP address mismatch"),
])
def test_a_redis_without_a_valid_certificate_is_not_used(launch, request, which, host, believed, words):
    """The budget of a look-up is 20 ms, so on a busy machine the first complaint is sometimes about time."""
    port = request.getfixturevalue(which).tls_port
    options = ["--redis-ca-file", request.getfixturevalue(believed).path] if believed else []
    url = f"rediss://tps:mine@{host}:{port}"
    wait_until(lambda: words in complaint_about(launch, "--redis-url", url, *options), 60, words)


def test_authorities_that_cannot_be_read_are_refused_at_the_start(folder):
    result = tps("serve", "--redis-url", "rediss://localhost", "--redis-ca-file", "/nowhere.crt", cwd=folder, timeout=10)
    assert result.returncode == 2
    assert "redis-ca-file: /nowhere.crt" in result.stderr and "No such file" in result.stderr


# ---- PostgreSQL, by libpq's own words in its URL

@pytest.fixture(scope="module")
def database(by, files):
    """A certificate for localhost, without an IP address."""
    mine = issue(by, files, "postgres", "DNS:localhost").give_to("postgres")
    mine.key.chmod(0o600)
    server = Postgres(settings=["ssl=on", f"ssl_cert_file={mine.path}", f"ssl_key_file={mine.key}"])
    yield server
    server.stop()


def verified(database, name, host, ca_file):
    return f"postgresql://{OWNER}@{host}:{database.port}/{name}?sslmode=verify-full&sslrootcert={ca_file}"


def test_postgres_is_verified_in_full(launch, by, database):
    url = verified(database, database.create_database(), "localhost", by.path)
    server = launch("--database-url", url, "--migrate").wait_ready()
    assert settled(server)["status"] == "settled"
    with database.connect("postgres") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_activity "
                       f"JOIN pg_stat_ssl USING (pid) WHERE usename = '{OWNER}'")
        sessions, encrypted = cursor.fetchone()
    assert sessions == encrypted > 0
    server.stop()


@pytest.mark.parametrize("host, believed, words", [
    ("localhost", "stranger", "certificate verify failed"),
    ("127.0.0.1", "by", 'does not match host name "127.0.0.1"'),
    ("localhost", None, 'root certificate file "/nowhere.crt" does not exist'),
])
def test_a_postgres_that_is_not_certified_is_refused(launch, request, database, host, believed, words):
    ca_file = request.getfixturevalue(believed).path if believed else "/nowhere.crt"
    url = verified(database, database.create_database(), host, ca_file)
    server = launch("--database-url", url, "--migrate")
    wait_until(lambda: [one for one in server.log_records() if words in one["detail"]], 20, words)
    assert server.status("/health") is None
    server.process.end()
