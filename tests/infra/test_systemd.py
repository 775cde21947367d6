"""The units of infra/systemd are valid, have few privileges, and fit the program."""
import json
import os
import pathlib
import re
import shutil

import pytest
from support.process import run
from support.tps import BINARY, tps

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "infra/systemd"
UNITS = ("tps.service", "tps-worker.service")
WORST = 15  # of 100; the remaining exposure is the network, which the service needs
STOP_S = 8  # for the last commits and the remaining connections

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="NOT CHECKED: there is no systemd-analyze here")


def service(name):
    """The settings of [Service]. Repeatable settings have all their values."""
    values = {}
    section = (FOLDER / name).read_text().split("[Service]")[1].split("[Install]")[0]
    for key, value in re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE):
        values.setdefault(key, []).append(value)
    return values


def given(name):
    return dict(one.split("=", 1) for line in service(name).get("Environment", []) for one in line.split())


@pytest.fixture
def units(folder):
    """Copies of the units that start the binary under test. The API has the drop-in for PostgreSQL."""
    for source in FOLDER.rglob("*"):
        if source.is_file():
            target = folder / source.relative_to(FOLDER)
            target.parent.mkdir(exist_ok=True)
            target.write_text(source.read_text().replace("/usr/bin/tps", os.path.abspath(BINARY)))
    return folder


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_systemd_can_read_it(units, name):
    done = run(["systemd-analyze", "verify", "--man=no", f"./{name}"], cwd=units, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_a_slip_would_be_noticed(units, name):
    unit = units / name
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSytem=strict"))
    done = run(["systemd-analyze", "verify", "--man=no", f"./{name}"], cwd=units, timeout=60)
    assert "ProtectSytem" in done.stderr


def exposure(folder, name):
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={WORST}", f"./{name}"]
    done = run(command, cwd=folder, timeout=60)
    return done.returncode, done.stdout[-300:]


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_it_opens_little(units, name):
    code, said = exposure(units, name)
    assert code == 0, said
    unit = units / name
    unit.write_text(re.sub(r"(?m)^(SystemCallFilter|CapabilityBoundingSet|ProtectSystem)=.*\n", "", unit.read_text()))
    assert exposure(units, name)[0] != 0


@pytest.mark.parametrize("name", UNITS)
def test_it_fits_the_program(name):
    options = service(name)
    shown = tps("config", "--json", environment={key: value for key, value in given(name).items() if not key.endswith("_FILE")})
    assert shown.returncode == 0, shown.stderr
    settings = {key: one["value"] for key, one in json.loads(shown.stdout).items()}
    stopping = (int(settings["drain-delay"]) + int(settings["drain-timeout"])) / 1000 + STOP_S
    assert int(options["TimeoutStopSec"][0].removesuffix("s")) >= stopping
    assert int(options["LimitNOFILE"][0]) >= int(settings["max-connections"]) + 64
    assert (options["Type"], options["Restart"], options["RestartPreventExitStatus"]) == (["exec"], ["on-failure"], ["2"])
    assert settings["listen"].startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["tps-worker.service", "tps.service.d/postgresql.conf"])
def test_secrets_are_credentials(name, folder):
    """Each file setting names a loaded credential and is a setting that the program knows."""
    loaded = {one.split(":")[0] for one in service(name)["LoadCredential"]}
    files = {key: value for key, value in given(name).items() if key.endswith("_FILE")}
    assert {value.removeprefix("%d/") for value in files.values()} == loaded and files
    (folder / "secret").write_text("postgresql://nobody@192.0.2.1/x\n")
    done = tps("config", environment={key: str(folder / "secret") for key in files})
    assert done.returncode == 0, done.stderr
    assert not re.search(r"postgresql://|redis://", (FOLDER / name).read_text())
