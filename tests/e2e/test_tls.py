"""TLS of the listener: trusted certificates, refused connections and files, and reloading. test_http.py tests HTTP over TLS
as it tests HTTP without."""
import os
import shlex
import shutil
import signal
import socket
import ssl
import time
import warnings

import pytest
from support.answers import accepted, assert_problem
from support.certificates import authority, believing, issue, listening
from support.client import Broken, Connection, request_bytes
from support.process import free_port, run, wait_until
from support.tps import tps

GOOD = {"user_id": "u", "amount": 1, "currency": "USD"}


@pytest.fixture
def by(folder):
    return authority(folder)


@pytest.fixture
def stranger(folder):
    return authority(folder, "stranger")


@pytest.fixture
def mine(by, folder):
    return issue(by, folder)


@pytest.fixture
def server(launch, mine, by):
    return launch(*listening(mine), tls=believing(by), environment={"TPS_LOG_LEVEL": "debug", "TPS_LOG_FORMAT": "json"}).wait_ready()


def curl(server, *options, path="/health", scheme="https"):
    return run(["curl", "--silent", "--show-error", "--max-time", "10", *options,
                f"{scheme}://localhost:{server.port}{path}", "--write-out", "\n%{http_code}"])


def hand_shaken(server, context):
    """The certificate that the server shows."""
    with Connection(server.port, tls=context) as connection:
        return connection.socket.getpeercert(binary_form=True)


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.path.read_text())


