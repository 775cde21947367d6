"""Starting, stopping and operating a server."""
import os
import re
import shlex
import signal
import socket
import threading
import time
import uuid

import pytest
from support.answers import accepted, assert_problem
from support.client import Broken, Connection, request_bytes
from support.database import PostgresDatabase, SqliteDatabase
from support.deployment import deploy
from support.process import free_port, run, wait_until
from support.store import empty_postgres
from support.tcp_proxy import TcpProxy
from support.tokens import SECRET, bearer
from support.tps import BINARY, Tps, tps

GOOD = {"user_id": "u", "amount": 1, "currency": "USD"}


@pytest.fixture
def server(folder):
    one = Tps(folder)
    yield one
    if one.running:
        one.kill()


# ---- starting

def test_an_empty_folder_is_enough(folder):
    """The first start shows the path of the data, the URLs, and a command to try."""
    server = Tps(folder, environment={"TPS_LOG_FORMAT": "human"}).start()
    text = wait_until(lambda: "curl" in server.log() and server.log(), 5)
    assert "tps.db" in text and str(server.port) in text and "/docs" in text
    assert (folder / "tps.db").exists()
    typed = shlex.split(re.search(r"curl [^\n]*", text).group(0))
    assert '"id":1,' in run([*typed, "--silent"]).stdout
    server.stop()


def test_a_restart_keeps_the_data(server):
    with server.start().client() as client:
        first = accepted(client.post("/transactions", GOOD, {"Prefer": "wait=5"}))
    server.stop()
    with server.start().client() as client:
        assert client.get(f"/transactions/{first['id']}").json() == first
        assert accepted(client.post("/transactions", GOOD))["id"] == first["id"] + 1
    server.stop()


def test_what_was_pending_at_the_end_settles_at_the_next_start(folder):
    waiting = Tps(folder, "--no-worker", "--accept-only").start()
    with waiting.client() as client:
        made = accepted(client.post("/transactions", GOOD, {"Prefer": "wait=1"}))
    assert made["status"] == "pending"
    waiting.stop()
    worker = Tps(folder).start()
    with worker.client() as client:
        wait_until(lambda: client.get(f"/transactions/{made['id']}").json()["status"] == "settled")
    worker.stop()


def test_a_server_that_nothing_could_settle_for_is_refused(folder):
    done = tps("serve", "--no-worker", cwd=folder)
    assert done.returncode == 2
    assert "no other process can settle" in done.stderr and "leave out --no-worker" in done.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("url", "words"), [("sqlite:///relative.db", "sqlite:PATH without //"),
                                            ("sqlite://relative.db", "sqlite:PATH without //"),
                                            ("mysql://tps:secret@db/tps", "sqlite:PATH or postgresql://")])
@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "verify"])
def test_a_wrong_database_url_is_wrong_usage(folder, command, url, words):
    done = tps(command, "--database-url", url, cwd=folder)
    assert done.returncode == 2, "a service manager starts anything else again"
    assert words in done.stderr and "secret" not in done.stderr
    assert not list(folder.iterdir())


def test_a_second_server_on_the_same_file_is_refused(folder, server):
    server.start()
    second = Tps(folder).launch()
    code = second.process.wait(10)
    assert code not in (0, -6, -11)
    assert "tps.db" in second.log()
    assert server.status("/readiness") == 200
    server.stop()


def with_open_files(folder, limit):
    """tps under a limit of open files."""
    script = folder / f"tps-{limit}"
    script.write_text(f'#!/bin/sh\nulimit -n {limit}\nexec "{os.path.abspath(BINARY)}" "$@"\n')
    script.chmod(0o755)
    return script


def test_few_open_files_leave_room_for_operators(folder):
    server = Tps(folder, binary=with_open_files(folder, 64)).start()
    held = [server.connect() for _ in range(80)]
    try:
        # Connections that send nothing leave the spare places after a second.
        wait_until(lambda: server.status("/health") == 200, 10, "a place for operators")
        assert server.status("/readiness") == server.status("/health") == 200
        assert "fewer connections than max-connections" in server.log()
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: server.status("/transactions/1") == 404, 10, "room for clients")
    server.stop()
    refused = tps("serve", binary=with_open_files(folder, 63), cwd=folder)
    assert refused.returncode == 2 and "the limit of open files (ulimit -n) is 63; at least 64 are needed" in refused.stderr


def test_a_port_that_is_taken(folder, server):
    with socket.create_server(("127.0.0.1", server.port)):
        code = server.launch().process.wait(10)
    assert code not in (0, -6, -11)
    assert str(server.port) in server.log()


def test_a_schema_from_the_future_is_refused(folder, server):
    server.start().stop()
    SqliteDatabase(folder / "tps.db").execute("UPDATE store SET min_binary = 1000000")
    code = server.launch().process.wait(10)
    assert code not in (0, -6, -11)
    assert "newer" in server.log().lower() or "min_binary" in server.log()


