"""Certificates for tests, made on the spot by the openssl command."""
import contextlib
import os
import pathlib
import shutil
import ssl
from dataclasses import dataclass

from support.process import run
from support.servers import temporary_folder

NAMES = "DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True)
class Certificate:
    path: pathlib.Path
    key: pathlib.Path

    def give_to(self, user):
        """Who is not root, and must read the key."""
        if os.geteuid() == 0:
            for one in (self.path, self.key):
                shutil.chown(one, user)
        return self


def _make(folder, name, *options):
    path, key = folder / f"{name}.crt", folder / f"{name}.key"
    made = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", path, *options])
    assert made.returncode == 0, made.stderr
    return Certificate(path, key)


def authority(folder, name="authority"):
    return _make(folder, name)


def issue(by, folder, name="server", names=NAMES):
    """One of the authority `by`, for these hosts."""
    return _make(folder, name, "-CA", by.path, "-CAkey", by.key, "-addext", f"subjectAltName={names}",
                 "-addext", "basicConstraints=critical,CA:FALSE")


def believing(by, shown=None):
    """What a client needs who believes this authority and may show a certificate of its own."""
    context = ssl.create_default_context(cafile=by.path)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end must be announced
    if shown:
        context.load_cert_chain(shown.path, shown.key)
    return context


def listening(mine):
    """What makes a server show this certificate."""
    return ["--tls-certificate", mine.path, "--tls-key", mine.key]


@contextlib.contextmanager
def scheme(name):
    """What deploy() must be given for "http" or "https"."""
    if name == "http":
        yield {}
        return
    folder = temporary_folder("certificates")
    by = authority(folder)
    yield {"arguments": listening(issue(by, folder)), "tls": believing(by)}
    shutil.rmtree(folder, ignore_errors=True)
