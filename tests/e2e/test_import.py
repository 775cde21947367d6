"""`tps import`: every good line is imported once, every bad one is in the reject file with its line, also after crashes."""
import json
import os
import subprocess

import pytest
from support.history import check
from support.process import Process, wait_until
from support.sample import Sample, make_sample
from support.store import STORES, empty_store, served, settle
from support.tps import BINARY, clean_environment, tps

COUNT = 10_000
LOGGED = "SELECT description, created_by FROM transaction_log ORDER BY id"
GOOD = '{"user_id":"u","amount":1,"currency":"USD"}\n'
SMALL_BATCHES = {"TPS_MAX_FLIGHT": "100"}


@pytest.fixture(params=STORES)
def store(request, folder):
    return empty_store(request.param, folder, request)


@pytest.fixture
def sqlite(request, folder):
    return empty_store("sqlite", folder, request)


def run_import(database, path, *arguments, **options):
    """(exit code, summary) of an import; it must have one."""
    done = tps("import", path, "--database-url", database.url, "--json", *arguments, timeout=60, **options)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def rejects_of(path):
    return [json.loads(line) for line in path.with_name(path.name + ".rejects.ndjson").read_text().splitlines()]


def count(database):
    return database.rows("SELECT count(*) FROM transaction_log")[0][0]


def counts(summary):
    return summary["imported"], summary["already_there"], summary["rejected"]


def check_all_in(database, sample, folder):
    """Nothing twice, nothing missing, in the file's order; balances equal the fold of the log."""
    assert database.rows(LOGGED) == [(f"line {number}", "import") for number, _ in sample.valid()]
    settle(database, folder)
    records = check(database)
    assert {row[0]: int(row[1]) for row in records.totals} == sample.deposited()


def check_rejects(path, sample, first_line):
    found = {one["line"] - first_line: one for one in rejects_of(path)}
    assert set(found) == set(sample.invalid)
    for number, pointer in sample.invalid.items():
        assert pointer is None or any(error["pointer"] == pointer for error in found[number]["errors"]), found[number]


@pytest.fixture
def sample_file(folder):
    sample = Sample(COUNT, holds_percent=5)
    path = folder / "day.ndjson"
    path.write_text(sample.ndjson())
    return sample, path


def test_a_file_killed_again_and_again(store, folder, sample_file):
    """G2: after each kill -9, the same command continues the import."""
    sample, path = sample_file
    command = [os.path.abspath(BINARY), "import", str(path), "--database-url", store.url]
    if store.url.startswith("sqlite"):
        tps("migrate", "--database-url", store.url)
    for _ in range(5):
        before = count(store)
        process = Process(command, folder / "log", environment=clean_environment(SMALL_BATCHES))
        wait_until(lambda: count(store) > before or not process.running, 30, "a batch")
        process.kill()
    assert 0 < count(store) < COUNT, "it was never interrupted in the middle"
    before = count(store)
    code, summary = run_import(store, path)
    good = COUNT - len(sample.invalid)
    imported, already_there, rejected = counts(summary)
    assert (code, imported + already_there, rejected) == (3, good, len(sample.invalid)), summary
    # A backend may still commit the batch that it was given before the last kill.
    assert before <= already_there <= before + int(SMALL_BATCHES["TPS_MAX_FLIGHT"]), (before, summary)
    check_rejects(path, sample, 1)
    assert counts(run_import(store, path)[1]) == (0, good, len(sample.invalid))
    check_all_in(store, sample, folder)


def test_the_database_restarts_meanwhile(request, folder, sample_file):
    """G8: the import retries a batch with an unknown outcome."""
    sample, path = sample_file
    database = empty_store("postgres", folder, request)
    process = Process([os.path.abspath(BINARY), "import", str(path), "--database-url", database.url], folder / "log",
                      environment=clean_environment(SMALL_BATCHES))
    wait_until(lambda: count(database) > 0, 30, "a batch")
    request.getfixturevalue("postgres").restart_immediately()
    assert process.wait(60) == 3, (folder / "log").read_text()
    check_all_in(database, sample, folder)


def test_csv(store, folder):
    sample = Sample(2000, holds_percent=5, faults=make_sample.CSV_FAULTS)
    path = folder / "day.csv"
    path.write_text(sample.csv())
    code, summary = run_import(store, path)
    assert (code, counts(summary)) == (3, (2000 - len(sample.invalid), 0, len(sample.invalid)))
    check_rejects(path, sample, 2)
    check_all_in(store, sample, folder)


