"""The files of a SQLite database: two servers, files that vanish, copies that are put in their place, damage, no room."""
import os
import resource
import shutil
import signal
import sqlite3

import pytest
from support.answers import assert_problem, new_user, pay
from support.database import SqliteDatabase
from support.process import run, wait_until
from support.tps import BINARY, Tps, tps

PAYMENT = {"user_id": "u", "amount": 1, "currency": "USD"}


@pytest.fixture
def server(folder):
    one = Tps(folder).start()
    yield one
    if one.running:
        one.kill()


def refused_start(folder, name="tps.db"):
    """The words of a server that does not start."""
    second = Tps(folder, "--database-url", f"sqlite:{name}").launch()
    assert second.process.wait(10) == 1
    return second.log()


def errors(server):
    return [record for record in server.log_records() if record["level"] == "error"]


def acknowledged(client, count):
    return [pay(client, new_user(), 1)["id"] for _ in range(count)]


# Two servers on one file.

def hard_link(folder):
    os.link(folder / "tps.db", folder / "other.db")
    return "other.db"


def symbolic_link(folder):
    (folder / "other.db").symlink_to("tps.db")
    return "other.db"


def no_lock_file(folder):
    (folder / "tps.db.lock").unlink()
    return "tps.db"


@pytest.mark.parametrize("other_name", [hard_link, symbolic_link, no_lock_file])
def test_a_second_server_is_refused_by_whatever_name(folder, server, other_name):
    name = other_name(folder)
    assert "in use by another tps" in refused_start(folder, name)
    with server.client() as client:
        acknowledged(client, 3)
    server.stop()
    assert not (folder / "tps.db-wal").exists(), "the one server had the file to itself"


def test_a_file_with_two_names_is_refused_by_every_command(folder, server):
    server.stop()
    other = hard_link(folder)
    for name in ("tps.db", other):
        words = refused_start(folder, name)
        assert "2 hard links" in words and "find -samefile" in words
        url = f"sqlite:{name}"
        for command in (["verify"], ["export"], ["migrate"], ["keys", "list"],
                        ["keys", "create", "--subject", "s", "--scopes", "transactions:read"]):
            done = tps(*command, "--database-url", url, cwd=folder)
            assert done.returncode == 1 and "2 hard links" in done.stderr, (command, done)
    (folder / other).unlink()
    Tps(folder).start().stop()


def test_other_programs_work_beside_a_server_as_before(folder, server):
    """The lock of the server and those of SQLite do not see each other, and SQLite's are still there."""
    with server.client() as client:
        acknowledged(client, 3)
        for command in (["verify"], ["export"], ["keys", "list"],
                        ["keys", "create", "--subject", "s", "--scopes", "transactions:read"]):
            done = tps(*command, cwd=folder)
            assert done.returncode == 0, done.stderr
        assert run(["sqlite3", "-cmd", ".timeout 5000", folder / "tps.db", f".backup '{folder}/copy.db'"]).returncode == 0
        beside = sqlite3.connect(folder / "tps.db", timeout=0.2)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            beside.execute("PRAGMA journal_mode = DELETE")
        beside.close()
        acknowledged(client, 1)
    server.stop()
    assert tps("verify", cwd=folder).returncode == 0


# Files that vanish under a server.

def remove(path):
    path.unlink()


def move_away(path):
    path.rename(f"{path}.away")


def replace_by_a_copy(path):
    shutil.copy(path, f"{path}.copy")
    os.replace(f"{path}.copy", path)


@pytest.mark.parametrize("harm", [remove, move_away, replace_by_a_copy])
@pytest.mark.parametrize("name", ["tps.db", "tps.db-wal", "tps.db-shm"])
def test_nothing_is_acknowledged_into_a_file_that_is_gone(folder, server, name, harm):
    with server.client() as client:
        acknowledged(client, 3)
        harm(folder / name)
        first = client.post("/transactions", PAYMENT)
        assert first.status in (503, 504), first.body
        problem = assert_problem(client.post("/transactions", PAYMENT), 503, "database_damaged")
        assert problem["retryable"] is False
        batch = client.post("/transactions/batch", {"transactions": [PAYMENT, PAYMENT]})
        assert {item["problem"]["code"] for item in batch.json()["results"]} == {"database_damaged"}
        wait_until(lambda: server.status("/readiness") == 503)
        assert "damaged or gone" in client.get("/readiness").json()["detail"]
    wait_until(lambda: errors(server))
    server.stop()
    assert len(errors(server)) == 1 and name in errors(server)[0]["detail"], errors(server)


