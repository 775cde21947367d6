"""HTTP/1.1 as it is on the wire: what must work, what must be refused, and what must end in time (G5, G9)."""
import socket
import threading
import time

import pytest
from support import certificates
from support.answers import accepted, assert_problem
from support.client import Broken, Connection, request_bytes
from support.deployment import deploy
from support.process import wait_until
from support.tps import Tps

GOOD = b'{"user_id":"u","amount":1,"currency":"USD"}'


@pytest.fixture(scope="module", params=["http", "https"])
def scheme(request):
    with certificates.scheme(request.param) as options:
        yield options


@pytest.fixture(scope="module")
def server(scheme):
    with deploy("sqlite", **scheme) as running:
        yield running.first


@pytest.fixture
def connection(server):
    with server.connect() as one:
        yield one


@pytest.fixture(autouse=True)
def unharmed(server):
    yield
    assert server.status("/readiness") == 200


def raw(*lines, body=b""):
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\r\n\r\n" + body


def get(path, *headers):
    return raw(f"GET {path} HTTP/1.1", "Host: x", *headers)


def post(number):
    return request_bytes("POST", "/transactions",
                         f'{{"user_id":"pipelined","amount":{number},"currency":"JPY"}}'.encode())


# ---- what must work

def test_many_requests_on_one_connection(connection):
    for _ in range(100):
        answer = connection.send(get("/health")).read()
        assert answer.status == 200 and answer.headers.get("connection", "keep-alive").lower() != "close"


def test_pipelined_requests_are_answered_in_order(connection):
    paths = ["/health", "/transactions/999999", "/nowhere", "/readiness", "/transactions?limit=1"] * 10
    connection.send(b"".join(get(path) for path in paths))
    assert [connection.read().status for _ in paths] == [200, 404, 404, 200, 200] * 10


def test_pipelined_posts_are_submitted_in_order(connection):
    connection.send(b"".join(post(number) for number in range(1, 101)))
    made = [accepted(connection.read()) for _ in range(100)]
    assert [one["amount"] for one in made] == list(range(1, 101))
    ids = [one["id"] for one in made]
    assert ids == sorted(ids)


def test_a_pipelined_get_sees_the_post_before_it(connection):
    connection.send(post(7))
    id_ = accepted(connection.read())["id"]
    connection.send(post(8) + get(f"/transactions/{id_ + 1}"))
    assert accepted(connection.read())["id"] == id_ + 1
    assert connection.read().json()["id"] == id_ + 1


def test_bytes_may_come_one_by_one(connection):
    for byte in request_bytes("POST", "/transactions", GOOD):
        connection.send(bytes([byte]))
    accepted(connection.read())


