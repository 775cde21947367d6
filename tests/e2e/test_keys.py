"""`tps keys`: API keys are created, listed and revoked, and the database has only their hashes."""
import base64
import contextlib
import hashlib
import json
import os
import pwd
import re
import subprocess

import psycopg2
import pytest
from support.history import check, wait_settled
from support.load import Load, retry_unknown
from support.servers import POSTGRES_BIN, Postgres
from support.store import STORES, empty_postgres, empty_store, served
from support.tps import BINARY, clean_environment, tps

KEY = re.compile(r"tps_live_[A-Za-z0-9_-]{43}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MEMBERS = ["id", "subject", "scopes", "only_user", "status", "created_at", "created_by", "expires_at", "revoked_at",
           "revoked_by"]
ROWS = "SELECT key_id, action, done_at, done_by, subject, scopes, only_user, expires_at FROM api_key_log ORDER BY 1, 2"


@pytest.fixture(params=STORES)
def database(request, folder):
    """Migrated and empty, without a server."""
    if request.param == "postgres":
        return empty_postgres(request.getfixturevalue("postgres"))
    database = empty_store("sqlite", folder, request)
    assert tps("migrate", "--database-url", database.url).returncode == 0
    return database


def keys(database, *arguments, **options):
    return tps("keys", *arguments, "--database-url", database.url, **options)


def create(database, *arguments):
    """The members of a new key, the key itself among them."""
    given = arguments or ("--subject", "payments", "--scopes", "transactions:read,transactions:write")
    done = keys(database, "create", *given, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def listed(database):
    done = keys(database, "list", "--json")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


def all_bytes_of(database, folder):
    """The whole content of the database, as text or as bytes."""
    if hasattr(database, "path"):
        return b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith(database.path.name))
    command = [POSTGRES_BIN / "pg_dump", "--host", "127.0.0.1", "--port", str(database.server.port), "--username",
               "postgres", database.name]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


def operator():
    return "cli:" + pwd.getpwuid(os.getuid()).pw_name


def test_a_key_is_shown_once_and_alone(database):
    done = keys(database, "create", "--subject", "payments", "--scopes", "transactions:write transactions:read",
                "--expires-in", "90d")
    assert done.returncode == 0 and KEY.fullmatch(done.stdout.rstrip("\n")) and done.stdout.count("\n") == 1
    key = done.stdout.strip()
    assert key[:17] in done.stderr and "payments" in done.stderr and key[17:] not in done.stderr
    for arguments in (["list"], ["list", "--json"]):
        shown = keys(database, *arguments)
        assert shown.returncode == 0 and key[:17] in shown.stdout
        assert key[9:] not in shown.stdout + shown.stderr and key[17:] not in shown.stdout + shown.stderr


def test_a_key_is_what_was_asked_for(database):
    plain = create(database)
    full = create(database, "--subject", "the app ü", "--scopes", "admin", "--only-user", "user_11", "--expires-in", "1h")
    assert list(plain) == ["key", *MEMBERS]
    for one in (plain, full):
        key = one.pop("key")
        assert KEY.fullmatch(key) and one["id"] == key[:17] and one["created_by"] == operator()
        assert TIME.fullmatch(one["created_at"]) and one["status"] == "active" and one["revoked_at"] is None
    assert (plain["subject"], plain["scopes"]) == ("payments", "transactions:read transactions:write")
    assert plain["only_user"] is None and plain["expires_at"] is None
    assert (full["subject"], full["scopes"], full["only_user"]) == ("the app ü", "admin", "user_11")
    assert TIME.fullmatch(full["expires_at"]) and full["expires_at"] > full["created_at"]
    assert listed(database) == [plain, full]
    table = keys(database, "list").stdout.splitlines()
    assert len(table) == 3 and table[0].split()[:2] == ["ID", "STATUS"]
    assert table[1].split()[:2] == [plain["id"], "active"] and "the app ü" in table[2]