@pytest.mark.parametrize("url, words", [
    ("sqlite:/nowhere/at/all/tps.db", "/nowhere/at/all"),
    ("sqlite:/", "/"),
    ("mysql://localhost/tps", "mysql"),
    ("", "database"),
])
def test_databases_that_cannot_be_used(folder, url, words):
    server = Tps(folder, "--database-url", url).launch()
    assert server.process.wait(10) not in (0, -6, -11), server.log()
    assert words in server.log()


@pytest.mark.parametrize("arguments", [[], ["--migrate"]], ids=["serve", "migrate"])
def test_a_database_that_is_not_up_yet_is_waited_for(folder, postgres, arguments):
    database, port = empty_postgres(postgres), free_port()
    server = Tps(folder, "--database-url", postgres.url(database.name, port), *arguments).launch()
    wait_until(lambda: "waiting for the database" in server.log() or not server.running, 10)
    proxy = TcpProxy(postgres.port, port=port)
    wait_until(server.ready, 20)
    server.stop()
    proxy.stop()


def test_a_server_that_migrates_first_can_be_ended(folder, postgres):
    database = PostgresDatabase(postgres)
    other = postgres.connect(database.name)
    other.cursor().execute("BEGIN; CREATE TABLE store ()")  # the migration waits for the end of this
    server = Tps(folder, "--migrate", "--database-url", database.url).launch()
    wait_until(lambda: "the migration waits" in server.log(), 20)
    server.process.end(signal.SIGTERM, 10)
    assert server.process.wait(0) == 0
    other.close()
    assert tps("migrate", "--database-url", database.url).returncode == 0


def test_waiting_for_the_database_can_be_ended(folder):
    server = Tps(folder, "--database-url", f"postgresql://127.0.0.1:{free_port()}/tps").launch()
    wait_until(lambda: "waiting for the database" in server.log(), 10)
    server.process.end(signal.SIGTERM, 10)


def test_a_file_that_is_no_database(folder, server):
    (folder / "tps.db").write_bytes(b"this is not a database" * 1000)
    code = server.launch().process.wait(10)
    assert code not in (0, -6, -11)
    assert "tps.db" in server.log()


def test_postgres_without_tables_says_what_to_do(folder, postgres):
    server = Tps(folder, "--database-url", postgres.url(postgres.create_database())).launch()
    wait_until(lambda: not server.running or server.status("/readiness") == 503, 10)
    assert "migrate" in wait_until(server.log, 5)
    if server.running:
        with server.client() as client:
            assert_problem(client.post("/transactions", GOOD), 503, "store_unavailable")
        server.stop()


def test_migrate_alone_and_twice(folder, postgres):
    url = postgres.url(postgres.create_database())
    for _ in range(2):
        result = tps("migrate", "--database-url", url)
        assert result.returncode == 0, result.stderr
    server = Tps(folder, "--database-url", url).start()
    with server.client() as client:
        assert accepted(client.post("/transactions", GOOD))["id"] == 1
    server.stop()


def test_two_migrations_at_the_same_time(folder, postgres):
    url = postgres.url(postgres.create_database())
    servers = [Tps(folder, "--database-url", url, "--migrate").launch() for _ in range(3)]
    for server in servers:
        wait_until(server.ready, 20)
    for server in servers:
        server.stop()


# ---- commands

def test_health_command(server):
    assert tps("health", "--listen", f"127.0.0.1:{server.port}").returncode != 0
    server.start()
    assert tps("health", "--listen", f"127.0.0.1:{server.port}").returncode == 0
    server.stop()


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["--version"], ["help"]])
def test_help(arguments):
    result = tps(*arguments)
    assert result.returncode == 0 and result.stdout and not result.stderr


@pytest.mark.parametrize("arguments, word", [
    (["sevre"], "serve"), (["serve", "--lissten", "x"], "--listen"), (["serve", "--listen", "nowhere"], "ADDRESS:PORT"),
    (["serve", "--listen", "127.0.0.1:99999"], "ADDRESS:PORT"), ([], "serve"),
])
def test_mistyped_commands_get_a_hint_and_a_code(folder, arguments, word):
    result = tps(*arguments, cwd=folder, timeout=10)
    assert result.returncode not in (0, -6, -11) or arguments == []
    assert word in result.stderr + result.stdout


# ---- logs

def test_logs_are_json_lines_with_the_request_id(folder):
    # The most talkative level, so that requests are there.
    server = Tps(folder, environment={"TPS_LOG_LEVEL": "debug", "TPS_LOG_FORMAT": "json"}).start()
    with server.client() as client:
        client.get('/nowhere"\\u000a{"level":"error"}', {"X-Request-Id": "find-me"})
    server.stop()
    lines = [line for line in server.log().splitlines() if line.startswith("{")]
    assert lines
    records = server.log_records()
    assert any("find-me" in record.values() for record in records), server.log()
    for record in records:
        assert {"level", "message"} <= set(record) or {"level", "msg"} <= set(record), record


