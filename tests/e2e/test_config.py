"""Settings: flags override the environment, which overrides the file, which overrides the defaults. Mistakes are errors."""
import json

import pytest
from support.tps import Tps, tps


def shown(*arguments, **options):
    """`tps config --json` as a dictionary of name -> (value, source)."""
    result = tps("config", "--json", *arguments, **options)
    assert result.returncode == 0, result.stderr
    return {name: (one["value"], one["source"]) for name, one in json.loads(result.stdout).items()}


@pytest.fixture
def file(folder):
    path = folder / "tps.toml"
    path.write_text('listen = "127.0.0.1:1111"\nmax-flight = 111\n')
    return path


def test_defaults(folder):
    values = shown(cwd=folder)
    assert values["listen"] == ("127.0.0.1:8000", "default")
    assert values["database-url"] == ("sqlite:tps.db", "default")
    assert all(source == "default" for _, source in values.values())


def test_the_file_goes_before_the_defaults(file):
    values = shown("--config", file)
    assert values["listen"][0] == "127.0.0.1:1111" and str(file) in values["listen"][1]
    assert str(values["max-flight"][0]) == "111"


def test_the_environment_goes_before_the_file(file):
    values = shown("--config", file, environment={"TPS_LISTEN": "127.0.0.1:2222"})
    assert values["listen"][0] == "127.0.0.1:2222" and "TPS_LISTEN" in values["listen"][1]
    assert str(values["max-flight"][0]) == "111"


def test_flags_go_before_everything(file):
    values = shown("--config", file, "--listen", "127.0.0.1:3333", environment={"TPS_LISTEN": "127.0.0.1:2222"})
    assert values["listen"][0] == "127.0.0.1:3333" and "flag" in values["listen"][1]


def test_the_file_may_be_named_by_the_environment(file):
    assert shown(environment={"TPS_CONFIG": str(file)})["listen"][0] == "127.0.0.1:1111"


@pytest.mark.parametrize("name, setting", [("DATABASE_URL", "database-url"), ("REDIS_URL", "redis-url")])
def test_the_names_of_the_original(name, setting):
    url = "postgresql://h/plain" if setting == "database-url" else "redis://plain:1"
    value, source = shown(environment={name: url})[setting]
    assert value == url and name in source
    ours = url.replace("plain", "ours")
    assert shown(environment={name: url, f"TPS_{name}": ours})[setting][0] == ours


def test_text_for_people_names_values_and_sources(folder):
    result = tps("config", environment={"TPS_LISTEN": "127.0.0.1:2222"}, cwd=folder)
    line = next(line for line in result.stdout.splitlines() if "127.0.0.1:2222" in line)
    assert "listen" in line and "TPS_LISTEN" in line


SECRET = "very-secret-word"


@pytest.mark.parametrize("url", [f"postgresql://user:{SECRET}@h/db", f"postgresql://user@h/db?password={SECRET}",
                                 f"postgresql://user:{SECRET}@@h/db", f"postgresql://user:a@{SECRET}@h/db"])
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_secrets_are_not_printed(url, arguments):
    result = tps("config", *arguments, environment={"TPS_DATABASE_URL": url, "REDIS_URL": f"redis://:{SECRET}@h:1"})
    assert result.returncode == 0
    assert SECRET not in result.stdout + result.stderr


def test_secrets_from_files(folder):
    path = folder / "url"
    path.write_text("postgresql://h/from-a-file\n")
    value, source = shown(environment={"TPS_DATABASE_URL_FILE": str(path)})["database-url"]
    assert value == "postgresql://h/from-a-file" and "TPS_DATABASE_URL_FILE" in source


REFUSED = [
    ("slip in the environment", [], {"TPS_LISSTEN": "x"}, None, ["TPS_LISSTEN", "TPS_LISTEN"]),
    ("unknown in the environment", [], {"TPS_ZZZZZZZZZZZZ": "x"}, None, ["TPS_ZZZZZZZZZZZZ"]),
    ("slip in a flag", ["--lissten", "x"], {}, None, ["--lissten", "--listen"]),
    ("slip in the file", [], {}, 'databse-url = "x"', ["databse-url", "database-url"]),
    ("no number", [], {"TPS_MAX_FLIGHT": "many"}, None, ["max-flight", "many", "TPS_MAX_FLIGHT"]),
    ("out of range", [], {"TPS_MAX_FLIGHT": "0"}, None, ["max-flight", "1"]),
    ("no toggle", [], {"TPS_WORKER": "maybe"}, None, ["worker", "maybe"]),
    ("no file", ["--config", "/nowhere/tps.toml"], {}, None, ["/nowhere/tps.toml"]),
    ("no secret file", [], {"TPS_DATABASE_URL_FILE": "/nowhere/url"}, None, ["/nowhere/url"]),
    ("file that is no file of settings", [], {}, "[[[", ["tps.toml"]),
]


@pytest.mark.parametrize("arguments, environment, text, words", [pytest.param(*case[1:], id=case[0])
                                                                 for case in REFUSED])
@pytest.mark.parametrize("command", ["config", "serve"])
def test_mistakes_are_refused_with_what_was_meant(folder, command, arguments, environment, text, words):
    if text is not None:
        (folder / "tps.toml").write_text(text)
        arguments = ["--config", folder / "tps.toml"]
    result = tps(command, *arguments, environment=environment, cwd=folder, timeout=10)
    assert result.returncode not in (0, -6, -11), result.stdout
    for word in words:
        assert word in result.stderr, result.stderr
    assert not (folder / "tps.db").exists()


def test_what_kubernetes_puts_into_the_environment_is_ignored():
    """A Service called "tps" sets these in every pod."""
    shown(environment={"TPS_SERVICE_HOST": "10.0.0.1", "TPS_PORT": "tcp://10.0.0.1:8000", "TPS_SERVICE_PORT": "8000",
                       "TPS_PORT_8000_TCP_ADDR": "10.0.0.1"})


def test_serve_obeys_the_environment(folder):
    server = Tps(folder, environment={"TPS_DATABASE_URL": "sqlite:other.db"}).start()
    assert (folder / "other.db").exists() and not (folder / "tps.db").exists()
    server.stop()