def at_least_as_old(version):
    """A client that offers nothing newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    return context


# ---- who is believed

def test_curl_trusts_the_right_ca_only(server, by, stranger):
    assert curl(server, "--cacert", by.path).stdout.endswith("\n200")
    refused = curl(server, "--cacert", stranger.path)
    assert refused.returncode == 60, refused
    assert curl(server).returncode == 60
    with server.client() as client:
        assert client.get("/health").status == 200


def test_the_greeting_says_https(launch, mine, by):
    server = launch(*listening(mine), tls=believing(by), environment={"TPS_LOG_FORMAT": "human"}).wait_ready()
    text = wait_until(lambda: "curl" in server.log() and server.log(), 5)
    assert f"API      https://127.0.0.1:{server.port}" in text
    [typed] = [line for line in text.splitlines() if line.strip().startswith("curl")]
    assert '"id":1,' in run([*shlex.split(typed), "--silent", "--cacert", by.path]).stdout
    server.stop()


def test_versions_and_protocols(server, by):
    for version, spoken in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
        context = believing(by)
        context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        with Connection(server.port, tls=context) as connection:
            assert connection.socket.version() == spoken
            assert connection.socket.selected_alpn_protocol() == "http/1.1"
            assert connection.socket.compression() is None
    with pytest.raises(ssl.SSLError), Connection(server.port, tls=at_least_as_old(ssl.TLSVersion.TLSv1_1)):
        pass
    context = believing(by)
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError), Connection(server.port, tls=context):
        pass


def test_renegotiation_is_refused(server, by):
    """Renegotiation costs the server CPU time, and lets an attacker prepend data to the request of another client."""
    talk = run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", by.path, "-tls1_2"],
               input="R\nGET /health HTTP/1.1\r\n", timeout=20)
    assert "RENEGOTIATING" in talk.stdout + talk.stderr
    assert "no renegotiation" in talk.stderr, talk.stderr
    assert server.status("/health") == 200


# ---- what is no TLS, and no handshake

def test_http_without_tls_is_told_so(server, by):
    refused = curl(server, scheme="http")
    assert refused.stdout.endswith("\n400") and "https" in refused.stdout
    plain = Connection(server.port)
    assert_problem(plain.send(request_bytes("POST", "/transactions", GOOD)).read(), 400, "malformed_request")
    assert plain.ended()
    for data in (b"DELETE / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\x00\x05hello"):
        with Connection(server.port) as other:
            other.send(data)
            other.socket.shutdown(socket.SHUT_WR)
            while received := other.socket.recv(4096):
                assert b"HTTP/1.1 2" not in received
    server.stop()
    assert not [one for one in server.log_records() if one["level"] in ("warn", "error")], server.log()


def test_unfinished_handshakes_time_out_and_disturb_no_other_client(launch, mine, by):
    limits = {"TPS_HEADER_TIMEOUT": "1000", "TPS_MAX_CONNECTIONS": "60"}
    server = launch(*listening(mine), tls=believing(by), environment=limits).wait_ready()
    silent = [Connection(server.port) for _ in range(25)] + [Connection(server.port).send(b"\x16\x03\x01") for _ in range(25)]
    with server.client() as client:
        for _ in range(20):
            accepted(client.post("/transactions", GOOD))
        for one in silent:
            assert one.ended(20)
            one.close()
        assert client.get("/health").status == 200
    server.stop()


def test_handshakes_count_as_connections(launch, mine, by):
    server = launch(*listening(mine), tls=believing(by), environment={"TPS_MAX_CONNECTIONS": "3"}).wait_ready()
    silent = [Connection(server.port) for _ in range(3)]
    wait_until(lambda: server.status("/transactions") == 503, 10, "a full house")
    assert server.status("/health") == 200, "in a spare place"
    for one in silent:
        one.close()
    wait_until(lambda: server.status("/transactions") == 200, 10, "room again")
    server.stop()


# ---- what changes while it runs

def replace(mine, other):
    """Replaces the file by renaming, like tools that renew certificates."""
    for old, new in ((mine.path, other.path), (mine.key, other.key)):
        shutil.copy(new, f"{old}.new")
        os.replace(f"{old}.new", old)


def reload(server, words):
    before = server.log().count(words)
    server.process.send(signal.SIGHUP)
    wait_until(lambda: server.log().count(words) > before, 10, words)


def test_sighup_brings_a_new_certificate_and_ends_no_connection(server, mine, by, stranger, folder):
    kept = server.connect()
    waiting = server.connect().send(request_bytes("POST", "/transactions", GOOD)[:-5])
    assert kept.send(request_bytes("GET", "/health")).read().status == 200
    old = der(mine)
    replace(mine, issue(stranger, folder, "other"))
    assert hand_shaken(server, believing(by)) == old, "nobody has asked yet"
    reload(server, "new TLS certificate")
    assert hand_shaken(server, believing(stranger)) == der(mine) != old
    with pytest.raises(ssl.SSLCertVerificationError):
        hand_shaken(server, believing(by))
    assert kept.send(request_bytes("GET", "/health")).read().status == 200
    accepted(waiting.send(request_bytes("POST", "/transactions", GOOD)[-5:]).read())
    for one in (kept, waiting):
        one.close()
    server.stop()


@pytest.mark.parametrize("spoil", [
    lambda mine, by: mine.path.write_text("no certificate\n"),
    lambda mine, by: mine.path.unlink(),
    lambda mine, by: mine.key.write_text(""),
    lambda mine, by: shutil.copy(by.key, mine.key),
], ids=["text", "gone", "empty key", "another key"])
def test_a_bad_new_file_changes_nothing(server, mine, by, spoil):
    old = der(mine)
    spoil(mine, by)
    reload(server, "the TLS files cannot be used")
    assert hand_shaken(server, believing(by)) == old
    [error] = [one for one in server.log_records() if one["level"] == "error"]
    assert "tls-" in error["detail"], error
    server.stop()


# ---- clients that must show a certificate

def test_clients_must_show_a_certificate_when_authorities_are_named(launch, mine, by, stranger, folder):
    good, bad = issue(by, folder, "client"), issue(stranger, folder, "impostor")
    server = launch(*listening(mine), "--tls-client-ca", by.path, tls=believing(by, good)).wait_ready()
    with server.client() as client:
        accepted(client.post("/transactions", GOOD))
    shown = ["--cacert", by.path, "--cert", good.path, "--key", good.key]
    assert curl(server, *shown).stdout.endswith("\n200")
    for version in ("1.2", "1.3"):
        for refused in ([], ["--cert", bad.path, "--key", bad.key]):
            result = curl(server, "--cacert", by.path, "--tls-max", version, *refused)
            assert result.returncode != 0 and result.stdout.endswith("\n000"), (version, refused, result)

    # SIGHUP reloads the CA certificate, too.
    session = server.connect()
    session.send(request_bytes("GET", "/health")).read()
    shutil.copy(stranger.path, by.path)
    reload(server, "new TLS certificate")
    assert curl(server, "--insecure", "--cert", good.path, "--key", good.key).returncode != 0
    assert curl(server, "--insecure", "--cert", bad.path, "--key", bad.key).stdout.endswith("\n200")
    assert session.send(request_bytes("GET", "/health")).read().status == 200
    session.close()
    server.process.end()


def taken_up_again(server, context, session):
    with socket.create_connection(("127.0.0.1", server.port), 10) as plain, \
            context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
        connection.sendall(request_bytes("GET", "/health", None, {"Connection": "close"}))
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        return connection.session_reused


def test_a_session_is_taken_up_again(launch, mine, by, folder):
    """Resumption saves the expensive half of a handshake. With mTLS, the resumed session keeps the client's certificate."""
    for extra in ([], ["--tls-client-ca", by.path]):
        context = believing(by, issue(by, folder, "client"))
        server = launch(*listening(mine), *extra, tls=context).wait_ready()
        with server.connect() as first:
            first.send(request_bytes("GET", "/health")).read()  # the ticket comes with it
            session = first.socket.session
        assert taken_up_again(server, context, session)
        reload(server, "new TLS certificate")
        assert not taken_up_again(server, context, session), "what it was let in by may be gone"
        server.stop()


