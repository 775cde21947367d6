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


def test_another_database_in_its_place_is_left_alone(folder, server):
    """A server whose files were taken away neither writes nor removes those that came in their place."""
    (folder / "away").mkdir()
    (folder / "new").mkdir()
    other = Tps(folder / "new").start()
    with other.client() as client:
        ids = acknowledged(client, 3)
    other.kill()
    with server.client() as client:
        acknowledged(client, 2)
    for path in list(folder.glob("tps.db*")):
        path.rename(folder / "away" / path.name)
    for path in list((folder / "new").glob("tps.db*")):
        path.rename(folder / path.name)
    wait_until(lambda: server.status("/readiness") == 503)
    server.stop()
    again = Tps(folder).start()
    with again.client() as client:
        assert {client.get(f"/transactions/{id_}").status for id_ in ids} == {200}
    again.stop()
    assert count(folder / "tps.db") == 3


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
    damage(folder / "tps.db", "settlement_log")
    server.launch()
    wait_until(lambda: server.status("/readiness") == 503)
    with server.client() as client:
        for _ in range(3):
            problem = assert_problem(client.post("/transactions", PAYMENT), 503, "database_damaged")
            assert problem["retryable"] is False
            assert_problem(client.get("/transactions/1"), 503, "database_damaged")
        assert "damaged" in client.get("/readiness").json()["detail"]
    wait_until(lambda: errors(server))
    server.stop()
    assert len(errors(server)) == 1 and "malformed" in errors(server)[0]["detail"]


def test_a_file_that_is_damaged_at_the_start_is_refused(folder, server):
    server.stop()
    damage(folder / "tps.db", "transaction_log")
    assert "damaged" in refused_start(folder)


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


# A copy in the place of the database.

def copied_over(folder, backup):
    """As an operator restores who does not know of the log: the copy takes the place of the file, the log stays."""
    shutil.copyfile(backup, folder / "tps.db")


def count(path):
    return SqliteDatabase(path).rows("SELECT count(*) FROM transaction_log")[0][0]


@pytest.fixture
def crashed(folder, server):
    """A backup with 5 transactions, and a server that was killed when it had 12."""
    with server.client() as client:
        acknowledged(client, 5)
        assert run(["sqlite3", folder / "tps.db", f".backup '{folder}/backup.db'"]).returncode == 0
        acknowledged(client, 7)
    server.kill()
    return server


def test_a_backup_beside_the_log_of_another_file_is_refused(folder, crashed):
    copied_over(folder, folder / "backup.db")
    words = refused_start(folder)
    assert "another one was copied over it" in words and "rm " in words
    for command in (["verify"], ["export"], ["keys", "list"], ["migrate"], ["backup", "x.db"],
                    ["keys", "create", "--subject", "s", "--scopes", "transactions:read"]):
        done = tps(*command, cwd=folder)
        assert done.returncode == 1 and "another one was copied over it" in done.stderr, (command, done)
    for name in ("tps.db-wal", "tps.db-shm"):  # as the words say
        (folder / name).unlink()
    crashed.start()
    crashed.stop()
    assert count(folder / "tps.db") == 5
    assert tps("verify", cwd=folder).returncode == 0


def test_a_crash_alone_is_no_reason_to_refuse(folder, server):
    for _ in range(3):
        with server.client() as client:
            acknowledged(client, 2)
        server.kill()
        assert tps("verify", cwd=folder).returncode == 0
        server.start()
    server.stop()
    assert count(folder / "tps.db") == 6


def test_a_crash_after_a_checkpoint_is_no_reason_to_refuse(folder, server):
    """64 MB of log: then the file changes while the server runs, and the server records that."""
    size = (folder / "tps.db").stat().st_size
    items = [PAYMENT | {"metadata": {str(key): "x" * 400 for key in range(8)}} for _ in range(1000)]
    with server.client(timeout=30) as client:
        for _ in range(60):
            assert client.post("/transactions/batch", {"transactions": items}).status == 200
            if (folder / "tps.db").stat().st_size > size:
                break
        assert (folder / "tps.db").stat().st_size > size, "no checkpoint"
        acknowledged(client, 1)
    server.kill()
    server.start()
    server.stop()
    assert tps("verify", cwd=folder).returncode == 0


# tps backup and tps restore.

def test_a_backup_is_one_moment_of_a_server_under_load(folder, server):
    with server.client() as client:
        ids = acknowledged(client, 20)
        done = tps("backup", "copy.db", cwd=folder)
        assert done.returncode == 0 and "0 differences" in done.stdout, done
        acknowledged(client, 3)
    server.stop()
    assert count(folder / "copy.db") == len(ids)
    assert oct((folder / "copy.db").stat().st_mode & 0o777) == "0o600"
    assert not list(folder.glob("copy.db*.part*"))


