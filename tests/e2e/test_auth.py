"""Authentication: passwords, tokens, API keys, and the settings that are refused at start (docs/security.md)."""
import contextlib
import json
import threading
import time

import pytest
from support.client import Connection, request_bytes
from support.deployment import deploy
from support.process import free_port, run, wait_until
from support.rsa_keys import RsaKey
from support.store import STORES, empty_store
from support.tokens import SECRET, bearer, user_line
from support.tps import Tps, tps

DEPOSIT = {"user_id": "user_11", "amount": 12.75, "currency": "USD"}


@pytest.fixture
def serve(folder):
    """Starts servers in the folder and stops all of them."""
    started = []

    def start(*arguments, **options):
        started.append(Tps(folder, *arguments, **options).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(params=STORES)
def serve_on(request, serve, folder):
    """The same, on an empty database of each store."""
    database = empty_store(request.param, folder, request)

    def start(*arguments, **options):
        server = serve("--database-url", database.url, *arguments, **options)
        server.database = database
        return server
    return start


def status(server, path="/transactions/1", headers=None, method="GET", body=None):
    with server.client() as client:
        return client.request(method, path, body, headers).status


def test_the_login_of_the_original_with_curl(serve_on, folder):
    (folder / "users").write_text(user_line("alice", "correct horse", "transactions:read,transactions:write"))
    (folder / "secret").write_text(SECRET + "\n")
    server = serve_on("--users-file", folder / "users", environment={"TPS_JWT_SECRET_FILE": str(folder / "secret")})

    def curl(*arguments):
        return json.loads(run(["curl", "--silent", "--show-error", *arguments]).stdout)

    assert curl(f"{server.url}/transactions/1")["status"] == 401
    granted = curl(f"{server.url}/token", "--data-urlencode", "username=alice", "--data-urlencode", "password=correct horse")
    assert (granted["token_type"], granted["expires_in"]) == ("bearer", 900)
    assert granted["scope"] == "transactions:read transactions:write"
    login = ["--header", f"Authorization: Bearer {granted['access_token']}"]
    created = curl(f"{server.url}/transactions", *login, "--json", json.dumps(DEPOSIT))
    assert created["id"] == 1
    assert curl(f"{server.url}/transactions/1", *login)["user_id"] == "user_11"
    assert curl(f"{server.url}/users/user_11/balances", *login)["status"] == 403

    wrong = curl(f"{server.url}/token", "--data", "username=alice&password=wrong")
    assert wrong["detail"] == "Incorrect username or password"
    assert server.metric('tps_logins_total{outcome="refused"') == 1
    server.stop()
    assert [one["user"] for one in server.log_records() if one["message"] == "login failed"] == ["alice"]


def test_the_log_names_the_caller(serve_on):
    server = serve_on("--jwt-secret", SECRET)
    assert status(server, "/transactions", bearer(subject="till 4"), "POST", DEPOSIT) == 201
    update = "/users/user_11/accounts/USD"
    assert status(server, update, bearer("accounts:write", subject="boss"), "PUT", {"frozen": True}) == 200
    server.stop()
    assert [row[0] for row in server.database.rows("SELECT created_by FROM transaction_log ORDER BY id")] == ["till 4", "boss"]


@pytest.mark.parametrize("listen", ["0.0.0.0", "[::]"])
def test_non_loopback_addresses_need_authentication(folder, listen):
    refused = tps("serve", "--listen", f"{listen}:{free_port()}", "--database-url", f"sqlite:{folder}/tps.db")
    assert refused.returncode == 2
    assert "authentication is off" in refused.stderr and "--insecure-no-auth" in refused.stderr
    assert not (folder / "tps.db").exists()


def test_insecure_no_auth_allows_non_loopback_addresses(serve):
    server = serve("--insecure-no-auth", address="0.0.0.0")
    server.stop()
    assert any("insecure-no-auth" in one["message"] for one in server.log_records() if one["level"] == "warn")


@pytest.mark.parametrize("arguments", [("--jwt-secret", "secret"), ("--jwt-secret", "a" * 64),
                                       ("--jwt-secret", "your-secret-key-change-in-production"),
                                       ("--jwt-keys", "/nonexistent"), ("--users-file", "/nonexistent"),
                                       ("--jwt-secret", SECRET, "--users-file", "/nonexistent")])
def test_bad_configurations_are_refused(folder, arguments):
    refused = tps("serve", "--listen", "127.0.0.1:0", "--database-url", f"sqlite:{folder}/tps.db", *arguments)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"tps: {arguments[-2][2:]}: "), refused.stderr
    assert "secret" not in refused.stderr.replace("jwt-secret", "").replace("a secret", "").replace("this secret", "")


@pytest.mark.parametrize("name", ["TPS_JWT_SECRET", "TPS_JWT_PREVIOUS_SECRET", "TPS_JWT_ISSUER", "TPS_JWT_KEYS"])
def test_an_empty_setting_does_not_switch_authentication_off(folder, name):
    refused = tps("serve", "--listen", "127.0.0.1:0", "--database-url", f"sqlite:{folder}/tps.db", environment={name: ""})
    assert refused.returncode == 2 and "is given, but empty" in refused.stderr, refused.stderr


