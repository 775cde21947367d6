#!/usr/bin/python3
"""Holds every SQL statement to what also works on a distributed PostgreSQL, and replays to what they were given.

    portable_sql.py              checks the project; prints each broken rule; exit code 1 if there are any
    portable_sql.py --self-test  proves on small made-up sources that every rule can fail

Times and ids are parameters: the servers of one database have several clocks, and a replay must give the same again.
Locks are rows: an advisory lock lives on one node. Tables of the ledger lead their keys to a partition, by which a
database is distributed. The logs are only ever added to.

Of the sources that speak to a database every string literal is read, fragments too; what is said of whole statements is
asked of those that begin like one.
"""
import pathlib
import re
import sys

LOGS = r"(transaction_log|settlement_log|api_key_log|epoch_log|currencies)\b"

# (rule, what must not occur in a literal)
FORBIDDEN = [
    ("a time is a parameter", r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|"
     r"'now'|\bcurrent_(timestamp|time|date)\b|\blocaltime(stamp)?\b"),
    ("an id is a parameter", r"\b(nextval|currval|lastval|gen_random_uuid|uuid_generate_v\w+|random|randomblob|"
     r"last_insert_rowid)\s*\(|\b(big|small)?serial\b|\bGENERATED\b.*\bIDENTITY\b|\bAUTOINCREMENT\b"),
    ("no advisory lock", r"advisory"),
    ("no notification", r"\b(LISTEN|UNLISTEN|NOTIFY|pg_notify)\b"),
    ("no RETURNING, whose order nobody promises", r"\bRETURNING\b"),
    ("the logs are only added to",
     r"\b(UPDATE|DELETE\s+FROM|TRUNCATE|TRUNCATE\s+TABLE|MERGE\s+INTO|REPLACE\s+INTO)\s+(ONLY\s+)?(\w+\.)?" + LOGS +
     r"|\bINSERT\s+INTO\s+(\w+\.)?" + LOGS + r".*\bON\s+CONFLICT\b.*\bDO\s+UPDATE\b"),
]

# (file, rule, a part of the statement): why it is right there.
ALLOWED = {
    ("stuck_holder.cpp", "a time is a parameter", "pg_stat_activity"):
        "asks how long another session of this server has waited, by that server's clock; nothing of it is stored",
    ("0003_rights.sql", "a time is a parameter", "pg_stat_activity"): "the same, with the rights of the owner",
    **{(file, "a time is a parameter", "clock_timestamp() F"): "compared with the clock of this process; nothing of it is stored"
       for file in ("flight.cpp", "settle.cpp", "store.cpp")},
}

# Not of a partition: what the whole database has one of.
WHOLE_DATABASE = {"store", "currencies", "api_key_log", "epoch_log"}

# One after the other, so that neither what looks like a comment in a literal nor a quote in a comment hides what follows.
TOKEN = re.compile(r'''(?P<comment>//[^\n]*|/\*.*?\*/)|R"(?P<tag>\w*)\((?P<raw>.*?)\)(?P=tag)"|'''
                   r'''"(?P<plain>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)'|\#include[^\n]*''', re.DOTALL)
SPACE = re.compile(r"\s*")
ENGINES = ("postgres", "sqlite")
IS_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|LOCK|FROM|WHERE|JOIN|AND|ON|SET|ORDER|VALUES)\b")


def literals(source):
    """Neighbouring string literals of C++ as one text."""
    texts, end = [], None
    for found in TOKEN.finditer(source):
        follows = end is not None and SPACE.fullmatch(source, end, found.start())
        text = found["raw"] if found["raw"] is not None else found["plain"]
        if text is None:
            end = found.end() if follows and found["comment"] else None
            continue
        if follows:
            texts[-1] += text
        else:
            texts.append(text)
        end = found.end()
    return texts


def statements_of(path):
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        return [part.strip() for part in re.sub(r"--[^\n]*", "", source).split(";") if part.strip()]
    return [text for text in literals(source) if path.parent.name in ENGINES or IS_SQL.match(text)]


def is_allowed(name, rule, statement):
    return any(file == name and same == rule and part in statement for file, same, part in ALLOWED)