def test_a_trace_that_is_kept_is_in_the_log(folder):
    """If the caller sets the sampled flag, the log has the request at level info; otherwise only if it failed. Unauthenticated
    requests do not fill the log."""
    server = Tps(folder, environment={"TPS_LOG_FORMAT": "json", "TPS_JWT_SECRET": SECRET}).start()
    with server.client() as client:
        for number, (path, flags, headers, status) in enumerate((
                ("/transactions", "01", bearer(), 200), ("/transactions", "00", bearer(), 200), ("/transactions", "01", {}, 401),
                ("/health", "01", bearer(), 200), ("/token", "01", {}, 405), ("/nowhere", "01", bearer(), 404)), 1):
            answer = client.get(path, headers | {"traceparent": f"00-{str(number) * 32}-00f067aa0ba902b7-{flags}"})
            assert answer.status == status
        client.get("/transactions", bearer())
    server.stop()
    requests = [record for record in server.log_records() if record["message"] == "request"]
    assert [record["trace_id"] for record in requests] == ["1" * 32]


def test_a_trace_is_carried_into_the_log_and_the_answer(folder):
    server = Tps(folder, environment={"TPS_LOG_LEVEL": "debug", "TPS_LOG_FORMAT": "json"}).start()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with server.client() as client:
        answer = client.get("/nowhere", {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        own = answer.headers["traceparent"]
        assert own.startswith(f"00-{trace}-") and own.endswith("-01") and "00f067aa0ba902b7" not in own
        assert "traceparent" not in client.get("/nowhere").headers
        assert "traceparent" not in client.get("/nowhere", {"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}).headers
    server.stop()
    requests = [record for record in server.log_records() if record["message"] == "request"]
    assert [record for record in requests if record.get("trace_id") == trace and record["span_id"] == own.split("-")[2]]
    assert [record for record in requests if "trace_id" not in record]


def test_secrets_are_in_no_log(folder, postgres):
    url = postgres.url(postgres.create_database()).replace("user@", "user:very-secret-word@")
    server = Tps(folder, "--database-url", url, "--migrate", environment={"TPS_LOG_LEVEL": "debug"}).start()
    server.stop()
    assert "very-secret-word" not in server.log()


# ---- stopping

def test_sighup_is_harmless(server):
    server.start()
    with server.client() as client:
        for _ in range(5):
            server.process.send(signal.SIGHUP)
            accepted(client.post("/transactions", GOOD))
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(server, number):
    server.start()
    with server.client() as client:
        client.get("/health")  # and an idle keep-alive connection does not keep it
        started = time.monotonic()
        assert server.process.end(number) == 0
    assert time.monotonic() - started < 10


def test_draining(folder):
    """Readiness fails first. The server then finishes requests in progress, answers waiting ones, and ends with exit code 0."""
    server = Tps(folder, "--no-worker", "--accept-only", environment={"TPS_DRAIN_DELAY": "700"}).start()
    waiting, half, probe = (Connection(server.port) for _ in range(3))
    try:
        waiting.send(request_bytes("POST", "/transactions", GOOD, {"Prefer": "wait=25"}))
        data = request_bytes("POST", "/transactions", GOOD)
        half.send(data[:-5])
        assert probe.send(request_bytes("GET", "/readiness")).read().status == 200
        started = time.monotonic()
        server.process.send(signal.SIGTERM)
        statuses = []

        def not_ready():
            statuses.append(probe.send(request_bytes("GET", "/readiness")).read().status)
            return statuses[-1] == 503
        wait_until(not_ready, 5)
        answer = waiting.read()
        assert accepted(answer)["status"] == "pending"
        accepted(half.send(data[-5:]).read())
        assert half.ended(10), "keep-alive connections are closed after their answer"
        assert server.process.wait(30) == 0
        assert time.monotonic() - started < 20
    finally:
        for connection in (waiting, half, probe):
            connection.close()


def test_a_client_that_never_finishes_does_not_keep_it(folder):
    server = Tps(folder, environment={"TPS_DRAIN_TIMEOUT": "1000"}).start()
    with Connection(server.port) as half:
        half.send(request_bytes("POST", "/transactions", GOOD)[:-5])
        assert server.process.end(signal.SIGTERM, 10) == 0


def test_draining_under_load_loses_nothing(folder, request):
    """Every request gets an answer, or its connection ends before the server reads it. Retries show which (G2, G8)."""
    with deploy("sqlite") as running:
        keys, acknowledged = [], []

        def work():
            with running.client(timeout=35) as client:
                while True:
                    key = uuid.uuid4().hex
                    try:
                        answer = client.post("/transactions", GOOD, {"Idempotency-Key": key})
                    except Broken:
                        keys.append(key)
                        return
                    if answer.status != 201:
                        assert_problem(answer, 503, "draining")
                        return
                    acknowledged.append(answer.json()["id"])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(acknowledged) > 500, 30)
        running.first.stop()
        for thread in threads:
            thread.join(40)
        stored = running.database.rows("SELECT id FROM transaction_log ORDER BY id")
        assert {one for (one,) in stored} >= set(acknowledged)
        assert len(stored) <= len(acknowledged) + len(keys)


def test_the_data_folder_is_private(folder, server):
    server.start()
    assert os.stat(folder / "tps.db").st_mode & 0o007 == 0, "others can read the database"
    server.stop()