def test_only_the_hash_is_kept(database, folder):
    made = [create(database) for _ in range(3)]
    assert keys(database, "revoke", made[1]["id"]).returncode == 0
    kept = all_bytes_of(database, folder)
    for one in made:
        key, digest = one["key"], hashlib.sha256(one["key"].encode()).digest()
        assert digest in kept or digest.hex().encode() in kept, "else this test would find nothing"
        secret = base64.urlsafe_b64decode(key[9:] + "=")
        for trace in (key.encode(), key[9:].encode(), key[17:].encode(), secret, secret.hex().encode()):
            assert trace not in kept


def test_a_key_is_revoked_for_good(database):
    first, second = create(database), create(database)
    done = keys(database, "revoke", first["id"])
    assert done.returncode == 0 and done.stdout == "" and first["id"] in done.stderr
    revoked, untouched = listed(database)
    assert (revoked["id"], revoked["status"], revoked["revoked_by"]) == (first["id"], "revoked", operator())
    assert TIME.fullmatch(revoked["revoked_at"]) and untouched["status"] == "active"
    again = keys(database, "revoke", first["id"])
    assert again.returncode == 0 and listed(database) == [revoked, untouched]
    by_the_key = keys(database, "revoke", second["key"])
    assert by_the_key.returncode == 0 and second["key"][17:] not in by_the_key.stdout + by_the_key.stderr
    assert [one["status"] for one in listed(database)] == ["revoked", "revoked"]


@pytest.mark.parametrize("name", ["tps_live_nobody00", "", "' OR 1=1 --", "tps_live_\n", "x" * 10_000])
def test_a_similar_id_revokes_no_key(database, name):
    create(database)
    done = keys(database, "revoke", name)
    assert done.returncode == 1 and "there is no key" in done.stderr
    assert listed(database)[0]["status"] == "active"


def test_an_expired_key_is_listed_as_expired(database):
    """Inserts an expired key, since the shortest lifetime is a minute."""
    made = create(database, "--subject", "s", "--scopes", "admin", "--expires-in", "1m")
    assert made["status"] == "active"
    values = ("1, 2, x'{}'" if hasattr(database, "path") else "'1970-01-01Z', '1970-01-02Z', '\\x{}'").format("07" * 32)
    database.execute("INSERT INTO api_key_log (key_id, action, done_by, subject, scopes, done_at, expires_at, key_hash)"
                     f" VALUES ('old', 'c', 'by hand', 's', 'admin', {values})")
    assert [one["status"] for one in listed(database)] == ["expired", "active"]


BAD = [
    (["--scopes", "admin"], "--subject is required"),
    (["--subject", "s"], "--scopes is required"),
    (["--subject", "", "--scopes", "admin"], "--subject: expected 1 to 128 bytes"),
    (["--subject", "s" * 129, "--scopes", "admin"], "--subject: expected 1 to 128 bytes"),
    (["--subject", "a\nb", "--scopes", "admin"], "--subject: expected 1 to 128 bytes"),
    (["--subject", os.fsdecode(b"\xff"), "--scopes", "admin"], "--subject: expected 1 to 128 bytes"),
    (["--subject", "s", "--scopes", ""], "--scopes: expected some of transactions:read"),
    (["--subject", "s", "--scopes", "transactions:reed"], "did you mean transactions:read?"),
    (["--subject", "s", "--scopes", "admin *"], "there is no scope *, only "),
    (["--subject", "s", "--scopes", "admin", "--only-user", ""], "--only-user: expected 1 to 128 bytes"),
    (["--subject", "s", "--scopes", "admin", "--expires-in", "0m"], "--expires-in: expected 1m"),
    (["--subject", "s", "--scopes", "admin", "--expires-in", "11y"], "--expires-in: expected 1m"),
    (["--subject", "s", "--scopes", "admin", "--expire-in", "1d"], "did you mean --expires-in?"),
    (["--subject", "s", "--scopes", "admin", "more"], "unknown command more"),
]


@pytest.mark.parametrize("arguments, words", BAD, ids=range(len(BAD)))
def test_bad_input_makes_no_key(folder, request, arguments, words):
    database = empty_store("sqlite", folder, request)
    assert tps("migrate", "--database-url", database.url).returncode == 0
    done = keys(database, "create", *arguments)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""
    assert database.rows(ROWS) == []