def words_broken(name, statement):
    for rule, pattern in FORBIDDEN:
        if re.search(pattern, statement, re.IGNORECASE | re.DOTALL) and not is_allowed(name, rule, statement):
            yield rule


def keys_broken(statement):
    """A row says which partition it belongs to; what is unique is unique within a partition."""
    table = re.match(r"CREATE TABLE (\w+)", statement)
    if table and table[1] not in WHOLE_DATABASE:
        if not re.search(r"\bpartition\s+(smallint|INTEGER)\b", statement):
            yield "a table has a partition"
    added = re.match(r"INSERT INTO (\w+)\s*\(([^)]*)\)", statement)
    if added and added[1] not in WHOLE_DATABASE and not re.search(r"\bpartition\b", added[2]):
        yield "a row has a partition"


def uniqueness_broken(statement):
    """PostgreSQL only: SQLite is never distributed, and its ids are unique by themselves."""
    table = re.match(r"CREATE TABLE (\w+)", statement)
    keys = []
    if table and table[1] not in WHOLE_DATABASE:
        keys += re.findall(r"(?:PRIMARY KEY|UNIQUE) \(([^)]*)\)", statement)
        keys += [line for line in statement.splitlines() if re.search(r"\w (PRIMARY KEY|UNIQUE)\b(?! \()", line)]
    index = re.match(r"CREATE UNIQUE INDEX \w+ ON (\w+) \(([^)]*)\)", statement)
    if index and index[1] not in WHOLE_DATABASE:
        keys.append(index[2])
    if any(not re.search(r"\bpartition\b", key) for key in keys):
        yield "what is unique has the partition in its key"


def broken(path):
    for statement in statements_of(path):
        rules = [*words_broken(path.name, statement), *keys_broken(statement)]
        if "sqlite" not in path.parts[-3:]:
            rules += uniqueness_broken(statement)
        for rule in rules:
            yield rule, statement


def sources(root):
    adapters = root / "src" / "adapters"
    yield from sorted(path for path in adapters.rglob("*.[ch]pp") if not path.stem.endswith("_test"))
    yield from sorted(adapters.rglob("*.sql"))


def check(root):
    found, count = [], 0
    for path in sources(root):
        count += len(statements_of(path))
        found += [f"{path.relative_to(root)}: [{rule}] {' '.join(statement.split())[:120]}" for rule, statement in broken(path)]
    if count < 100:
        found.append(f"only {count} statements were found; are they written in another way now?")
    print("\n".join(found) or f"{count} statements follow {len(FORBIDDEN) + 3} rules")
    return 1 if found else 0


