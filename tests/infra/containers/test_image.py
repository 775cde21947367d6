"""The image by itself: small, unprivileged, read-only, and quick to stop."""
import contextlib
import json
import pathlib
import re
import shlex

import pytest
from images import BASE, ROOT
from support.client import Client
from support.process import free_port, run, wait_until

LOCKED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-driver", "json-file"]
NOBODY = 65532
MAX_BYTES_ABOVE_BASE = 120_000_000
NO_LIBRARY = ["ca-certificates"]  # the CA certificates, which have a test of their own
IN_BASE = {"libc.so.6", "libm.so.6", "libgcc_s.so.1"}


@contextlib.contextmanager
def detached(engine, *arguments):
    """A container in the background. Its data is removed with it."""
    name = engine.docker("run", "--detach", *arguments).stdout.strip()
    try:
        yield name
    finally:
        engine.docker("rm", "--force", name)
        engine.docker("volume", "rm", "tps-data")


@pytest.fixture
def container(engine):
    """A complete system in one container with the tightest restrictions. Only its data is on a volume."""
    with detached(engine, *LOCKED, "--health-interval", "1s", "--volume", "tps-data:/var/lib/tps", "--publish",
                  "127.0.0.1:8000:8000", "--env", "TPS_INSECURE_NO_AUTH=true", "tps") as name:
        yield name


def image(engine, name):
    return json.loads(engine.docker("image", "inspect", name).stdout)[0]


def healthy(engine, name):
    return engine.inspect(name, "{{.State.Health.Status}}") == "healthy"


def test_runs_read_only_as_nobody_until_it_is_told_to_stop(engine, container):
    wait_until(lambda: healthy(engine, container), 60, "health by the image's own check")
    with Client(8000) as client:
        answer = client.post("/transactions", {"user_id": "u", "amount": 1, "currency": "USD"}, {"Prefer": "wait=5"})
        assert (answer.status, answer.json()["status"]) == (201, "settled")
    processes = engine.docker("top", container, "-eo", "pid,uid,gid,args").stdout.splitlines()[1:]
    assert [line.split()[1:] for line in processes] == [[str(NOBODY), str(NOBODY), "/usr/bin/tps", "serve"]]
    assert engine.docker("diff", container).stdout == ""

    engine.docker("stop", "--time", "30", container)
    assert engine.inspect(container, "{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false"
    assert "stopped" in engine.docker("logs", container).stderr

    engine.docker("start", container)
    wait_until(lambda: healthy(engine, container), 60, "health after a restart")
    with Client(8000) as client:
        assert client.get("/transactions/1").status == 200


def test_the_command_of_the_documentation_serves(engine):
    [line] = [line for line in (ROOT / "docs/compose.md").read_text().splitlines() if line.startswith("docker run --publish")]
    with detached(engine, *shlex.split(line, comments=True)[2:]) as name:
        wait_until(lambda: healthy(engine, name), 60, "health by the image's own check")


def test_a_command_that_waits_ends_when_it_is_told_to(engine):
    """The kernel does not deliver default signals to the first process of a container, so tps must handle them."""
    with detached(engine, *LOCKED, "--volume", "tps-data:/var/lib/tps", "--env",
                  f"TPS_DATABASE_URL=postgresql://127.0.0.1:{free_port()}/tps", "tps", "migrate") as name:
        # The first signal may arrive before the process has started.
        wait_until(lambda: engine.docker("kill", "--signal", "TERM", name, check=False).returncode != 0, 20, "its end")
        assert engine.inspect(name, "{{.State.ExitCode}}") == "143"


def test_a_container_that_is_not_ready_is_not_healthy(engine, container):
    wait_until(lambda: healthy(engine, container), 60, "health")
    assert engine.docker("exec", container, "/usr/bin/tps", "health").returncode == 0
    elsewhere = engine.docker("exec", "--env", "TPS_LISTEN=127.0.0.1:1", container, "/usr/bin/tps", "health", check=False)
    assert elsewhere.returncode == 1


def test_needs_no_shell(engine):
    configuration = image(engine, "tps")["Config"]
    assert configuration["Entrypoint"] == ["/usr/bin/tps"]
    assert configuration["Cmd"] == ["serve"]
    assert configuration["Healthcheck"]["Test"] == ["CMD", "/usr/bin/tps", "health"]
    assert configuration["User"] == f"{NOBODY}:{NOBODY}"  # a number: Kubernetes' runAsNonRoot accepts no name


def test_says_what_it_is(engine):
    labels = image(engine, "tps")["Config"]["Labels"]
    version = engine.docker("run", "--rm", *LOCKED, "tps", "--version").stdout.split()[-1]
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_is_small(engine):
    above = image(engine, "tps")["Size"] - image(engine, BASE)["Size"]
    print(f"tps is {above / 1e6:.1f} MB above its base")
    assert above <= MAX_BYTES_ABOVE_BASE


def test_has_the_libraries_that_are_needed_and_no_others(engine):
    wanted = [line.split()[1].split("|")[0] for line in (ROOT / "tools/packages.txt").read_text().splitlines()
              if line.startswith("run ")]
    files = {package: engine.docker("run", "--rm", "--entrypoint", "dpkg-query", "tps", "--listfiles", package).stdout
             for package in wanted}
    libraries = {package: {pathlib.Path(line).name for line in lines.splitlines() if ".so." in line}
                 for package, lines in files.items()}
    copied = engine.folder / "copied"
    engine.docker("create", "--name", "tps-copy", "tps")
    engine.docker("cp", "tps-copy:/usr/bin/tps", copied)
    engine.docker("rm", "tps-copy")
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", copied]).stdout))
    assert needed - IN_BASE <= set().union(*libraries.values())
    assert [package for package in wanted if not libraries[package] & needed] == NO_LIBRARY


def test_knows_the_authorities_of_https(engine):
    """Without them, tps could not fetch the keys of an issuer (jwt-keys)."""
    listed = engine.docker("run", "--rm", *LOCKED, "--entrypoint", "/usr/bin/wc", "tps", "-c", "/etc/ssl/certs/ca-certificates.crt")
    assert int(listed.stdout.split()[0]) > 100_000
