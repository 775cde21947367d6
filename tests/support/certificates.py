"""Certificates for tests, created by the openssl command."""
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
        """Lets a server that does not run as root read the key."""
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
    """A certificate of the CA `by` for these hosts."""
    return _make(folder, name, "-CA", by.path, "-CAkey", by.key, "-addext", f"subjectAltName={names}",
                 "-addext", "basicConstraints=critical,CA:FALSE")


def believing(by, shown=None):
    """The ssl.SSLContext of a client that trusts this CA and may have its own certificate."""
    context = ssl.create_default_context(cafile=by.path)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # treat an unannounced end as an error
    if shown:
        context.load_cert_chain(shown.path, shown.key)
    return context


def listening(mine):
    """The settings that make a server use this certificate."""
    return ["--tls-certificate", mine.path, "--tls-key", mine.key]


@contextlib.contextmanager
def scheme(name):
    """The arguments of deploy() for "http" or "https"."""
    if name == "http":
        yield {}
        return
    folder = temporary_folder("certificates")
    by = authority(folder)
    yield {"arguments": listening(issue(by, folder)), "tls": believing(by)}
    shutil.rmtree(folder, ignore_errors=True)
