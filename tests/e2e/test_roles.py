"""The migration creates the roles of PostgreSQL if it may. A database without roles works as before."""
import subprocess
import threading

import pytest
from support.answers import pay
from support.database import PostgresDatabase
from support.history import wait_settled
from support.logins import READER, ROLES, api, make_logins, migrated_for_logins, worker
from support.servers import OWNER, POSTGRES_BIN, Postgres
from support.store import served
from support.tps import tps

MAKER = "a_maker"
ALL = {"tps_owner", *ROLES.values()}
OWNERS = """SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"""
# The rights of each role, unordered.
RIGHTS = """SELECT relname::text AS name, acl::text FROM pg_class, unnest(relacl) acl WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT proname, acl::text FROM pg_proc, unnest(proacl) acl WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT attrelid::regclass || '.' || attname, acl::text FROM pg_attribute, unnest(attacl) acl ORDER BY 1, 2"""
CATALOG = """SELECT 'c', oid, xmin::text, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'p', oid, xmin::text, proacl::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'a', attnum, xmin::text, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL
UNION ALL SELECT 'm', roleid, xmin::text, member::text FROM pg_auth_members
UNION ALL SELECT 'n', oid, xmin::text, nspacl::text FROM pg_namespace ORDER BY 1, 2"""


@pytest.fixture
def server():
    """Roles belong to the whole server, so each test has its own."""
    one = Postgres()
    yield one
    one.stop()


def roles(server):
    return {name for name, in server.rows("SELECT rolname FROM pg_roles WHERE rolname LIKE 'tps%'")}


def database_of(server, login):
    database = PostgresDatabase(server)
    server.execute(f'ALTER DATABASE {database.name} OWNER TO "{login}"')
    return database


def migrate(database, login, *arguments):
    done = tps("migrate", "--database-url", database.url_of(login), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_without_the_right_to_make_roles_all_goes_on_without_them(server, folder):
    database = PostgresDatabase(server)
    for _ in range(2):
        said = migrate(database, OWNER)
        assert all(name in said for name in ALL) and said.count("\n") == 1
    assert roles(server) == set()
    with served(database, folder) as one, one.client() as client:
        assert pay(client, "ada", "1.00")["status"] == "settled"


def test_a_login_that_may_make_roles_makes_them_once(server):
    server.execute(f"CREATE ROLE {MAKER} LOGIN CREATEROLE")
    database = database_of(server, MAKER)
    assert migrate(database, MAKER) == ""
    assert roles(server) == ALL
    assert server.rows("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tps%' AND (rolcanlogin OR rolsuper OR rolcreaterole)"
                       ) == [(0,)]
    assert database.rows(OWNERS) == [("tps_owner",)]
    before = database.rows(CATALOG)
    assert migrate(database, MAKER) == ""
    assert database.rows(CATALOG) == before, "a start that finds all as it should be writes nothing to the catalog"


def test_many_databases_of_one_server_at_once(server):
    server.execute(f"CREATE ROLE {MAKER} LOGIN CREATEROLE")
    databases = [database_of(server, MAKER) for _ in range(6)]
    outcomes = []
    threads = [threading.Thread(target=lambda one=one: outcomes.append(tps("migrate", "--database-url", one.url_of(MAKER))))
               for one in databases for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [(one.returncode, one.stderr) for one in outcomes] == [(0, "")] * 12
    assert all(one.rows(OWNERS) == [("tps_owner",)] for one in databases)


def test_a_database_that_was_there_before_its_roles(server, folder):
    """The one login continues to serve and to migrate, also after other logins are added."""
    database = PostgresDatabase(server)
    migrate(database, OWNER)
    database.execute("GRANT ALL ON transaction_log, accounts TO PUBLIC")
    with served(database, folder) as old, old.client() as client:
        pay(client, "ada", "1.00")
        migrated_for_logins(database)
        assert database.rows(OWNERS) == [("tps_owner",)]
        assert "=arwdDxt" not in str(database.rows(CATALOG)).replace("tps_owner=arwdDxt", "")
        pay(client, "ada", "1.00")
        new = [api(folder, database).start(), worker(folder, database).start()]
        with new[0].client() as other:
            assert pay(other, "ada", "1.00")["status"] == "settled"
        for one in new:
            one.stop()
    connection = server.connect(database.name, user=OWNER)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts ADD COLUMN of_the_next_version text; CREATE TABLE of_the_next_version (id int)")
    connection.close()


def test_an_owner_that_may_not_be_replaced_keeps_what_he_has(server, folder):
    """The roles exist, but this login is not a member of tps_owner. It grants the rights and stays the owner."""
    make_logins(server)
    server.execute(f'REVOKE tps_owner FROM "{OWNER}"')
    database = PostgresDatabase(server)
    assert "pg_signal_backend" in migrate(database, OWNER)
    assert database.rows(OWNERS) == [(f'"{OWNER}"',)]
    running = [api(folder, database).start(), worker(folder, database).start()]
    with running[0].client() as client:
        assert pay(client, "ada", "1.00")["status"] == "settled"
    for one in running:
        one.stop()


def test_a_restored_database_gets_its_rights_back(server, folder):
    """As docs/operations.md says."""
    database = migrated_for_logins(PostgresDatabase(server))
    running = [api(folder, database).start(), worker(folder, database).start()]
    with running[0].client() as client:
        pay(client, "ada", "1.00")
    for one in running:
        one.stop()
    wait_settled(database)
    copy = PostgresDatabase(server)
    dump = folder / "tps.dump"
    for program, *arguments in (["pg_dump", "--format=custom", f"--file={dump}", database.url],
                                ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={copy.url}", dump]):
        subprocess.run([POSTGRES_BIN / program, *arguments], check=True, timeout=60)
    assert "another epoch of it begins" in migrate(copy, OWNER)
    assert tps("verify", "--database-url", copy.url_of(READER), timeout=60).returncode == 0
    assert copy.rows(RIGHTS) == database.rows(RIGHTS)
