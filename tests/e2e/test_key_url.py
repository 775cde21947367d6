"""The keys of an issuer under an https URL (jwt-keys): fetched at the start, and again when they change."""
import contextlib
import http.server
import ssl
import threading
import time

import pytest
from support import certificates
from support.process import wait_until
from support.rsa_keys import RsaKey, jwk_set
from support.tokens import SECRET, bearer, encoded
from support.tps import Tps, tps


class Issuer:
    """An HTTPS server with a configurable response."""

    def __init__(self, folder):
        self.status, self.body, self.headers, self.asked = 200, "", {}, 0
        self.by = certificates.authority(folder)
        mine = certificates.issue(self.by, folder, "issuer")
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked += 1
                body = issuer.body.encode()
                self.send_response(issuer.status)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(mine.path, mine.key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def arguments(self):
        return ["--jwt-keys", f"https://localhost:{self.server.server_port}/jwks", "--jwt-keys-ca-file", self.by.path]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer(folder):
    one = Issuer(folder)
    yield one
    one.stop()


def status(server, headers):
    with server.client() as client:
        return client.get("/transactions/1", headers).status


def test_new_keys_are_fetched_when_a_token_names_one(folder, issuer, launch):
    old, new = RsaKey(folder, "old"), RsaKey(folder, "new")
    issuer.body = jwk_set(old)
    server = launch(*issuer.arguments, "--jwt-secret", SECRET).wait_ready()
    by_old, by_new = old.bearer(kid="old"), new.bearer(kid="new")
    assert status(server, by_old) == status(server, bearer()) == 404
    assert status(server, by_new) == 401

    issuer.body = jwk_set(old, new)
    wait_until(lambda: status(server, by_new) == 404, 30, "the new key")
    assert status(server, by_old) == status(server, bearer()) == 404
    # Tokens with unknown key ids do not make the server fetch the keys more often than every 10 s.
    made_up, asked, began = old.bearer(kid="made up"), issuer.asked, time.monotonic()
    for _ in range(50):
        assert status(server, made_up) == 401
    assert issuer.asked <= asked + 1 + (time.monotonic() - began) / 10

    issuer.status = 500
    wait_until(lambda: status(server, made_up) == 401 and "keys not fetched" in server.log(), 30, "a complaint")
    assert status(server, by_new) == 404
    assert server.metric('tps_key_fetches_total{outcome="failed"') >= 1
    server.stop()


def test_a_symmetric_key_in_a_key_set_is_ignored(folder, issuer, launch):
    issuer.body = jwk_set(RsaKey(folder, "one"), {"kty": "oct", "kid": "two", "k": encoded(SECRET.encode())})
    server = launch(*issuer.arguments).wait_ready()
    assert status(server, bearer()) == 401
    server.stop()


def test_what_is_wrong_in_a_set_keeps_out_nothing_else(folder, issuer, launch):
    good = RsaKey(folder, "good")
    issuer.body = jwk_set({"kty": "RSA", "kid": "small", "e": "AQAB", "n": "AQAB"}, {"kty": "oct", "k": "AA"}, good)
    server = launch(*issuer.arguments).wait_ready()
    assert status(server, good.bearer(kid="good")) == 404
    server.stop()


def test_it_waits_for_an_unreachable_issuer(folder, issuer, launch):
    """As after a power cut, when everything starts at once."""
    issuer.status = 503
    server = launch(*issuer.arguments)
    wait_until(lambda: "waiting for keys" in server.log(), 10, "the wait")
    issuer.body, issuer.status = jwk_set(RsaKey(folder, "one")), 200
    server.wait_ready()
    server.stop()


@pytest.mark.parametrize("answer, why", [
    ({"status": 404, "body": "{}"}, "the answer is 404, not 200"),
    ({"status": 302, "headers": {"Location": "https://localhost/elsewhere"}}, "the answer is 302, not 200"),
    ({"body": "<html>"}, "it is no JWK Set"), ({"body": '{"keys": []}'}, "no public key that can be used"),
    ({"body": jwk_set({"kty": "oct", "k": encoded(SECRET.encode())})}, "no public key that can be used"),
    ({"body": " " * 300_000}, "the answer is too large")])
def test_it_does_not_serve_without_keys(issuer, launch, answer, why):
    for name, value in answer.items():
        setattr(issuer, name, value)
    server = launch(*issuer.arguments)
    wait_until(lambda: "waiting for keys" in server.log(), 10, "a complaint")
    assert why in server.log()
    assert server.status("/health") is None
    server.stop()  # ends at once, although it waits


def test_the_certificate_of_the_issuer_is_verified(folder, issuer, launch):
    issuer.body = jwk_set(RsaKey(folder, "one"))
    server = launch(*issuer.arguments[:2])
    wait_until(lambda: "waiting for keys" in server.log(), 10, "a complaint")
    assert "certificate" in server.log()
    server.stop()


@pytest.mark.parametrize("arguments, why", [
    (("--jwt-keys", "https://localhost/jwks", "--jwt-secret", "short"), "jwt-secret: a secret needs 32 bytes"),
    (("--jwt-keys", "http://localhost/jwks"), "expected a file or an https:// URL"),
    (("--jwt-keys", "http://user:canary@localhost/jwks"), "expected a file or an https:// URL"),
    (("--jwt-keys", "https://user:canary/canary@localhost/jwks"), "a URL with a user or a password is not accepted"),
    (("--jwt-keys", "https://user:canary@localhost/jwks"), "a URL with a user or a password is not accepted"),
    (("--jwt-keys", "https://localhost/jwks", "--jwt-keys-ca-file", "/nonexistent"), "jwt-keys-ca-file: cannot read")])
def test_bad_settings_are_refused(folder, arguments, why):
    refused = tps("serve", "--listen", "127.0.0.1:0", "--database-url", f"sqlite:{folder}/tps.db", *arguments)
    assert refused.returncode == 2
    assert why in refused.stderr and "canary" not in refused.stderr