# ---- starting and ending

@pytest.mark.parametrize("given, words", [
    (["--tls-certificate", "{mine.path}"], "needs tls-key"),
    (["--tls-key", "{mine.key}"], "needs tls-certificate"),
    (["--tls-client-ca", "{by.path}"], "needs tls-certificate"),
    (["--tls-certificate", "/nowhere.crt", "--tls-key", "{mine.key}"], "/nowhere.crt: No such file"),
    (["--tls-certificate", "{mine.path}", "--tls-key", "{by.key}"], "is not the key of the certificate"),
    (["--tls-certificate", "{mine.key}", "--tls-key", "{mine.key}"], "has no certificate"),
])
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_files_that_cannot_be_used_are_refused_at_the_start(folder, mine, by, command, given, words):
    result = tps(command, "--listen", f"127.0.0.1:{free_port()}", *(one.format(mine=mine, by=by) for one in given),
                 cwd=folder, timeout=10)
    assert result.returncode == 2 and words in result.stderr, result
    assert not (folder / "tps.db").exists()


def test_a_key_where_its_path_is_wanted_is_not_repeated(folder, mine):
    """TPS_TLS_KEY_FILE reads the file, as every TPS_*_FILE does."""
    result = tps("serve", environment={"TPS_TLS_KEY_FILE": str(mine.key), "TPS_TLS_CERTIFICATE": str(mine.path)},
                 cwd=folder, timeout=10)
    assert result.returncode == 2 and "TPS_TLS_KEY_FILE" in result.stderr
    assert "PRIVATE KEY" not in result.stderr + result.stdout


def test_a_key_with_a_passphrase_does_not_prompt(folder, mine):
    locked = folder / "locked.key"
    made = run(["openssl", "pkey", "-in", mine.key, "-aes256", "-passout", "pass:secret", "-out", locked])
    assert made.returncode == 0, made.stderr
    result = tps("serve", "--tls-certificate", mine.path, "--tls-key", locked, cwd=folder, timeout=10)
    assert result.returncode == 2 and "without a passphrase" in result.stderr


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize("mutual", [False, True], ids=["", "mutual"])
def test_the_health_command(launch, folder, postgres, mine, by, command, mutual):
    """`tps health` trusts its own address. If the server requires a client certificate, it presents the server's own."""
    url = postgres.url(postgres.create_database())
    assert tps("migrate", "--database-url", url).returncode == 0
    alone = issue(authority(folder, "other"), folder, "alone") if mutual else mine
    options = [*listening(alone), *(["--tls-client-ca", by.path] if mutual else [])]
    server = launch("--database-url", url, *options, command=command)
    ask = ["health", "--listen", f"127.0.0.1:{server.port}"]
    wait_until(lambda: tps(*ask, *options).returncode == 0, 20, "health")
    assert tps(*ask).returncode != 0, "it does not speak http"
    server.stop()
    assert tps(*ask, *options).returncode != 0


def test_draining(server):
    """The server finishes requests in progress, and ends every connection with close_notify."""
    idle, half = server.connect(), server.connect()
    assert idle.send(request_bytes("GET", "/health")).read().status == 200
    data = request_bytes("POST", "/transactions", GOOD)
    half.send(data[:-5])
    silent = Connection(server.port)
    started = time.monotonic()
    server.process.send(signal.SIGTERM)
    wait_until(lambda: "draining" in server.log(), 10)
    answer = half.send(data[-5:]).read()
    accepted(answer)
    assert answer.headers["connection"] == "close"
    assert half.ended() and idle.ended() and silent.ended()
    assert server.process.wait(30) == 0
    assert time.monotonic() - started < 20
    for one in (idle, half, silent):
        one.close()


def test_a_truncated_request_is_not_executed(server):
    with server.connect() as connection:
        connection.send(request_bytes("POST", "/transactions", GOOD)[:-5])
        socket.socket.shutdown(connection.socket, socket.SHUT_WR)  # which says nothing in TLS
        with pytest.raises(Broken):
            connection.read()
    with server.client() as client:
        assert accepted(client.post("/transactions", GOOD))["id"] == 1
    server.stop()
