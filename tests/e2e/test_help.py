"""Help, completion and man pages: all are made from the same descriptions, and each command shows only what it reads."""
import json
import os
import re
import shutil
import subprocess

import pytest
from support.process import free_port, run
from support.tps import BINARY, Tps, clean_environment, tps

DATABASE = {"database-url", "prepared-statements", "assets", "log-level", "log-format"}
TLS = {"tls-certificate", "tls-key", "tls-client-ca"}
SERVER = TLS | {"listen", "trusted-proxies", "drain-delay", "drain-timeout", "max-connections", "connections-per-client",
                "io-threads", "header-timeout", "body-timeout", "idle-timeout", "max-body-memory"}
READ_BY = {
    ("worker",): DATABASE | SERVER | {"migrate", "partitions", "settle-batch"},
    ("migrate",): DATABASE | {"partitions"},
    ("import",): DATABASE | {"partitions", "max-flight"},
    ("export",): DATABASE,
    ("verify",): DATABASE,
    ("backup",): DATABASE,
    ("restore",): DATABASE,
    ("keys", "create"): DATABASE,
    ("keys", "list"): DATABASE,
    ("keys", "revoke"): DATABASE,
    ("health",): TLS | {"listen"},
    ("hash-password",): set(),
    ("version",): set(),
    ("completion",): set(),
    ("man",): set(),
}
ALONE = [("hash-password",), ("version",), ("completion",), ("man",)]
COMMANDS = [(), ("serve",), ("config",), ("keys",), *READ_BY]


def help_of(*command, everything=True, columns=80):
    done = tps(*command, "--help-all" if everything else "--help", environment={"COLUMNS": str(columns)})
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def options_in(text):
    return set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def settings():
    done = tps("config", "--json")
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("command", READ_BY, ids=" ".join)
def test_a_command_shows_the_settings_that_it_reads_and_no_others(settings, command):
    shown = options_in(help_of(*command)) & settings
    assert shown == READ_BY[command] | (set() if command in ALONE else {"config"})


@pytest.mark.parametrize("command", ["serve", "config"])
def test_serve_and_config_show_every_setting(settings, command):
    assert settings <= options_in(help_of(command))


def test_the_short_help_says_what_it_leaves_out(settings):
    short, everything = help_of("serve", everything=False), help_of("serve")
    left_out = options_in(everything) - options_in(short)
    assert f"tps serve --help-all shows {len(left_out)} more options." in short
    assert {"listen", "database-url", "migrate", "worker", "redis-url", "log-level"} <= options_in(short)
    assert {"header-timeout", "submit-queue", "jwt-previous-secret"} <= left_out


def test_settings_stand_in_groups_with_units_and_defaults():
    text = help_of("serve", columns=300)
    titles = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert titles == ["Examples", "Listen", "Database", "Cache", "Access", "Limits", "Logging", "Options"]
    for line in ("--request-timeout N .*\\[default: 10000 ms, 4000 to 600000\\]", "--worker, --no-worker .*\\[default: on\\]",
                 "--log-level WORD .*: debug, info, warn or error \\[default: info\\]",
                 "--rate-limit N +requests per second per caller .*, averaged over 10 s; excess requests get 429 \\(0 = unlimited\\)",
                 "--submit-queue N +maximum queued writes; above it requests get 503",
                 "--insecure-no-auth.*\n? +allow listening on non-loopback addresses without authentication"):
        assert re.search(line, text), line
    assert "[default: 127.0.0.1:8001]" in help_of("worker", columns=300)


@pytest.mark.parametrize("columns", [60, 80, 132])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(command, columns):
    """Examples may be wider, since users copy them."""
    inside = False
    for line in help_of(*command, columns=columns).splitlines():
        inside = line == "Examples:" or (inside and line != "")
        assert inside or len(line) <= columns, line


def test_both_ways_to_ask_for_help():
    assert tps("help", "keys", "create").stdout == tps("keys", "create", "--help").stdout == tps("keys", "create", "-h").stdout
    assert tps("help").stdout == tps("--help").stdout
    wrong = tps("help", "serv")
    assert wrong.returncode == 2 and "did you mean serve?" in wrong.stderr


WRONG = [
    (["serve", "--log-level=debg"], ["log-level", "debug, info, warn or error", "did you mean debug?"]),
    (["serve", "--log-formt=json"], ["did you mean --log-format?"]),
    (["export", "--listen", "127.0.0.1:1"], ["--listen", "an option of serve, worker"]),
    (["verify", "--redis-url=redis://u:canary@h"], ["--redis-url", "an option of serve"]),
    (["export", "--form", "csv"], ["did you mean --format?"]),
    (["import", "x.csv", "--format", "cvs"], ["--format", "did you mean csv?"]),
    (["serve", "--port", "99999"], ["--port", "65535"]),
    (["serve", "--port", "x"], ["--port", "x"]),
    (["serve", "--worker=maybe"], ["true or false"]),
    (["serve", "worker"], ["unknown command worker"]),
    (["completion", "bsh"], ["did you mean bash?"]),
    (["man", "nothing"], ["there is no command nothing"]),
]