def test_csv_fields_with_quotes_and_line_feeds(sqlite, folder):
    path = folder / "day.csv"
    path.write_text('user_id,amount,currency,description,metadata.note\r\n'
                    '"a, b",1.50,usd,"say ""hi"", =1+1",x\r\n'
                    'c,1,USD,"two\nlines",\r\n'
                    'd,2,USD,a"b,\r\n'
                    'e,3,USD,,"{""y"":1}"\r\n')
    assert run_import(sqlite, path)[0] == 3
    assert [(one["line"], one["code"]) for one in rejects_of(path)] == [(3, "validation_failed"), (5, "malformed_csv")]
    assert rejects_of(path)[0]["text"] == 'c,1,USD,"two\nlines",'
    assert sqlite.rows("SELECT user_id, amount_minor, description, metadata FROM transaction_log ORDER BY id") == [
        ("a, b", 150, 'say "hi", =1+1', '{"note":"x"}'), ("e", 300, None, '{"note":"{\\"y\\":1}"}')]


def test_what_the_store_refuses_is_rejected_by_line(sqlite, folder):
    path = folder / "day.ndjson"
    line = '{{"user_id":"u","amount":{},"currency":"USD","reference":"{}","idempotency_key":"{}"}}\n'.format
    path.write_text(line(1, "a", "k1") + line(2, "a", "k2") + line(3, "b", "k1") + line(1, "a", "k1") +
                    line(4, "c", "k 3"))
    code, summary = run_import(sqlite, path, "--key-column", "idempotency_key")
    assert (code, counts(summary)) == (3, (1, 1, 3))
    assert [(one["line"], one["code"], one.get("existing_id")) for one in rejects_of(path)] == [
        (2, "duplicate_reference", 1), (3, "idempotency_key_reused", None), (5, "validation_failed", None)]


def test_keys_are_shared_with_the_api_where_that_is_asked_for(sqlite, folder):
    path = folder / "day.csv"
    path.write_text("user_id,amount,currency,reference\nu,1,USD,r1\n")
    run_import(sqlite, path, "--key-column", "reference", "--principal", "anonymous")
    with served(sqlite, folder) as server, server.client() as client:
        body = {"user_id": "u", "amount": 1, "currency": "USD", "reference": "r1"}
        answer = client.post("/transactions", body, {"Idempotency-Key": "r1"})
    assert answer.status == 201 and answer.headers["idempotent-replayed"] == "true", answer


def test_lines_mended_in_place_go_in_under_the_same_name(sqlite, folder):
    path = folder / "day.ndjson"
    path.write_text(GOOD + GOOD.replace("1", "-1") + GOOD)
    assert counts(run_import(sqlite, path, "--name", "day 1")[1]) == (2, 0, 1)
    path.write_text(GOOD + GOOD.replace("1", "2") + GOOD)
    assert run_import(sqlite, path, "--name", "day 1") == (0, run_import(sqlite, path, "--name", "day 1")[1] | {
        "imported": 1, "already_there": 2, "seconds": pytest.approx(0, abs=60)})
    assert count(sqlite) == 3


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
@pytest.mark.parametrize("name", ["day.ndjson", "day.csv"])
def test_an_empty_file(sqlite, folder, name, text):
    path = folder / name
    path.write_text(text)
    code, summary = run_import(sqlite, path)
    assert (code, counts(summary)) == (0, (0, 0, 0))
    assert [one.name for one in folder.iterdir() if "rejects" in one.name] == []


def test_a_huge_line(sqlite, folder):
    path = folder / "day.ndjson"
    path.write_text(GOOD + '{"user_id":"' + "x" * 50_000_000 + '"}\n' + GOOD)
    code, summary = run_import(sqlite, path)
    assert (code, counts(summary)) == (3, (2, 0, 1))
    reject = rejects_of(path)[0]
    assert (reject["line"], reject["code"]) == (2, "line_too_long") and len(reject["text"]) == 1000


def test_bytes_that_are_no_text(sqlite, folder):
    path = folder / "day.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b'{"user_id":"\xff"}\n\x00\n' + GOOD.encode())
    assert counts(run_import(sqlite, path)[1]) == (2, 0, 2)
    assert [one["line"] for one in rejects_of(path)] == [2, 3]


def test_standard_input_needs_a_name(sqlite):
    command = [os.path.abspath(BINARY), "import", "-", "--format", "ndjson", "--database-url", sqlite.url]
    options = {"input": GOOD, "capture_output": True, "text": True, "env": clean_environment(), "timeout": 30}
    assert subprocess.run(command, check=False, **options).returncode == 2
    for expected in ("imported                    1", "already there               1"):
        done = subprocess.run([*command, "--name", "pipe"], check=False, **options)
        assert done.returncode == 0 and expected in done.stdout, done