MUTATIONS = [
    ("a.cpp", 'x{"SELECT id FROM t"\n // why\n " WHERE created_at < now()"};', "a time is a parameter"),
    ("a.cpp", 'x{"SELECT CURRENT_TIMESTAMP"};', "a time is a parameter"),
    ("sqlite/a.cpp", "x{\"SELECT strftime('%s', 'now')\"};", "a time is a parameter"),
    ("postgres/append.cpp", 'x{"SELECT clock_timestamp()"};', "a time is a parameter"),
    ("a.cpp", "x{\"SELECT nextval('ids')\"};", "an id is a parameter"),
    ("a.sql", "CREATE TABLE holds (partition smallint, id bigserial);", "an id is a parameter"),
    ("a.cpp", 'R"(SELECT pg_advisory_xact_lock(1))"', "no advisory lock"),
    ("a.cpp", 'x{"SELECT pg_notify($1, $2)"};', "no notification"),
    ("a.cpp", 'x{"INSERT INTO holds (partition, id) VALUES ($1, $2)" R"( RETURNING id)"};',
     "no RETURNING, whose order nobody promises"),
    ("a.cpp", 'x{"UPDATE settlement_log SET status = $1"};', "the logs are only added to"),
    ("a.cpp", 'x{"DELETE FROM transaction_log"};', "the logs are only added to"),
    ("a.cpp", 'x{"UPDATE api_key_log SET only_user = NULL"};', "the logs are only added to"),
    ("sqlite/a.sql", "UPDATE ONLY ledger.transaction_log SET id = 1;", "the logs are only added to"),
    ("sqlite/a.cpp", 'x{"TRUNCATE TABLE settlement_log"};', "the logs are only added to"),
    ("postgres/a.cpp", 'x{"TRUNCATE settlement_log"};', "the logs are only added to"),
    ("postgres/a.cpp", 'x{"MERGE INTO settlement_log USING t ON true"};', "the logs are only added to"),
    ("sqlite/a.cpp", 'x{"INSERT OR REPLACE INTO transaction_log (partition) VALUES (1)"};', "the logs are only added to"),
    ("sqlite/a.cpp", 'x{"REPLACE INTO transaction_log (partition) VALUES (1)"};', "the logs are only added to"),
    ("postgres/a.cpp", 'x{"INSERT INTO transaction_log (partition) VALUES (1)" /* why */ " ON CONFLICT (id)\\n"\n'
     '" DO UPDATE SET id = 1"};', "the logs are only added to"),
    ("postgres/a.hpp", 'joined("SELECT ", kColumns, ", now()");', "a time is a parameter"),
    ("postgres/a.cpp", 'joined(kStart, " AND t.created_at < now ()")', "a time is a parameter"),
    ("postgres/a.cpp", 'log("https://x"); x{"SELECT now()"};', "a time is a parameter"),
    ("postgres/a.cpp", "// isn't it\nx{\"SELECT now()\"};", "a time is a parameter"),
    ("postgres/a.cpp", "if (c == '\"') x{\"SELECT now()\"};", "a time is a parameter"),
    ("postgres/a.cpp", 'R"sql(SELECT ")" , now())sql"', "a time is a parameter"),
    ("a.sql", "CREATE TABLE holds (id bigint);", "a table has a partition"),
    ("a.cpp", 'x{"INSERT INTO holds (id) VALUES ($1)"};', "a row has a partition"),
    ("a.sql", "CREATE TABLE holds (partition smallint NOT NULL, id bigint, PRIMARY KEY (id));",
     "what is unique has the partition in its key"),
    ("a.sql", "CREATE TABLE holds (partition smallint NOT NULL,\n id bigint PRIMARY KEY);",
     "what is unique has the partition in its key"),
    ("a.sql", "CREATE UNIQUE INDEX i ON holds (id);", "what is unique has the partition in its key"),
]
GOOD = [
    ("postgres/a.cpp", '#include "now().hpp"\n/* "now()" */ x{"INSERT INTO holds (partition) VALUES ($1) ON CONFLICT (id) DO UPDATE SET x = 1"};'),
    ("sqlite/a.sql", "CREATE TRIGGER t BEFORE UPDATE ON transaction_log BEGIN SELECT 1; END"),
    ("a.cpp", '// now()\nx{"SELECT id FROM t WHERE partition = $1 AND created_at < $2"}; log("random() RETURNING");'),
    ("postgres/stuck_holder.cpp", 'x{"SELECT clock_timestamp() FROM pg_stat_activity"};'),
    ("a.sql", "-- now()\nCREATE TABLE holds (partition smallint NOT NULL, id bigint, PRIMARY KEY (partition, id));"
              "CREATE TABLE store (id uuid PRIMARY KEY);"),
    ("sqlite/a.sql", "CREATE TABLE holds (id INTEGER PRIMARY KEY, partition INTEGER NOT NULL);"),
]


def self_test():
    import tempfile
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text, *rule in [*MUTATIONS, *GOOD]:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if (found := [one for one, _ in broken(path)]) != rule:
                failures.append(f"{text!r} should break {rule or 'nothing'}, breaks {found or 'nothing'}")
    unproven = {rule for rule, _ in FORBIDDEN} - {rule for _, _, rule in MUTATIONS}
    failures += [f"no mutation breaks '{rule}'" for rule in unproven]
    print("\n".join(failures) or f"{len(MUTATIONS)} mutations, each found by its rule")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(self_test() if "--self-test" in sys.argv[1:] else check(pathlib.Path(__file__).resolve().parents[2]))