@pytest.mark.parametrize("arguments, words", WRONG, ids=[" ".join(one) for one, _ in WRONG])
def test_a_mistyped_word_gets_a_suggestion(folder, arguments, words):
    done = tps(*arguments, cwd=folder, timeout=10)
    assert done.returncode == 2 and not done.stdout, done
    assert all(word in done.stderr for word in words), done.stderr
    assert "canary" not in done.stderr
    assert os.listdir(folder) == []


def test_settings_of_other_commands_in_the_environment_are_no_mistake(folder):
    done = tps("health", environment={"TPS_SETTLE_BATCH": "7", "DATABASE_URL": "mysql://elsewhere", "TPS_LISTEN": "127.0.0.1:1"})
    assert done.returncode == 1 and "127.0.0.1:1 is not ready" in done.stderr


# ---- --port

def listen_of(*arguments, **environment):
    done = tps("config", "--json", *arguments, environment=environment)
    return json.loads(done.stdout)["listen"]["value"]


def test_a_port_keeps_the_host():
    assert listen_of("--port", "9000") == "127.0.0.1:9000"
    assert listen_of("-p", "9000", TPS_LISTEN="0.0.0.0:1") == "0.0.0.0:9000"
    assert listen_of("-p9000", "--listen", "[::1]:1") == "[::1]:9000"


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_server_listens_on_the_port(folder, command):
    port = free_port()
    server = Tps(folder, "--port", port, command=command)
    server.port = port
    server.start()
    assert tps("health", "-p", str(port)).returncode == 0
    server.stop()


# ---- version

def test_the_version_for_people_and_for_programs():
    number = json.loads(tps("version", "--json").stdout)["version"]
    assert tps("version").stdout == tps("--version").stdout == f"tps {number}\n"


# ---- completion

def completed(folder, *words):
    """The completions that bash offers for the last word."""
    script = folder / "completion.bash"
    script.write_text(tps("completion", "bash").stdout)
    command = (f"source {script}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); "
               "name=$(complete -p tps | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); $name tps \"${@: -1}\" \"${@: -2:1}\"; "
               "printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", command, "bash", *words], capture_output=True, text=True, check=False, cwd=folder,
                          env=clean_environment(), timeout=20)
    assert done.returncode == 0 and not done.stderr, done
    return sorted(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_scripts(folder, shell):
    done = tps("completion", shell)
    assert done.returncode == 0 and "--no-worker" in done.stdout or "no-worker" in done.stdout
    path = folder / f"completion.{shell}"
    path.write_text(done.stdout)
    if shutil.which(shell):
        assert run([shell, "-n", path]).returncode == 0


def test_bash_completes_commands_options_and_values(folder):
    assert completed(folder, "tps", "ser") == ["serve"]
    assert completed(folder, "tps", "keys", "") == sorted(["create", "list", "revoke", "--help", "--help-all", "-h"])
    assert completed(folder, "tps", "serve", "--no-w") == ["--no-worker"]
    assert completed(folder, "tps", "migrate", "--lis") == []
    assert completed(folder, "tps", "serve", "--log-level", "") == ["debug", "error", "info", "warn"]
    assert completed(folder, "tps", "serve", "--log-level", "=", "wa") == ["warn"]
    assert completed(folder, "tps", "serve", "--log-level", "=") == ["debug", "error", "info", "warn"]
    assert completed(folder, "tps", "keys", "create", "--sub") == ["--subject"]
    assert completed(folder, "tps", "completion", "z") == ["zsh"]
    assert completed(folder, "tps", "help", "verif") == ["verify"]


def test_bash_completes_files(folder):
    (folder / "day.ndjson").write_text("")
    assert completed(folder, "tps", "import", "day") == ["day.ndjson"]
    assert completed(folder, "tps", "serve", "--config", "da") == ["day.ndjson"]
    assert completed(folder, "tps", "serve", "--listen", "da") == []


# ---- man pages

@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_man_pages_are_typeset_without_a_warning(command):
    done = tps("man", *command)
    assert done.returncode == 0 and done.stdout.startswith(".TH "), done
    sections = re.findall(r"^\.SH (.*)$", done.stdout, re.MULTILINE)
    assert sections[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    if shutil.which("groff"):
        set_in_type = run(["groff", "-man", "-ww", "-Tascii", "-P-cbou"], input=done.stdout)
        assert set_in_type.returncode == 0 and set_in_type.stderr == "", set_in_type.stderr
        for option in options_in(help_of(*command)):
            assert f"--{option}" in set_in_type.stdout, option


def test_a_person_reads_a_page():
    if not shutil.which("man"):
        pytest.skip("no man")
    text = subprocess.run(["bash", "-c", f"'{os.path.abspath(BINARY)}' man serve | man --warnings -l -"], capture_output=True,
                          text=True, check=False, env=clean_environment({"MANWIDTH": "80"}), timeout=20)
    assert text.returncode == 0 and not text.stderr, text.stderr
    assert "tps-serve - Serve transactions over HTTP" in text.stdout
