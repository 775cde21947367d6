"""PostgreSQL logins that are each a member of one TPS role and have no other rights.

With TPS_TEST_LOGINS=1, deployments on PostgreSQL use these logins: API instances that only accept and read use API, one
worker uses WORKER, and OWNER, a member of tps_owner, migrates the schema.
"""
import os

from support.servers import OWNER
from support.tps import Tps, tps

API, WORKER, READER = "an_api", "a_worker", "a_reader"
ROLES = {API: "tps_api", WORKER: "tps_worker", READER: "tps_readonly"}
WANTED = os.environ.get("TPS_TEST_LOGINS") == "1"


def make_logins(server):
    """The setup by an administrator if the migrating login may not create roles."""
    there = {name for name, in server.rows("SELECT rolname FROM pg_roles")}
    for role in ["tps_owner", *ROLES.values()]:
        if role not in there:
            server.execute(f"CREATE ROLE {role} NOLOGIN")
    for login, role in ROLES.items():
        if login not in there:
            server.execute(f"CREATE ROLE {login} LOGIN IN ROLE {role}")
    server.execute(f'GRANT pg_signal_backend, pg_read_all_stats TO tps_owner; GRANT tps_owner TO "{OWNER}"')


def migrated_for_logins(database, *arguments):
    make_logins(database.server)
    done = tps("migrate", "--database-url", database.url, *arguments)
    # A restored database says that another epoch begins.
    lines = [line for line in done.stderr.splitlines() if "another epoch of it begins" not in line]
    assert (done.returncode, lines) == (0, []), done.stderr
    return database


def api(folder, database, *arguments, **options):
    return Tps(folder, "--database-url", database.url_of(API), "--no-worker", *arguments, **options)


def worker(folder, database, *arguments, **options):
    return Tps(folder, "--database-url", database.url_of(WORKER), *arguments, command="worker", **options)
