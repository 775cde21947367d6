"""Every place that can have a secret gets one of its own. None of them appears in logs, answers or process listings."""
import json
import pathlib
import subprocess

import pytest
from support.client import Connection, request_bytes
from support.database import PostgresDatabase
from support.process import wait_until
from support.servers import OWNER, Redis
from support.store import STORES
from support.tokens import bearer, user_line
from support.tps import Tps, tps


def canary(name):
    return f"canary-{name}-7d1f0c9b2a4e8f65c3d0b7a6"


NAMES = ("database", "redis", "jwt", "previous", "password", "wrong-password", "token", "key", "cookie", "idempotency", "body")
CANARIES = {name: canary(name) for name in NAMES}


def database_url(store, folder, request):
    if store == "sqlite":
        return f"sqlite:{folder}/tps.db"  # has no secret
    database = PostgresDatabase(request.getfixturevalue("postgres"))
    database.execute(f"ALTER ROLE \"{OWNER}\" PASSWORD '{CANARIES['database']}'")
    return database.url.replace("@", f":{CANARIES['database']}@")


@pytest.fixture(scope="module", params=[(store, way) for store in STORES for way in ("files", "variables", "flags")],
                ids=lambda one: "-".join(one))
def server(request, tmp_path_factory):
    """A server with four secrets, given in one of three ways, at log level debug."""
    store, way = request.param
    folder = tmp_path_factory.mktemp("leaks")
    redis = Redis()
    secrets = {"database-url": database_url(store, folder, request),
               "redis-url": redis.url.replace("redis://", f"redis://:{CANARIES['redis']}@"),
               "jwt-secret": CANARIES["jwt"], "jwt-previous-secret": CANARIES["previous"]}
    (folder / "users").write_text(user_line("alice", CANARIES["password"], "admin"))
    arguments, environment = ["--users-file", folder / "users", "--migrate", "--log-level", "debug"], {}
    for name, secret in secrets.items():
        variable = "TPS_" + name.upper().replace("-", "_")
        if way == "files":
            (folder / name).write_text(secret + "\n")
            environment[variable + "_FILE"] = str(folder / name)
        elif way == "variables":
            environment[variable] = secret
        else:
            arguments += [f"--{name}={secret}"] if name == "redis-url" else [f"--{name}", secret]
    running = Tps(folder, *arguments, environment=environment).start()
    running.database = secrets["database-url"]
    yield running
    running.stop()
    redis.stop()


def ask(server):
    """All answers to a client that sends its secrets in every place, many of them wrong."""
    secrets = CANARIES
    headers = [bearer(secret=secrets["jwt"]), bearer(secret=secrets["previous"]), {"Authorization": f"Bearer {secrets['token']}"},
               {"Authorization": f"Basic {secrets['token']}"}, {"Authorization": f"Bearer tps_live_{secrets['key']:A<43.43}"},
               {"Cookie": secrets["cookie"]}, {"Idempotency-Key": f"{secrets['idempotency']} \x01"}]
    bodies = [{"user_id": "u", "amount": 1, "currency": "USD"}, {"user_id": "u", "amount": secrets["body"], "currency": "USD"},
              f'{{"user_id": "{secrets["body"]}'.encode()]
    requests = [("GET", path, None, one) for path in ("/transactions/1", "/transactions", "/nowhere", "/metrics") for one in headers]
    requests += [("POST", "/transactions", body, one) for body in bodies for one in headers]
    for password in ("password", "wrong-password"):
        form = f"username=alice&password={secrets[password]}&client_secret={secrets['token']}".encode()
        requests.append(("POST", "/token", form, {"Content-Type": "application/x-www-form-urlencoded"}))
    requests.append(("POST", "/token", f"username={secrets['password']}&password=x".encode(),
                     {"Content-Type": "application/x-www-form-urlencoded"}))
    answers = []
    for one in requests:
        with Connection(server.port) as connection:
            answer = connection.send(request_bytes(*one)).read()
            answers.append(f"{one[1]} {answer.status} {answer.headers} {answer.body.decode()}")
    return answers