def test_too_many_rejects_end_it(sqlite, folder):
    path = folder / "day.ndjson"
    path.write_text(GOOD + "x\n" * 300 + GOOD)
    code, summary = run_import(sqlite, path, "--max-rejects", "10", environment=SMALL_BATCHES)
    assert code == 1 and not summary["complete"]
    assert run_import(sqlite, path, "--max-rejects", "300")[0] == 3


def test_ctrl_c_says_how_to_go_on(sqlite, folder):
    tps("migrate", "--database-url", sqlite.url)
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    process = Process([os.path.abspath(BINARY), "import", str(pipe), "--format", "ndjson", "--name", "n",
                       "--database-url", sqlite.url], folder / "log",
                      environment=clean_environment({"TPS_MAX_FLIGHT": "1"}))
    with open(pipe, "w", encoding="utf-8") as writer:
        writer.write(GOOD * 3)
        writer.flush()
        wait_until(lambda: count(sqlite) > 0, 10, "the first line")
        assert process.end() == 1
    log = (folder / "log").read_text()
    assert "interrupted" in log and "--name 'n'" in log and "imported" in log


WRONG = [
    ("no file", "nowhere.ndjson", None, [], 1, "nowhere.ndjson"),
    ("a folder", ".", None, ["--format", "csv"], 1, "folder"),
    ("no format", "day.txt", GOOD, [], 2, "--format"),
    ("no header", "day.csv", "u,1,USD\n", [], 1, "the first line must name the columns"),
    ("unknown column", "day.csv", "user_id,amount,currency,ammount\n", [], 1, '"ammount"'),
    ("missing column", "day.csv", "user_id,currency\n", [], 1, '"amount"'),
    ("no such key", "day.csv", "user_id,amount,currency\n", ["--key-column", "no"], 1, "--key-column"),
    ("no key", "day.ndjson", GOOD, ["--key-column", "amount"], 1, "--key-column"),
    ("wrong scheme", "day.ndjson", GOOD, ["--database-url", "mysql://h/db"], 2, "database-url"),
    ("nobody there", "day.ndjson", GOOD, ["--database-url", "postgresql://user@127.0.0.1:1/db"], 1, "connect"),
    ("rejects cannot be written", "day.ndjson", "x\n", ["--rejects", "/nowhere/x"], 1, "/nowhere/x"),
    ("slip", "day.ndjson", GOOD, ["--max-reject", "1"], 2, "--max-rejects"),
    ("negative patience", "day.ndjson", GOOD, ["--patience", "-1"], 2, "--patience"),
    ("no principal", "day.ndjson", GOOD, ["--principal", ""], 2, "--principal"),
]


@pytest.mark.parametrize("name, text, arguments, code, words",
                         [pytest.param(*case[1:], id=case[0]) for case in WRONG])
def test_what_is_wrong_as_a_whole_is_said(folder, name, text, arguments, code, words):
    if text is not None:
        (folder / name).write_text(text)
    done = tps("import", name, *arguments, cwd=folder, timeout=30)
    assert done.returncode == code and words in done.stderr, done


def test_a_database_in_use_is_left_alone(sqlite, folder):
    path = folder / "day.ndjson"
    path.write_text(GOOD)
    with served(sqlite, folder):
        done = tps("import", path, "--database-url", sqlite.url)
    assert done.returncode == 1 and "in use" in done.stderr


def test_help_shows_examples_first():
    done = tps("import", "--help")
    assert done.returncode == 0 and done.stdout.index("Examples:") < done.stdout.index("Options:")


def test_rejects_do_not_follow_a_link_that_no_user_chose(folder):
    path = folder / "day.ndjson"
    path.write_text("nothing\n")
    victim = folder / "victim"
    victim.write_text("precious")
    (folder / "day.ndjson.rejects.ndjson").symlink_to(victim)
    database = f"sqlite:{folder}/tps.db"
    done = tps("import", path, "--database-url", database)
    assert done.returncode == 1 and "is a symbolic link: choose a file with --rejects" in done.stderr, done.stderr
    assert victim.read_text() == "precious"
    assert tps("import", path, "--database-url", database, "--rejects", folder / "day.ndjson.rejects.ndjson").returncode == 3
    assert victim.read_text() != "precious"
