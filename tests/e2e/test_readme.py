"""README, typed from top to bottom: its commands run as they stand there, in one shell, and say what it says."""
import json
import os
import pathlib
import re
from decimal import Decimal

import pytest
from support.deployment import deploy
from support.fixtures import servers_for
from support.process import run
from support.tps import BINARY, Tps, clean_environment

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"

# curl prints no newline of its own; answers have to be apart.
PRELUDE = """set -euo pipefail
exec 2>&1
curl() { command curl --silent --show-error --fail-with-body "$@"; echo; }
"""


def section(title="Life of a transaction"):
    text = README.read_text(encoding="utf-8")
    return re.search(rf"^## {title}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1)


def values(text):
    """The JSON values of a text, one after the other."""
    decoder, found = json.JSONDecoder(parse_float=Decimal), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def includes(value, shown):
    """README leaves members out; what it shows must be so, but for the time."""
    if isinstance(shown, dict):
        return all(name in value and (name == "created_at" or includes(value[name], one)) for name, one in shown.items())
    if isinstance(shown, list):
        return len(value) == len(shown) and all(map(includes, value, shown))
    return value == shown and str(value) == str(shown)


@pytest.mark.parametrize("kind", ["sqlite", "pair"])
def test_the_commands_say_what_the_readme_says(request, kind):
    start, *quick = re.findall(r"```sh\n(.*?)```(?:[^`]*\n```json\n(.*?)```)?", section("Quick start"), re.DOTALL)
    assert start == ("./dev serve\n", "") and len(quick) == 2
    life = re.findall(r"```sh\n(.*?)```\n+```json\n(.*?)```", section(), re.DOTALL)
    assert len(life) == section().count("```sh") == 5
    steps = quick + life
    with deploy(kind, **servers_for(kind, request)) as deployment:
        script = PRELUDE
        for turn, (commands, _) in enumerate(steps):
            port = deployment.ports[turn % len(deployment.ports)]
            script += commands.replace("localhost:8000", f"127.0.0.1:{port}") + "echo =====\n"
        done = run(["bash", "-c", script])
        assert done.returncode == 0, done
    outputs = done.stdout.split("=====\n")[:-1]
    first, _, metrics = outputs[0].partition("# HELP")
    assert "http_requests_total" in metrics
    outputs[0] = first
    for output, (_, shown) in zip(outputs, steps, strict=True):
        answers, expected = values(output), values(shown)
        assert len(answers) == len(expected) or (len(answers) == 2 and len(expected) <= 1), output  # of the quick start
        for answer, one in zip(answers, expected):
            assert includes(answer, one), f"{answer}\ndoes not include\n{one}"


def test_alice_logs_in_as_the_readme_says(folder):
    before, after = re.findall(r"```sh\n(.*?)```", section("Require authentication"), re.DOTALL)
    *preparation, start = before.strip().splitlines()
    assert start == "TPS_JWT_SECRET_FILE=jwt-secret build/release/tps serve --users-file users"
    commands = "\n".join(preparation).replace("build/release/tps", os.path.abspath(BINARY))
    done = run(["bash", "-c", "set -euo pipefail\n" + commands], cwd=folder, env=clean_environment())
    assert done.returncode == 0, done
    server = Tps(folder, "--users-file", "users", environment={"TPS_JWT_SECRET_FILE": "jwt-secret"}).start()
    done = run(["bash", "-c", PRELUDE + after.replace("localhost:8000", f"127.0.0.1:{server.port}")])
    assert done.returncode == 0, done
    [created] = values(done.stdout)
    assert (created["id"], created["user_id"], str(created["amount"])) == (1, "user_11", "12.75")
    server.stop()