def granted(server):
    """A token and an API key that the server issued and accepted."""
    form = f"username=alice&password={CANARIES['password']}".encode()
    with server.client() as client:
        token = client.post("/token", form, {"Content-Type": "application/x-www-form-urlencoded"}).json()["access_token"]
        made = tps("keys", "create", "--json", "--subject", "shop", "--scopes", "transactions:read",
                   environment={"TPS_DATABASE_URL": server.database}, cwd=server.folder)
        key = json.loads(made.stdout)["key"]
        for credential in (token, key):
            assert client.get("/transactions/999", {"Authorization": f"Bearer {credential}"}).status == 404
    return {"granted token": token, "API key": key}


def test_nothing_leaks(server):
    made = granted(server)
    answers = ask(server)
    assert any("/token 200" in one for one in answers) and any("/token 401" in one for one in answers)
    with server.client() as client:
        client.get("/health", {"X-Request-Id": "the-last-request"})
    wait_until(lambda: "the-last-request" in server.log(), 10, "the log")
    assert "credential refused" in server.log()
    process = pathlib.Path(f"/proc/{server.process.child.pid}")
    seen = {"log": server.log(), "answers": "\n".join(answers),
            "command line": (process / "cmdline").read_bytes().decode(errors="replace"),
            "environment": (process / "environ").read_bytes().decode(errors="replace"),
            "ps": subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout}
    secrets = CANARIES | made
    leaks = {(place, name) for place, text in seen.items() for name, secret in secrets.items() if secret in text}
    leaks.discard(("answers", "granted token"))  # two logins of a user within one second give the same token
    assert not leaks, "\n".join(line for place, name in leaks for line in seen[place].splitlines() if secrets[name] in line)


def test_config_shows_no_secret(folder):
    (folder / "tps.toml").write_text("".join(
        f'{name} = "{CANARIES[which]}"\n' for name, which in (("jwt-secret", "jwt"), ("jwt-previous-secret", "previous"))))
    for arguments in ((), ("--json",)):
        shown = tps("config", "--config", folder / "tps.toml", "--database-url", f"postgresql://u:{CANARIES['database']}@h/d",
                    "--redis-url", f"redis://u:{CANARIES['redis']}@h", *arguments)
        assert shown.returncode == 0 and "***" in shown.stdout
        assert "canary" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("arguments", [("--jwt-secret", "canary-short"), ("--database-url", "postgresql://u:canary@[bad/d"),
                                       ("--redis-url", "redis://u:canary@h:port"), ("--jwt-secrets", "canary"), ("--jwt-secrets=canary",),
                                       ("--databse-url=postgresql://u:canary@h/d",), ("postgresql://u:canary@h/d",)])
def test_errors_at_start_quote_no_secret(folder, arguments):
    refused = tps("serve", "--database-url", f"sqlite:{folder}/tps.db", *arguments)
    assert refused.returncode in (1, 2)
    assert "canary" not in refused.stdout + refused.stderr


@pytest.mark.parametrize("nasty", ["a\r\nb", "a\x1b[31mb", "a\u2028b", "a\u0085b", 'a"},{"x":"'])
def test_clients_cannot_forge_log_lines(folder, nasty):
    """Text from clients cannot end a log line, colour it, or begin another."""
    server = Tps(folder, "--log-level", "debug", "--users-file", folder / "users", "--jwt-secret", CANARIES["jwt"])
    (folder / "users").write_text(user_line("alice", "correct horse", "admin"))
    server.start()
    name = "".join(f"%{byte:02X}" for byte in nasty.encode())
    try:
        with server.client() as client:
            client.get(f"/users/{name}/balances", bearer(subject="shop", secret=CANARIES["jwt"]))
            client.get("/transactions/1", bearer(secret=CANARIES["jwt"]) | {"X-Request-Id": "a\x1b[31mb"})
            client.post("/token", f"username={name}&password=x".encode(), {"Content-Type": "application/x-www-form-urlencoded"})
            client.post("/transactions", {"user_id": nasty, "amount": 1, "currency": "USD"}, bearer(secret=CANARIES["jwt"]))
    finally:
        server.stop()
    log = server.log()
    assert len(server.log_records()) == len(log.splitlines())
    assert not set(log) & {"\x1b", "\r", "\u2028", "\u0085"}