@pytest.mark.parametrize("option, value", [("--jwt-previous-secret", SECRET), ("--jwt-issuer", "i"), ("--jwt-audience", "a")])
def test_each_of_the_settings_switches_authentication_on(serve, option, value):
    assert status(serve(option, value)) == 401


def test_rotating_the_secret_refuses_no_caller(serve_on):
    new = "the secret of the next quarter, of 32 bytes"
    server = serve_on("--jwt-secret", new, "--jwt-previous-secret", SECRET)
    assert status(server, headers=bearer(secret=SECRET)) == 404
    assert status(server, headers=bearer(secret=new)) == 404
    assert status(server, headers=bearer(secret=SECRET[::-1])) == 401


def test_keys_of_an_issuer_are_rotated_while_it_runs(serve_on, folder):
    old, new = RsaKey(folder, "old"), RsaKey(folder, "new")
    keys = folder / "keys.pem"
    keys.write_text(old.public.read_text())
    server = serve_on("--jwt-keys", keys)
    wait_until(lambda: "jwt-audience is not set" in server.log(), 10, "a warning")
    by_old, by_new = old.bearer(), new.bearer()
    assert status(server, headers=by_old) == 404
    assert status(server, headers=by_new) == 401

    def replace(text):
        beside = folder / "beside"
        beside.write_text(text)
        beside.rename(keys)

    replace(old.public.read_text() + new.public.read_text())
    wait_until(lambda: status(server, headers=by_new) == 404, 10, "the new key")
    assert status(server, headers=by_old) == 404
    replace("nonsense")
    wait_until(lambda: "cannot be read again" in server.log(), 10, "a complaint")
    assert status(server, headers=by_old) == 404
    replace(new.public.read_text())
    wait_until(lambda: status(server, headers=by_old) == 401, 10, "the end of the old key")
    assert status(server, headers=by_new) == 404


def test_rates_are_limited(serve_on):
    server = serve_on("--jwt-secret", SECRET, "--rate-limit", 1)
    with server.client() as client:
        answers = [client.get("/transactions/1", bearer(subject="eager")) for _ in range(11)]
        assert [one.status for one in answers[:10]] == [404] * 10
        assert answers[10].status == 429
        assert int(answers[10].headers["retry-after"]) >= 1
        assert answers[0].headers["ratelimit-policy"] == '"principal";q=10;w=10'
        assert client.get("/transactions/1", bearer(subject="calm")).status == 404
    assert server.metric("tps_http_requests_limited_total") == 1


def test_the_database_files_are_private(serve, folder):
    serve()
    for path in folder.glob("tps.db*"):
        assert path.stat().st_mode & 0o077 == 0, path


def log_in(server, password, headers=None, name="alice"):
    form = f"username={name}&password={password}".encode()
    with server.client() as client:
        return client.post("/token", form, {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {})).status


@pytest.fixture
def with_login(serve, folder):
    (folder / "users").write_text(user_line("alice", "correct-horse", "admin"))
    return lambda *arguments: serve("--jwt-secret", SECRET, "--users-file", folder / "users", *arguments)


def test_simultaneous_guesses_are_limited_like_others(with_login):
    server = with_login()
    answers = []
    guesses = [threading.Thread(target=lambda: answers.append(log_in(server, "wrong"))) for _ in range(16)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert answers.count(401) == 5 and answers.count(429) == 11, answers
    assert log_in(server, "correct-horse") == 429
    assert server.metric('tps_logins_total{outcome="throttled"') == 12


def test_a_trusted_proxy_gives_the_address_of_a_guess(with_login):
    server = with_login("--trusted-proxies", "127.0.0.0/8")
    for _ in range(5):
        assert log_in(server, "wrong", {"X-Forwarded-For": "198.51.100.1, 192.0.2.1"}) == 401
    assert log_in(server, "correct-horse", {"X-Forwarded-For": "198.51.100.2, 192.0.2.1"}) == 429
    assert log_in(server, "correct-horse", {"X-Forwarded-For": "198.51.100.1, 192.0.2.2"}) == 200
    server.stop()
    assert {one["remote"] for one in server.log_records() if one["message"] == "login failed"} == {"192.0.2.1"}


def test_other_clients_cannot_give_the_address_of_a_guess(with_login):
    server = with_login()
    for number in range(5):
        assert log_in(server, "wrong", {"X-Forwarded-For": f"192.0.2.{number}"}) == 401
    assert log_in(server, "correct-horse", {"X-Forwarded-For": "192.0.2.9"}) == 429


def test_a_large_body_without_credentials_is_refused_unread(serve):
    server = serve("--jwt-secret", SECRET)
    size = {"Content-Length": str(10_000_000), "Content-Type": "application/json"}
    chunked = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    for headers in (size, chunked, size | {"Expect": "100-continue"}):
        with Connection(server.port) as connection:
            assert connection.send(request_bytes("POST", "/transactions/batch", headers=headers)).read().status == 401
        with Connection(server.port) as connection:
            head = request_bytes("POST", "/transactions/batch", headers=headers | bearer("transactions:read"))
            assert connection.send(head).read().status == 403


def test_large_bodies_are_requests_of_their_address_too(serve):
    server = serve("--jwt-secret", SECRET, "--address-rate-limit", 1)
    headers = {"Content-Length": str(10_000_000), "Content-Type": "application/json"}
    answers = []
    for _ in range(11):
        with Connection(server.port) as connection:
            answers.append(connection.send(request_bytes("POST", "/transactions/batch", headers=headers)).read().status)
    assert answers == [401] * 10 + [429]


def test_connections_per_client_are_limited(serve):
    server = serve("--connections-per-client", 3)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(3)]
        assert [one.get("/transactions/1").status for one in clients] == [404] * 3
        assert status(server) == 503
        assert status(server, "/health") == 200
    wait_until(lambda: status(server) == 404, 10, "their end")
    trusting = serve("--connections-per-client", 1, "--trusted-proxies", "127.0.0.1", "--database-url", "sqlite:other.db")
    with trusting.client() as first, trusting.client() as second:
        assert first.get("/transactions/1").status == second.get("/transactions/1").status == 404