def test_chunked_bodies(connection):
    head = raw("POST /transactions HTTP/1.1", "Host: x", "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (GOOD[:7], GOOD[7:])) + b"0\r\n\r\n"
    accepted(connection.send(head + chunks).read())
    assert connection.send(get("/health")).read().status == 200


def test_expect_continue(connection):
    head = raw("POST /transactions HTTP/1.1", "Host: x", "Content-Type: application/json",
               f"Content-Length: {len(GOOD)}", "Expect: 100-continue")
    connection.send(head)
    assert connection._until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
    accepted(connection.send(GOOD).read())


def test_other_expectations_are_refused(connection):
    assert_problem(connection.send(get("/health", "Expect: the-unexpected")).read(), 417, "expectation_failed")


def test_connection_close_is_obeyed(connection):
    answer = connection.send(get("/health", "Connection: close")).read()
    assert answer.status == 200 and answer.headers["connection"].lower() == "close"
    assert connection.ended(5)


def test_http_1_0(connection):
    assert connection.send(raw("GET /health HTTP/1.0")).read().status == 200
    assert connection.ended(5)


def test_content_type_parameters_and_case(connection):
    for kind in ("application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"'):
        accepted(connection.send(request_bytes("POST", "/transactions", GOOD, {"Content-Type": kind})).read())


@pytest.mark.parametrize("path", ["/health", "/readiness", "/metrics", "/openapi.json", "/docs", "/redoc",
                                  "/transactions", "/transactions/1", "/users/u/balances", "/nowhere"])
def test_head_is_get_without_the_body(connection, path):
    connection.send(request_bytes("POST", "/transactions", GOOD)).read()
    head = connection.send(raw(f"HEAD {path} HTTP/1.1", "Host: x")).read(head=True)
    full = connection.send(get(path)).read()
    assert head.status == full.status
    assert head.headers["content-type"] == full.headers["content-type"]
    assert connection.send(get("/health")).read().status == 200


@pytest.mark.parametrize("path, methods", [
    ("/transactions", {"GET", "HEAD", "OPTIONS", "POST"}),
    ("/transactions/1", {"GET", "HEAD", "OPTIONS"}),
    ("/transactions/batch", {"OPTIONS", "POST"}),
    ("/users/u/balances", {"GET", "HEAD", "OPTIONS"}),
    ("/health", {"GET", "HEAD", "OPTIONS"}),
    ("/metrics", {"GET", "HEAD", "OPTIONS"}),
    ("/docs", {"GET", "HEAD", "OPTIONS"}),
])
def test_allow(connection, path, methods):
    answer = connection.send(raw(f"OPTIONS {path} HTTP/1.1", "Host: x")).read()
    assert answer.status in (200, 204)
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == methods
    for method in ("DELETE", "PUT", "PATCH", "BREW", "post" if "POST" not in methods else "get"):
        refused = connection.send(raw(f"{method} {path} HTTP/1.1", "Host: x", "Content-Length: 0")).read()
        assert_problem(refused, 405, "method_not_allowed")
        assert set(refused.headers["allow"].replace(" ", "").split(",")) == methods


def test_x_request_id(connection):
    assert connection.send(get("/health", "X-Request-Id: abc-123")).read().headers["x-request-id"] == "abc-123"
    made = {connection.send(get("/health")).read().headers["x-request-id"] for _ in range(10)}
    assert len(made) == 10
    for odd in ("a b", "x" * 200, '"><script>', "\u00e4"):
        answer = connection.send(get("/nowhere", f"X-Request-Id: {odd}")).read()
        assert answer.headers["x-request-id"] != odd
        assert_problem(answer, 404, "not_found")


# ---- what must be refused

@pytest.mark.parametrize("path", ["/", "/nowhere", "/transactions/", "/transactions/1/", "//transactions",
                                  "/TRANSACTIONS", "/transactions/1/capture/x", "/users", "/users/u", "/../health",
                                  "/users//balances", "/%74ransactions/x/y", "/favicon.ico"])
def test_paths_that_are_not_there(connection, path):
    assert_problem(connection.send(get(path)).read(), 404, "not_found")


MALFORMED = [
    ("no version", b"GET /health\r\n\r\n"),
    ("HTTP/2 text", b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n"),
    ("HTTP/0.9", b"GET /health HTTP/0.9\r\nHost: x\r\n\r\n"),
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ("NUL in the target", b"GET /hea\x00lth HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("NUL in a header", b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n"),
    ("space before the colon", b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n"),
    ("no colon", b"GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"),
    ("obs-fold", b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"),
    ("no host", b"GET /health HTTP/1.1\r\n\r\n"),
    ("two hosts", b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
]

HEAD = b"POST /transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"%d" % len(GOOD)
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)

# Requests that two servers in a row parse differently. The server must reject each of them and close the connection, so
# that it does not read the bytes behind it as a request either.
SMUGGLING = [
    ("length and chunked", b"Content-Length: " + LENGTH + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED),
    ("chunked and length", b"Transfer-Encoding: chunked\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + CHUNKED),
    ("two lengths", b"Content-Length: " + LENGTH + b"\r\nContent-Length: 0\r\n\r\n" + GOOD),
    ("two equal lengths", b"Content-Length: " + LENGTH + b"\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + GOOD),
    ("length list", b"Content-Length: " + LENGTH + b", 0\r\n\r\n" + GOOD),
    ("equal length list", b"Content-Length: " + LENGTH + b"," + LENGTH + b"\r\n\r\n" + GOOD),
    ("negative length", b"Content-Length: -1\r\n\r\n" + GOOD),
    ("length with plus", b"Content-Length: +" + LENGTH + b"\r\n\r\n" + GOOD),
    ("hex length", b"Content-Length: 0x2b\r\n\r\n" + GOOD),
    ("huge length", b"Content-Length: 184467440737095516160\r\n\r\n" + GOOD),
    ("empty length", b"Content-Length: \r\n\r\n" + GOOD),
    ("words as length", b"Content-Length: many\r\n\r\n" + GOOD),
    ("length before colon space", b"Content-Length : " + LENGTH + b"\r\n\r\n" + GOOD),
    ("chunked before colon space", b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED),
    ("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKED),
    ("chunked, identity", b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED),
    ("chunked twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED),
    ("xchunked", b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED),
    ("identity", b"Transfer-Encoding: identity\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + GOOD),
    ("folded chunked", b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKED),
    ("chunk size not hex", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    ("chunk size too big", b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    ("chunk size negative", b"Transfer-Encoding: chunked\r\n\r\n-2b\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    ("chunk size 0x", b"Transfer-Encoding: chunked\r\n\r\n0x2b\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    ("chunk longer than said", b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    ("bare line feeds", b"Content-Length: " + LENGTH + b"\n\n" + GOOD),
    ("bare carriage return", b"A: b\rContent-Length: " + LENGTH + b"\r\n\r\n" + GOOD),
]


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in MALFORMED])
def test_malformed_requests_are_refused_and_the_connection_closed(connection, data):
    try:
        answer = connection.send(data).read()
    except Broken:
        return  # closed without an answer: also a refusal
    assert answer.status in (400, 505), answer
    assert connection.ended(5)


@pytest.mark.parametrize("data", [pytest.param(HEAD + data, id=name) for name, data in SMUGGLING])
def test_smuggling_shapes(server, connection, data):
    with server.client() as other:
        before = accepted(other.post("/transactions", GOOD))["id"]
    hidden = request_bytes("POST", "/transactions", b'{"user_id":"smuggled","amount":1,"currency":"USD"}')
    try:
        answer = connection.send(data + hidden).read()
        assert 400 <= answer.status < 500 or answer.status == 501, answer
        assert connection.ended(5), "what follows could be read as a request"
    except Broken:
        pass
    with server.client() as other:
        assert accepted(other.post("/transactions", GOOD))["id"] == before + 1, "something was stored"


def test_a_long_url(connection):
    assert_problem(connection.send(get("/transactions?user_id=" + "u" * 20_000)).read(), 414, "uri_too_long")


def test_big_headers(connection):
    answer = connection.send(get("/health", "A: " + "a" * 100_000)).read()
    assert_problem(answer, 431, "headers_too_large")


def test_many_headers(connection):
    try:
        answer = connection.send(get("/health", *(f"A{number}: b" for number in range(20_000)))).read()
    except Broken:
        return
    assert_problem(answer, 431, "headers_too_large")


# ---- what must end in time

@pytest.fixture(scope="module")
def impatient(scheme):
    """A server with short time limits, so that tests are quick."""
    limits = {"TPS_HEADER_TIMEOUT": "300", "TPS_BODY_TIMEOUT": "300", "TPS_IDLE_TIMEOUT": "600",
              "TPS_MAX_CONNECTIONS": "20"}
    with deploy("sqlite", environment=limits, **scheme) as running:
        yield running.first


@pytest.mark.parametrize("data", [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET /hea", id="half a line"),
    pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\n", id="half a header"),
    pytest.param(HEAD + b"Content-Length: 100\r\n\r\n{", id="half a body"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", id="half a chunk"),
])
def test_slow_requests_are_ended(impatient, data):
    with impatient.connect(timeout=5) as connection:
        try:
            answer = connection.send(data).read()
        except Broken as error:
            assert "timed out" not in str(error), "still open"
            return
        assert_problem(answer, 408, "request_timeout")
        assert connection.ended(5)


@pytest.mark.parametrize("start", [b"GET /health HTTP/1.1\r\nHost: x\r\n", HEAD + b"Content-Length: 100000\r\n\r\n"],
                         ids=["header", "body"])
def test_a_trickle_does_not_buy_time(impatient, start):
    """The time limits are for a whole header or body, not for each byte."""
    started = time.monotonic()
    with impatient.connect(timeout=5) as connection:
        try:
            connection.send(start)
            while time.monotonic() - started < 5:
                connection.send(b"a")
                connection.socket.settimeout(0.05)
                try:
                    if connection.socket.recv(65536):
                        break
                    break
                except TimeoutError:
                    continue
                except OSError:
                    break
        except Broken:
            pass
    assert time.monotonic() - started < 5, "a trickle keeps a connection for ever"


def test_idle_connections_are_closed(impatient):
    with impatient.connect(timeout=5) as connection:
        assert connection.send(get("/health")).read().status == 200
        assert connection.ended(5)


def test_more_connections_than_allowed(impatient):
    """The server refuses the surplus connections and serves the others. Once one ends, there is room again."""
    kept = [impatient.connect() for _ in range(20)]
    try:
        for connection in kept:
            connection.send(get("/health"))
        assert [connection.read().status for connection in kept] == [200] * 20
        try:
            with impatient.connect(timeout=5) as surplus:
                assert surplus.send(get("/transactions/1")).read().status == 503
        except (Broken, OSError) as error:
            assert "timed out" not in str(error)
        with impatient.connect(timeout=5) as operator:
            assert operator.send(get("/health")).read().status == 200
        assert kept[0].send(get("/health")).read().status == 200
    finally:
        for connection in kept:
            connection.close()
    deadline = time.monotonic() + 5
    while impatient.status("/health") != 200:
        assert time.monotonic() < deadline, "no room again"


def test_a_client_that_does_not_read_slows_no_other(server):
    """Responses to one client pile up, while the server answers the others."""
    with server.connect() as lazy:
        lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.socket.settimeout(1)
        try:
            for _ in range(2000):
                lazy.socket.sendall(get("/openapi.json"))
        except TimeoutError:
            pass
        for _ in range(20):
            assert server.status("/health") == 200


def test_clients_that_vanish_in_the_middle(server):
    """Half of a request, or a request without waiting for its answer, from many threads."""
    def vanish():
        for turn in range(50):
            with server.connect() as connection:
                data = request_bytes("POST", "/transactions", GOOD)
                connection.send(data[:turn * 3] if turn % 2 else data)

    threads = [threading.Thread(target=vanish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert server.status("/health") == 200


def test_large_bodies_share_their_memory(folder):
    """The server counts bytes as they arrive. A Content-Length alone does not take memory from other requests."""
    server = Tps(folder, "--max-body-memory", 16 << 20).start()
    head = raw("POST /transactions/batch HTTP/1.1", "Host: x", "Content-Type: application/json",
               f"Content-Length: {16 << 20}", "Expect: 100-continue")

    def another():
        with server.client() as client:
            return client.post("/transactions/batch", b" " * (2 << 20))

    with Connection(server.port) as first:
        assert first.send(head)._until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        assert another().status == 400
        first.send(b" " * (15 << 20))
        wait_until(lambda: another().status != 400, 10, "the first's arrival")
        assert_problem(another(), 503, "overloaded")
    wait_until(lambda: another().status == 400, 10, "the end of the first")
    server.stop()