@pytest.mark.parametrize("arguments, words", [(["keys"], "Examples:"), (["keys", "crate"], "did you mean create?"),
                                              (["keys", "revoke"], "ID is required"), (["keys", "list", "x"], "x")])
def test_usage(arguments, words, folder):
    done = tps(*arguments, cwd=folder)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


@pytest.mark.parametrize("command", [[], ["create"], ["revoke"]])
def test_help_begins_with_examples(command):
    done = tps("keys", *command, "--help")
    assert done.returncode == 0 and done.stdout.index("Examples:") < done.stdout.index("Usage:")


def test_no_keys(database):
    done = keys(database, "list")
    assert (done.returncode, done.stdout) == (0, "") and "no keys" in done.stderr
    assert listed(database) == []


def test_an_older_schema_is_to_be_migrated(database):
    database.execute("UPDATE store SET schema = 2")
    for arguments in (["list"], ["create", "--subject", "s", "--scopes", "admin"], ["revoke", "x"]):
        done = keys(database, *arguments)
        assert done.returncode == 1 and "run `tps migrate`" in done.stderr and done.stdout == ""


def test_a_database_that_is_not_there(folder):
    for url in (f"sqlite:{folder}/none.db", "postgresql://user:secret@127.0.0.1:1/db"):
        done = tps("keys", "create", "--subject", "s", "--scopes", "admin", "--database-url", url)
        assert done.returncode == 1 and done.stderr and done.stdout == "" and "secret" not in done.stderr
    assert os.listdir(folder) == []


def test_a_key_that_could_not_be_printed_is_revoked(database):
    """If standard output is full, the command makes a key but cannot print it. It then revokes the key."""
    command = f"'{os.path.abspath(BINARY)}' keys create --subject s --scopes admin --database-url '{database.url}' > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=clean_environment(),
                          timeout=30)
    assert done.returncode == 1 and "was revoked" in done.stderr
    assert [one["status"] for one in listed(database)] == ["revoked"]


def test_making_and_revoking_keys_does_not_disturb_the_server(database, folder):
    """The server writes to its SQLite file nearly all the time, but `tps keys` gets its turn, and so does the server (G1, G8)."""
    made = []
    with served(database, folder) as server:
        load = Load([server.port], threads=16).start()
        load.wait_for(200)
        for number in range(50):
            made.append(create(database, "--subject", f"s{number}", "--scopes", "admin"))
            done = keys(database, "revoke", made[-1]["id"])
            assert done.returncode == 0, done.stderr
        load.wait_for(200)
        sent = load.stop()
        refused = [one.refusal for one in sent if one.outcome != "acknowledged"]
        assert refused == [] and retry_unknown([server.port], sent) == 0
        wait_settled(database)
        for one in made:
            assert one["key"][17:] not in server.log()
    check(database, sent)
    assert [(one["id"], one["status"]) for one in listed(database)] == [(one["id"], "revoked") for one in made]


def test_the_login_that_checks_keys_cannot_read_their_hashes():
    """It can neither change the keys nor make the look-up read another table."""
    server = Postgres()
    try:
        server.execute("CREATE ROLE tps_api LOGIN; CREATE ROLE nobody LOGIN")
        database = empty_postgres(server)
        key = create(database)
        digest = hashlib.sha256(key["key"].encode()).hexdigest()
        look_up = f"SELECT key_id, subject, revoked_at FROM find_api_key('\\x{digest}')"
        with contextlib.closing(server.connect(database.name, "tps_api")) as session, session.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE api_key_log (key_id text, action \"char\", key_hash bytea)")
            cursor.execute("SET search_path = pg_temp, public")
            cursor.execute(look_up)
            assert cursor.fetchall() == [(key["id"], "payments", None)]
            for statement in ("SELECT key_hash FROM public.api_key_log", "SELECT * FROM public.api_key_log",
                              "INSERT INTO public.api_key_log (key_id, action, done_at, done_by) SELECT 'x', 'r', '-infinity', 'x'",
                              "DELETE FROM public.api_key_log", "TRUNCATE public.api_key_log"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)
        with contextlib.closing(server.connect(database.name, "nobody")) as session, session.cursor() as cursor:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(look_up)
    finally:
        server.stop()