def test_silent_connections_of_one_client_leave_room_for_others(serve):
    """A silent connection may be about to request /health. The server has a few spare connections for that, and no more."""
    server = serve("--connections-per-client", 2, "--max-connections", 20)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(Connection(server.port))
        for _ in range(10):
            with Connection(server.port, address="127.0.0.2") as other:
                assert other.send(request_bytes("GET", "/transactions/1")).read().status == 404


def test_pages_of_other_sites_in_a_local_browser_are_refused(serve):
    """A server without authentication listens on loopback only. Pages of other sites in a local browser must not reach it."""
    server = serve()
    post = "POST", "/transactions", DEPOSIT

    def answer(**headers):
        host = headers.pop("host", "localhost")
        request = request_bytes(*post, {name.replace("_", "-"): value for name, value in headers.items()})
        with Connection(server.port) as connection:
            return connection.send(request.replace(b"Host: localhost", f"Host: {host}".encode())).read().status

    assert answer(host=f"evil.example:{server.port}") == answer(host="localhost.evil.example") == 403
    assert answer(Sec_Fetch_Site="cross-site") == answer(Sec_Fetch_Site="same-site") == 403
    for host in ("0.0.0.0:8000", "[::]:8000", "[::ffff:0.0.0.0]", "0", "0x0", ""):
        assert answer(host=host) == 403, host
    for origin in ("http://evil.example", "null", "http://localhost.evil.example", "http://localhost:1", "localhost"):
        assert answer(Origin=origin) == 403, origin
    for host in (f"localhost:{server.port}", "127.0.0.1:8000", "[::1]:8000", "tps.localhost", "LOCALHOST.", "tps:8000"):
        assert answer(host=host) == answer(host=host, Origin=f"http://{host}") == 201, host
    assert answer(Sec_Fetch_Site="same-origin") == answer(Sec_Fetch_Site="none") == 201
    absolute = request_bytes(*post).replace(b"POST /", b"POST http://evil.example/")
    with Connection(server.port) as connection:
        assert connection.send(absolute).read().status == 403
    server.stop()

    # A proxy may have changed the Host. Without a word of the browser, the origin must be the host.
    server = serve("--insecure-no-auth")
    assert answer(host="pay.example") == answer(host="a", Origin="https://pay.example", Sec_Fetch_Site="same-origin") == 201
    assert answer(host="pay.example", Origin="https://pay.example") == 201
    assert answer(Sec_Fetch_Site="cross-site") == answer(Origin="http://evil.example") == answer(Origin="null") == 403
    server.stop()
    asking = serve("--jwt-secret", SECRET)
    with asking.client() as client:
        assert client.get("/transactions/1", bearer() | {"Sec-Fetch-Site": "cross-site"}).status == 200


def create_key(url, *arguments):
    made = tps("keys", "create", "--database-url", url, "--json", *arguments)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@pytest.fixture(scope="module")
def pair(postgres, redis):
    with deploy("pair", postgres, redis, arguments=("--auth",)) as running:
        yield running


def test_rotating_an_api_key_pays_once(pair):
    keys = [create_key(pair.database.url, "--subject", "billing", "--scopes", "transactions:write") for _ in range(2)]
    with pair.client() as client:
        answers = [client.post("/transactions", DEPOSIT, {"Authorization": f"Bearer {one['key']}", "Idempotency-Key": "april"})
                   for one in keys for _ in pair.instances]
    assert {one.status for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1


def test_a_revoked_key_is_refused_everywhere_within_a_second(pair):
    made = create_key(pair.database.url, "--subject", "shop", "--scopes", "transactions:read")
    headers = {"Authorization": f"Bearer {made['key']}"}
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(one.client()) for one in pair.instances]
        for client in clients:
            assert client.get("/transactions/999999", headers).status == 404
        assert tps("keys", "revoke", made["id"], "--database-url", pair.database.url).returncode == 0
        revoked = time.monotonic()
        while {one.get("/transactions/999999", headers).status for one in clients} != {401}:
            assert time.monotonic() - revoked < 1