def test_a_backup_replaces_a_file_only_with_force(folder, server):
    server.stop()
    (folder / "copy.db").write_text("precious")
    done = tps("backup", "copy.db", cwd=folder)
    assert done.returncode == 1 and "--force" in done.stderr and (folder / "copy.db").read_text() == "precious"
    assert tps("backup", "tps.db", "--force", cwd=folder).returncode == 1, "not over itself"
    assert tps("backup", "copy.db", "--force", cwd=folder).returncode == 0
    assert tps("verify", "--database-url", "sqlite:copy.db", cwd=folder).returncode == 0


@pytest.mark.parametrize("table", ["transaction_log", "store"])
def test_a_damaged_database_gives_no_backup(folder, server, table):
    server.stop()
    (folder / "old.db").write_text("the last good one")
    damage(folder / "tps.db", table)
    done = tps("backup", "old.db", "--force", cwd=folder)
    assert done.returncode == 1 and ("damaged" in done.stderr or "malformed" in done.stderr), done
    assert (folder / "old.db").read_text() == "the last good one"
    assert not list(folder.glob("old.db?*"))


def test_a_restore_gives_the_backup_and_nothing_of_the_log(folder, crashed):
    assert tps("restore", "backup.db", cwd=folder).returncode == 1, "the database is there"
    done = tps("restore", "backup.db", "--force", cwd=folder)
    assert done.returncode == 0 and "0 differences" in done.stdout, done
    assert not (folder / "tps.db-wal").exists() or (folder / "tps.db-wal").stat().st_size == 0
    assert count(folder / "tps.db") == count(folder / "backup.db") == 5
    crashed.start()
    with crashed.client() as client:
        assert acknowledged(client, 1) == [6]
    crashed.stop()


def test_a_restore_after_a_wrong_one(folder, crashed):
    copied_over(folder, folder / "backup.db")
    assert "another one was copied" in refused_start(folder)
    done = tps("restore", "backup.db", "--force", cwd=folder)
    assert done.returncode == 0, done
    crashed.start()
    crashed.stop()
    assert count(folder / "tps.db") == 5


def test_a_restore_in_the_place_of_a_damaged_database(folder, crashed):
    for name in ("tps.db", "tps.db-wal"):
        size = (folder / name).stat().st_size
        (folder / name).write_bytes(b"\xff" * size)
    assert tps("restore", "backup.db", "--force", cwd=folder).returncode == 0
    crashed.start()
    crashed.stop()
    assert count(folder / "tps.db") == 5


def test_a_restore_where_no_database_is(folder, crashed):
    done = tps("restore", folder / "backup.db", "--database-url", "sqlite:new.db", cwd=folder)
    assert done.returncode == 0 and count(folder / "new.db") == 5
    epochs = "SELECT count(*) FROM epoch_log"
    assert SqliteDatabase(folder / "new.db").rows(epochs)[0][0] == 1 + SqliteDatabase(folder / "backup.db").rows(epochs)[0][0]


def test_no_restore_under_a_running_server(folder, server):
    with server.client() as client:
        acknowledged(client, 2)
        assert tps("backup", "copy.db", cwd=folder).returncode == 0
        done = tps("restore", "copy.db", "--force", cwd=folder)
        assert done.returncode == 1 and "in use by another tps" in done.stderr
        acknowledged(client, 1)
    server.stop()
    assert count(folder / "tps.db") == 3


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500, None])
def test_what_is_no_backup_is_not_restored(folder, server, content):
    with server.client() as client:
        acknowledged(client, 2)
    server.stop()
    if content is None:
        sqlite3.connect(folder / "bad.db").execute("CREATE TABLE other (x)").connection.close()
    else:
        (folder / "bad.db").write_bytes(content)
    for target in ("tps.db", "new.db"):
        done = tps("restore", "bad.db", "--force", "--database-url", f"sqlite:{target}", cwd=folder)
        assert done.returncode == 1, done
    assert not (folder / "new.db").exists() and count(folder / "tps.db") == 2
    assert tps("restore", "missing.db", "--force", cwd=folder).returncode == 1
    assert tps("verify", cwd=folder).returncode == 0


def test_postgresql_has_its_own_tools(folder):
    url = ("--database-url", "postgresql://tps:secret@db/tps")
    for command, words in (("backup", "pg_dump"), ("restore", "pg_restore")):
        done = tps(command, "file", *url, cwd=folder)
        assert done.returncode == 2 and words in done.stderr and "secret" not in done.stderr
