"""`tps export`: all transactions, as the API shows them, in a form that `tps import` reads."""
import csv
import io
import json
import os
import subprocess
from decimal import Decimal

import pytest
from support.history import check, wait_settled
from support.sample import Sample
from support.store import STORES, empty_store, served, settle
from support.tps import BINARY, clean_environment, tps

ACCOUNTS = "SELECT user_id, currency, posted, held FROM accounts ORDER BY 1, 2"
INSTRUCTIONS = ("SELECT user_id, to_user_id, amount_minor, currency, reference, description, metadata"
                " FROM transaction_log ORDER BY id")
COUNT = 3000


@pytest.fixture(scope="module", params=STORES)
def full(request, tmp_path_factory):
    """A settled database with a sample in it."""
    folder = tmp_path_factory.mktemp("full")
    database = empty_store(request.param, folder, request)
    path = folder / "day.ndjson"
    path.write_text(Sample(COUNT, 0).ndjson())
    assert tps("import", path, "--database-url", database.url, timeout=60).returncode == 0
    settle(database, folder)
    return database


def export(database, *arguments):
    done = tps("export", "--database-url", database.url, *arguments, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bodies_of(text):
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def api_bodies(server):
    """All transactions as the API lists them, the oldest first."""
    with server.client() as client:
        bodies, path = [], "/transactions?limit=1000"
        while path:
            page = client.get(path).json()
            bodies += page["data"]
            path = page["next_cursor"] and f"/transactions?limit=1000&cursor={page['next_cursor']}"
    return bodies[::-1]


def test_ndjson_is_what_the_api_shows(full, folder):
    """Also while a server runs on the database."""
    with served(full, folder) as server:
        bodies = api_bodies(server)
        exported = bodies_of(export(full))
    assert exported == bodies and len(bodies) == COUNT


def test_csv_has_the_same(full):
    bodies = bodies_of(export(full))
    rows = list(csv.DictReader(io.StringIO(export(full, "--format", "csv"))))
    assert len(rows) == len(bodies)
    for row, body in zip(rows, bodies):
        assert Decimal(row.pop("amount")) == body.pop("amount")
        shown = {name: json.loads(value) if name in ("id", "metadata") else value for name, value in row.items() if value}
        assert shown == {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("name", ["all.ndjson", "all.csv"])
def test_an_export_imported_elsewhere_gives_the_same_balances(full, folder, request, name):
    path = folder / name
    summary = json.loads(export(full, "--output", path, "--json"))
    assert summary["transactions"] == COUNT and summary["after"] == [COUNT]
    other = empty_store("sqlite", folder, request, "other")
    done = tps("import", path, "--from-export", "--database-url", other.url, timeout=60)
    assert done.returncode == 0, done
    settle(other, folder)
    check(other)
    assert other.rows(INSTRUCTIONS) == full.rows(INSTRUCTIONS)
    assert other.rows(ACCOUNTS) == full.rows(ACCOUNTS)


def test_only_what_is_newer(full):
    ids = [json.loads(line)["id"] for line in export(full, "--after", COUNT - 5).splitlines()]
    assert ids == list(range(COUNT - 4, COUNT + 1))
    assert export(full, "--after", COUNT) == ""


def test_lines_that_import_rejects_are_named(folder, request):
    """Holds and what follows them are in an export; an import rejects them by name."""
    database = empty_store("sqlite", folder, request)
    with served(database, folder) as server, server.client() as client:
        client.post("/transactions", {"user_id": "u", "amount": 5, "currency": "USD"})
        client.post("/transactions", {"user_id": "u", "amount": 2, "currency": "USD", "type": "withdrawal",
                                      "capture": "manual"})
        wait_settled(database)
    path = folder / "all.ndjson"
    export(database, "--output", path)
    other = empty_store("sqlite", folder, request, "other")
    assert tps("import", path, "--from-export", "--database-url", other.url).returncode == 3
    reject = json.loads((folder / "all.ndjson.rejects.ndjson").read_text())
    assert reject["line"] == 2 and reject["errors"][0]["pointer"] == "/capture"


def test_only_a_regular_file_is_replaced(full, folder):
    target = folder / "target.ndjson"
    target.write_text("before")
    target.chmod(0o644)
    (folder / "link").symlink_to(target)
    export(full, "--output", folder / "link")
    assert (folder / "link").is_symlink() and target.stat().st_mode & 0o777 == 0o644
    assert target.read_text().count("\n") == COUNT
    (folder / "nowhere").symlink_to(folder / "missing" / "file")
    assert tps("export", "--database-url", full.url, "--output", folder / "nowhere").returncode == 1
    assert (folder / "nowhere").is_symlink()

    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with open(folder / "copy", "wb") as copy, subprocess.Popen(["cat", pipe], stdout=copy) as reader:
        export(full, "--output", pipe)
        assert reader.wait(timeout=30) == 0
    assert (folder / "copy").read_bytes().count(b"\n") == COUNT
    assert pipe.is_fifo()
    (folder / "null").symlink_to("/dev/null")
    export(full, "--output", folder / "null")
    assert (folder / "null").is_char_device()


def test_the_file_is_replaced_whole_or_not_at_all(full, folder):
    path = folder / "all.ndjson"
    path.write_text("before")
    done = tps("export", "--database-url", "postgresql://user@127.0.0.1:1/db", "--output", path, timeout=30)
    assert done.returncode == 1 and path.read_text() == "before"
    assert tps("export", "--database-url", full.url, "--output", "/nowhere/x").returncode == 1
    export(full, "--output", path)
    assert path.read_text().count("\n") == COUNT and os.listdir(folder) == ["all.ndjson"]


def test_the_reader_of_the_pipe_ends(full):
    command = f"'{os.path.abspath(BINARY)}' export --database-url '{full.url}' --quiet; echo $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | head -n 1"], capture_output=True, text=True, check=False,
                          env=clean_environment(), timeout=30)
    assert done.stdout.count("\n") == 1 and done.stderr == "1\n", done


def test_a_database_that_is_not_there(folder):
    done = tps("export", "--database-url", f"sqlite:{folder}/none.db")
    assert done.returncode == 1 and done.stderr and os.listdir(folder) == []


@pytest.mark.parametrize("arguments, words", [(["--json"], "--output"), (["--format", "xml"], "--format"),
                                              (["--after", "x"], "--after")])
def test_usage(folder, arguments, words):
    done = tps("export", *arguments, "--database-url", f"sqlite:{folder}/tps.db")
    assert done.returncode == 2 and words in done.stderr