def test_an_idle_server_notices_that_its_file_is_gone(folder, server):
    move_away(folder / "tps.db")
    wait_until(lambda: server.status("/readiness") == 503)
    (folder / "tps.db.away").rename(folder / "tps.db")
    assert server.status("/readiness") == 503, "only a restart reads what is there now"
    server.stop()
    again = Tps(folder).start()
    with again.client() as client:
        acknowledged(client, 1)
    again.stop()


def test_what_was_acknowledged_is_there_when_the_file_is_put_back(folder, server):
    with server.client() as client:
        ids = acknowledged(client, 5)
        (folder / "away").mkdir()
        for path in list(folder.glob("tps.db*")):
            path.rename(folder / "away" / path.name)
        assert client.post("/transactions", PAYMENT).status in (503, 504)
    server.kill()
    for path in (folder / "away").iterdir():
        path.rename(folder / path.name)
    again = Tps(folder).start()
    with again.client() as client:
        assert {client.get(f"/transactions/{id_}").status for id_ in ids} == {200}
    again.stop()


# Damage and a disk without room.

def damage(path, table):
    """Overwrites the first page of a table with 0xff."""
    connection = sqlite3.connect(path)
    page, = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    size, = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_damaged_file_is_told_once_and_no_client_shall_try_again(folder, server):
    with server.client() as client:
        acknowledged(client, 3)
    server.stop()
    damage(folder / "tps.db", "transaction_log")
    server.launch()
    wait_until(lambda: server.status("/health") == 200)
    with server.client() as client:
        for _ in range(3):
            problem = assert_problem(client.post("/transactions", PAYMENT), 503, "database_damaged")
            assert problem["retryable"] is False
            assert_problem(client.get("/transactions/1"), 503, "database_damaged")
        wait_until(lambda: server.status("/readiness") == 503)
        assert "damaged" in client.get("/readiness").json()["detail"]
    wait_until(lambda: errors(server))
    server.stop()
    assert len(errors(server)) == 1 and "malformed" in errors(server)[0]["detail"]


@pytest.fixture
def limited(folder):
    """A server whose files may not grow beyond a limit: as with a full disk, writes fail, and what is there is there."""
    script = folder / "limited"
    script.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec '{os.path.abspath(BINARY)}' \"$@\"\n")
    script.chmod(0o755)
    one = Tps(folder, binary=script).start()
    yield one
    if one.running:
        one.kill()


def limit(server, size):
    resource.prlimit(server.process.child.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_disk_without_room(folder, limited):
    with limited.client() as client:
        ids = acknowledged(client, 20)
        limit(limited, (folder / "tps.db-wal").stat().st_size)
        big = {"transactions": [PAYMENT | {"description": "x" * 200}] * 500}
        answer = client.post("/transactions/batch?atomic=true", big)
        assert {item["problem"]["code"] for item in answer.json()["results"]} == {"database_full"}
        answer = client.post("/transactions", PAYMENT)
        problem = assert_problem(answer, 503, "database_full")
        assert problem["retryable"] is True and answer.headers["retry-after"]
        wait_until(lambda: limited.status("/readiness") == 503)
        assert {client.get(f"/transactions/{id_}").status for id_ in ids} == {200}
        limit(limited, resource.RLIM_INFINITY)
        wait_until(lambda: limited.status("/readiness") == 200, 30)
        ids += acknowledged(client, 3)
    limited.stop()
    told = [record["message"] for record in limited.log_records() if "database" in record["message"]]
    assert told.count("the database is full") == told.count("the database works again") == 1, told
    assert tps("verify", cwd=folder).returncode == 0
    assert SqliteDatabase(folder / "tps.db").rows("SELECT count(*) FROM transaction_log")[0][0] >= len(ids)


def test_signals_still_end_a_server_whose_file_is_gone(folder, server):
    remove(folder / "tps.db")
    assert server.process.end(signal.SIGTERM) == 0
