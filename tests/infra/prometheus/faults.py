"""The faults, each with the one alert that it must fire. Each is a context manager that repairs the fault at its end."""
import contextlib
import signal
import threading

import psycopg2
from fleet import CONNECTIONS
from support.client import Broken, Client, Connection
from support.clients import Clients
from support.process import run, wait_until
from support.tcp_proxy import CUT, PASS
from light_load import Traffic


def mended_by(*steps):
    """The remaining steps of a fault."""
    stack = contextlib.ExitStack()
    for step in reversed(steps):
        stack.callback(step)
    return stack


def store_stopped(fleet, _):
    fleet.postgres.process.end(signal.SIGQUIT)
    return mended_by(fleet.postgres.start)


def redis_stopped(fleet, _):
    fleet.redis.process.end()
    return mended_by(fleet.redis.start)


def redis_full(fleet, _):
    redis = fleet.redis.client()
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1")
    return mended_by(lambda: redis.config_set("maxmemory", "0"))


def worker_killed(fleet, _):
    fleet.worker.kill()
    return mended_by(fleet.worker.start)


def instance_killed(fleet, _):
    fleet.second.kill()
    return mended_by(fleet.second.start)


def all_instances_killed(fleet, _):
    fleet.first.kill()
    fleet.second.kill()
    return mended_by(fleet.first.start, fleet.second.start)


def killed_again_and_again(fleet, monitoring):
    starts = f'changes(process_start_time_seconds{{instance="127.0.0.1:{fleet.first.port}"}}[30s])'
    for number in (1, 2, 3):
        fleet.first.kill()
        fleet.first.start()
        wait_until(lambda number=number: [value for _, value in monitoring.query(starts)] == [number], 10, "a scrape")
    return mended_by()


def _cut(fleet, name, judge):
    fleet.judges[name] = judge
    return mended_by(lambda: fleet.judges.update({name: lambda data: PASS}))


def instance_cut_off(fleet, _):
    return _cut(fleet, "second", lambda data: CUT)


def ledger_not_readable(fleet, _):
    return _cut(fleet, "worker", lambda data: CUT if b"count(*) FROM holds" in data else PASS)


def balance_written_by_hand(fleet, _):
    change = "UPDATE accounts SET posted = posted {} 5 WHERE user_id = (SELECT min(user_id) FROM accounts)"
    fleet.database.execute(change.format("+"))
    return mended_by(lambda: fleet.database.execute(change.format("-")))


def bad_row(fleet, _):
    fleet.database.plant_bad_row()
    return mended_by()


@contextlib.contextmanager
def _rows_locked(fleet, rows, seconds):
    """A session repeatedly locks these rows for some seconds."""
    stopping = threading.Event()
    connection = fleet.postgres.connect(fleet.database.name)
    connection.autocommit = False

    def hold():
        with connection.cursor() as cursor, contextlib.suppress(psycopg2.errors.QueryCanceled):
            while not stopping.wait(0.02):
                cursor.execute(f"SELECT FROM {rows} FOR UPDATE")
                cursor.execute("SELECT pg_sleep(%s)", (seconds,))
                connection.commit()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        while thread.is_alive():
            connection.cancel()
            thread.join(0.05)
        connection.close()


def slow_commits(fleet, _):
    return _rows_locked(fleet, "partitions", 0.35)


def reader_stuck(fleet, _):
    return _rows_locked(fleet, "readers", 600)


@contextlib.contextmanager
def overload(fleet, _):
    """Commits are slow but within the deadline, and more clients connect than the second instance admits."""
    with _rows_locked(fleet, "partitions", 0.1), Traffic([fleet.second.port], threads=24, posts_only=True):
        yield


def many_connections(fleet, _):
    connections = [Connection(fleet.second.port) for _ in range(CONNECTIONS * 85 // 100)]
    return mended_by(*[one.close for one in connections])


class Knocking(Clients):
    """Opens a connection, sends a request, and opens the next one, until the `with` ends."""

    def __init__(self, port):
        super().__init__(1)
        self.port = port

    def _run(self, _number):
        while not self.stopping.wait(0.02):
            with contextlib.suppress(Broken, OSError), Client(self.port) as client:
                client.get("/transactions/1")


@contextlib.contextmanager
def too_many_connections(fleet, _):
    """Idle clients use all connections."""
    held = [Connection(fleet.second.port) for _ in range(CONNECTIONS)]
    try:
        with Knocking(fleet.second.port):
            yield
    finally:
        for one in held:
            one.close()


def few_descriptors(fleet, _):
    server = f"--pid={fleet.second.process.child.pid}"
    before = int(fleet.second.metric("process_max_fds"))
    run(["prlimit", server, f"--nofile={int(fleet.second.metric('process_open_fds') / 0.9)}:"])
    return mended_by(lambda: run(["prlimit", server, f"--nofile={before}:"]))


# The order matters: faults with the longest traces come last.
FAULTS = [
    ("TpsStoreDown", store_stopped),
    ("TpsCacheBreakerOpen", redis_stopped),
    ("TpsCacheWritesRefused", redis_full),
    ("TpsNoWorker", worker_killed),
    ("TpsInstanceDown", instance_killed),
    ("TpsApiAbsent", all_instances_killed),
    ("TpsInstanceNotReady", instance_cut_off),
    ("TpsErrorBudgetFastBurn", slow_commits),
    ("TpsShedding", overload),
    ("TpsSettlementBehind", reader_stuck),
    ("TpsConnectionsRefused", too_many_connections),
    ("TpsConnectionsNearLimit", many_connections),
    ("TpsDescriptorsNearLimit", few_descriptors),
    ("TpsLedgerUnknown", ledger_not_readable),
    ("TpsLedgerImbalance", balance_written_by_hand),
    ("TpsRestartLoop", killed_again_and_again),
    ("TpsUnprocessable", bad_row),
]
# These alerts fire after 5 minutes.
SLOW_TO_FIRE = {"TpsConnectionsNearLimit", "TpsDescriptorsNearLimit", "TpsLedgerUnknown"}
# These would take hours, or need a control group or another clock. promtool's rule tests cover them.
NOT_STAGED = {"TpsErrorBudgetSlowBurn", "TpsMemoryNearLimit", "TpsClockWrong", "TpsLogAhead"}
