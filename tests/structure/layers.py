#!/usr/bin/python3
"""Holds the source tree to its shape: which room may include what, and how big and how named files are.

    layers.py              checks the project; prints each broken rule; exit code 1 if there are any
    layers.py --self-test  proves on small made-up trees that every rule can fail
    layers.py --report     the longest files and functions
"""
import os
import pathlib
import re
import sys
import tempfile

# What each room may include: rooms ("service/store.hpp" is that one header) and libraries (prefixes of <...>).
# The files that stand directly in src/ are the room "program". Every room may include the standard library.
ROOMS = {
    "domain": {"rooms": ["domain"], "libraries": []},
    "ops": {"rooms": ["ops"], "libraries": ["prometheus/", "spdlog/", "fmt/", "unistd.h"]},
    "service": {"rooms": ["service", "domain", "ops"], "libraries": ["boost/asio", "openssl/"]},
    "adapters": {
        "rooms": ["adapters", "domain", "service/fault.hpp", "service/store.hpp", "service/audit.hpp", "service/cache.hpp",
                  "service/key_registry.hpp", "ops", "embedded"],
        "libraries": ["libpq-fe.h", "sqlite3.h", "hiredis/", "openssl/", "fmt/", "prometheus/",
                      "fcntl.h", "netdb.h", "netinet/", "poll.h", "sys/", "unistd.h"],
    },
    "auth": {
        "rooms": ["auth", "service", "domain", "ops"],
        "libraries": ["argon2.h", "boost/asio", "curl/", "fmt/", "openssl/", "prometheus/", "simdjson.h", "sys/stat.h"],
    },
    "http": {
        "rooms": ["http", "auth", "service", "domain", "ops", "embedded"],
        "libraries": ["boost/", "simdjson.h", "fmt/", "openssl/", "sys/", "netinet/", "unistd.h"],
    },
    "files": {
        "rooms": ["files", "http", "service/fault.hpp", "service/store.hpp", "service/submission.hpp", "domain"],
        "libraries": ["csv.h", "fmt/", "openssl/", "fcntl.h", "poll.h", "unistd.h", "sys/stat.h"],
    },
    "program": {"rooms": None, "libraries": None},
}

# Headers that only some files may see: (header, files, why).
ONLY_IN = [
    (r"boost/(beast|asio/(ip|ssl|local|generic|detail)\b|asio/(ip|ssl|read|write|connect)\w*\.hpp)|sys/(socket|un)\.h|"
     r"netinet/|arpa/|netdb\.h",
     r"http/(server|session|stream|io_loop|trusted_proxies)\w*\.\w+|auth/client_network\.cpp|adapters/(redis_\w+|host_address)\.\w+|[^/]+\.cpp|"
     r"\w+/\w+_test\.cpp",
     "sockets belong to http/server, http/session, http/stream, http/io_loop, adapters/host_address and adapters/redis_*; "
     "addresses are read in http/trusted_proxies and auth/client_network"),
    (r"boost/beast", r".*\.cpp", "Beast in a header costs seconds in every file that includes it"),
    (r"libpq-fe\.h", r"adapters/postgres_\w+\.\w+", "libpq belongs to adapters/postgres_*"),
    (r"sqlite3\.h", r"adapters/sqlite_\w+\.\w+", "SQLite belongs to adapters/sqlite_*"),
    (r"hiredis/", r"adapters/redis_\w+\.\w+", "hiredis belongs to adapters/redis_*"),
    (r"simdjson\.h", r"http/(json_\w+\.\w+|\w+_test\.cpp)|auth/(token|jwk)\.cpp",
     "JSON is decoded in http/json_*, and that of tokens and keys in auth/"),
    (r"curl/", r"auth/key_url\.cpp", "libcurl belongs to auth/key_url"),
    (r"csv\.h", r"files/csv_reader\.\w+", "CSV is read in files/csv_reader"),
    (r"CLI/", r"[^/]+\.cpp", "the command line belongs to main and config"),
]

MEANINGLESS_NAMES = {"util", "utils", "common", "core", "impl", "misc", "helper", "helpers", "base", "shared", "lib"}
MAX_FILE_LINES = 500
LONG_FUNCTION_LINES = 70
MAX_SHARE_OF_LONG_FUNCTIONS = 0.01
CODE = (".cpp", ".hpp", ".py", ".sh", ".sql", ".cmake", ".lua")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", ".pytest_cache", ".cache", "corpus"}

FORBIDDEN_TEXT = [
    (r"(?<![\w.$}])/(root|home|Users)/\w", "an absolute path of somebody's machine"),
    (r"\b(TODO|FIXME)\b", "unfinished work; finish it or write an issue"),
    (r'"resolved": "http', "a registry's address (npm: omit-lockfile-registry-resolved=true)"),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key"),
]

STANDARD_HEADER = re.compile(r"^[a-z_]+$")
TEST_LIBRARIES = ("gtest/", "gmock/", "rapidcheck")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def files_under(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if not path.is_symlink():
                yield path


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def room_of(path):
    return path.parts[0] if len(path.parts) > 1 else "program"


def check_include(path, target, is_local):
    """`path` is relative to src/, `target` is what stands between the quotes or brackets."""
    room = ROOMS[room_of(path)]
    is_test = path.stem.endswith("_test") or path.name.startswith("test_")
    if is_local and room["rooms"] is not None:
        allowed = any(target == entry or target.startswith(entry + "/") for entry in room["rooms"])
        if not allowed and not (is_test and target.startswith("support/")):
            yield "arrow", f"{room_of(path)} may not include {target}"
    if not is_local and room["libraries"] is not None and not STANDARD_HEADER.match(target):
        allowed = room["libraries"] + (list(TEST_LIBRARIES) if is_test else [])
        if not target.startswith(tuple(allowed)):
            yield "library", f"{room_of(path)} may not include <{target}>"
    for header, places, why in ONLY_IN:
        if re.match(header, target) and not re.fullmatch(places, path.as_posix()):
            yield "only-in", f"<{target}>: {why}"


def check_source(path, text):
    """Rules for one file of src/."""
    if room_of(path) not in ROOMS:
        yield "room", f"there is no room '{room_of(path)}' in the table of {pathlib.Path(__file__).name}"
        return
    for match in INCLUDE.finditer(text):
        yield from check_include(path, match.group(1) or match.group(2), match.group(1) is not None)
    if path.suffix == ".hpp" and "#pragma once" not in text:
        yield "pragma-once", "a header without #pragma once"


def check_any_file(path, text):
    """Rules for every file of the project."""
    for part in (*path.parts[:-1], path.stem):
        if part.lower() in MEANINGLESS_NAMES and path.parts[0] in ("src", "tests", "bench", "tools"):
            yield "name", f"'{part}' says nothing about what is inside"
    if path.suffix in CODE and text.count("\n") > MAX_FILE_LINES:
        yield "file-length", f"{text.count(chr(10))} lines, more than {MAX_FILE_LINES}"
    for pattern, why in FORBIDDEN_TEXT:
        if match := re.search(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            yield "text", f"line {line}: '{match.group(0)}' is {why}"


FUNCTION_START = re.compile(r"^ {0,2}[\w~:<\[].*\(")
NO_FUNCTION = re.compile(r"^\s*(namespace|struct|class|enum|union|extern|TEST(_[FP])?\(|using|return|if|for|while|switch)\b")


def functions_in(text):
    """(line, length) of the function definitions, told by clang-format's indentation: starts and ends at the same depth."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        depth = len(line) - len(line.lstrip(" "))
        if start and depth == start[1] and line.lstrip().startswith("}"):
            yield start[0], number - start[0] + 1
            start = None
        elif (not start or depth <= start[1]) and FUNCTION_START.match(line) and not NO_FUNCTION.match(line):
            if line.endswith("}"):
                yield number, 1
            start = None if line.endswith((";", "}")) else (number, depth)


def functions_of(root):
    for path in files_under(root / "src"):
        if path.suffix in (".cpp", ".hpp") and not path.stem.endswith("_test"):
            for line, length in functions_in(read(path)):
                yield length, f"{path.relative_to(root)}:{line}"


def violations(root):
    """Yields (rule, file, what is wrong)."""
    for path in files_under(root):
        relative = path.relative_to(root)
        if relative.parts[0] == "LICENSE" or path.resolve() == pathlib.Path(__file__).resolve():
            continue
        text = read(path)
        for rule, message in check_any_file(relative, text):
            yield rule, relative, message
        if relative.parts[0] == "src" and path.suffix in (".cpp", ".hpp"):
            for rule, message in check_source(relative.relative_to("src"), text):
                yield rule, relative, message
    lengths = sorted(functions_of(root), reverse=True)
    too_long = [entry for entry in lengths if entry[0] > LONG_FUNCTION_LINES]
    if len(too_long) > MAX_SHARE_OF_LONG_FUNCTIONS * len(lengths):
        for length, place in too_long:
            yield "function-length", place, f"a function of {length} lines, more than {LONG_FUNCTION_LINES}"


# A tree that keeps all the rules, and for each rule changes that break it.
GOOD_TREE = {
    "src/main.cpp": '#include <CLI/CLI.hpp>\n\n#include "adapters/sqlite_store.hpp"\n#include "http/server.hpp"\n',
    "src/domain/money.hpp": "#pragma once\n#include <string>\n",
    "src/domain/money_test.cpp": '#include <gtest/gtest.h>\n\n#include "domain/money.hpp"\n',
    "src/service/store.hpp": '#pragma once\n#include "domain/money.hpp"\n',
    "src/service/lane.hpp": "#pragma once\n#include <boost/asio/awaitable.hpp>\n",
    "src/adapters/sqlite_store.hpp": '#pragma once\n#include <sqlite3.h>\n#include "service/store.hpp"\n',
    "src/adapters/postgres_store.cpp": '#include <libpq-fe.h>\n#include "embedded/postgres_migrations.hpp"\n',
    "src/adapters/redis_cache.cpp": "#include <hiredis/hiredis.h>\n",
    "src/http/server.hpp": "#pragma once\n#include <string>\n",
    "src/http/server.cpp": "#include <boost/beast/http.hpp>\n#include <boost/asio/ip/tcp.hpp>\n",
    "src/http/json_reader.cpp": "#include <simdjson.h>\n#include \"service/lane.hpp\"\n",
    "src/files/csv_reader.hpp": "#pragma once\n#include <csv.h>\n",
    "src/files/import_flight.cpp": '#include "http/json_reader.hpp"\n#include "service/store.hpp"\n',
    "src/ops/log.hpp": "#pragma once\n#include <prometheus/counter.h>\n",
}
SHORT_FUNCTION = "int short_one() {\n  call(1);\n  if (a) {\n  }\n  return 1;\n}\n"
LONG_FUNCTION = "int long_one(int a) {\n" + "  a += 1;\n" * 80 + "  return a;\n}\n"
MUTATIONS = [
    ("arrow", "src/domain/money.cpp", '#include "service/store.hpp"\n'),
    ("arrow", "src/domain/money.cpp", '#include "ops/log.hpp"\n'),
    ("arrow", "src/service/lane.cpp", '#include "adapters/sqlite_store.hpp"\n'),
    ("arrow", "src/service/lane.cpp", '#include "http/server.hpp"\n'),
    ("arrow", "src/adapters/memory_store.cpp", '#include "service/lane.hpp"\n'),
    ("arrow", "src/adapters/memory_store.cpp", '#include "http/server.hpp"\n'),
    ("arrow", "src/http/handlers.cpp", '#include "adapters/sqlite_store.hpp"\n'),
    ("arrow", "src/http/handlers_test.cpp", '#include "adapters/memory_store.hpp"\n'),
    ("arrow", "src/files/import_flight.cpp", '#include "service/lane.hpp"\n'),
    ("arrow", "src/files/import_flight.cpp", '#include "adapters/sqlite_store.hpp"\n'),
    ("arrow", "src/http/handlers.cpp", '#include "files/csv_reader.hpp"\n'),
    ("arrow", "src/ops/log.cpp", '#include "domain/money.hpp"\n'),
    ("library", "src/domain/money.cpp", "#include <fmt/format.h>\n"),
    ("library", "src/domain/money.cpp", "#include <time.h>\n"),
    ("library", "src/service/lane.cpp", "#include <fmt/format.h>\n"),
    ("library", "src/http/json_reader.hpp", "#pragma once\n#include <gtest/gtest.h>\n"),
    ("only-in", "src/http/handlers.cpp", "#include <boost/asio/ip/tcp.hpp>\n"),
    ("only-in", "src/service/lane.cpp", "#include <boost/asio/write.hpp>\n"),
    ("only-in", "src/http/routes.cpp", "#include <sys/socket.h>\n"),
    ("only-in", "src/http/routes.cpp", "#include <boost/beast/http.hpp>\n"),
    ("only-in", "src/http/server.hpp", "#pragma once\n#include <boost/beast/http.hpp>\n"),
    ("only-in", "src/app.hpp", "#pragma once\n#include <boost/beast/core.hpp>\n"),
    ("only-in", "src/adapters/memory_store.cpp", "#include <sqlite3.h>\n"),
    ("only-in", "src/adapters/sqlite_store.cpp", "#include <libpq-fe.h>\n"),
    ("only-in", "src/adapters/sqlite_store.cpp", "#include <hiredis/hiredis.h>\n"),
    ("only-in", "src/http/handlers.cpp", "#include <simdjson.h>\n"),
    ("only-in", "src/files/line_reader.cpp", "#include <csv.h>\n"),
    ("only-in", "src/config.hpp", "#pragma once\n#include <CLI/CLI.hpp>\n"),
    ("room", "src/engine/engine.cpp", "\n"),
    ("pragma-once", "src/domain/money.hpp", "#include <string>\n"),
    ("name", "src/domain/util.cpp", "\n"),
    ("name", "tests/common/client.py", "\n"),
    ("file-length", "src/domain/money.cpp", "\n" * 501),
    ("file-length", "tests/e2e/client.py", "\n" * 501),
    ("function-length", "src/domain/money.cpp", SHORT_FUNCTION * 50 + LONG_FUNCTION),
    ("text", "docs/guide.md", "cd /" + "home/someone/tps\n"),
    ("text", "src/domain/money.cpp", "// TO" + "DO: round\n"),
    ("text", "api/package-lock.json", '"resolved": "' + 'https://example.org/a.tgz"\n'),
]
KEPT = [
    ("src/domain/money.cpp", "int one(int a) { return a; }\n" * 101 + LONG_FUNCTION),
    ("src/domain/money.cpp", LONG_FUNCTION.replace("  a += 1;\n", "", 20)),
    ("src/service/lane_test.cpp", "#include <gmock/gmock.h>\n"),
    ("src/domain/test_history.hpp", "#pragma once\n#include <rapidcheck.h>\n"),
    ("docs/guide.md", "https://example.org/home/page and ./home/here\n"),
]


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def self_test():
    failures = []

    def rules_broken_by(files):
        with tempfile.TemporaryDirectory() as folder:
            write_tree(pathlib.Path(folder), {**GOOD_TREE, **files})
            return {rule for rule, _, _ in violations(pathlib.Path(folder))}

    for name, text in [("src/domain/empty.cpp", "\n"), *KEPT]:
        if broken := rules_broken_by({name: text}):
            failures.append(f"{name} is good but breaks {broken}")
    for rule, name, text in MUTATIONS:
        if (broken := rules_broken_by({name: text})) != {rule}:
            failures.append(f"{name} with {text[:60]!r} should break '{rule}' alone, breaks {broken or 'nothing'}")
    print("\n".join(failures) or f"{len(MUTATIONS)} mutations, each found by its rule")
    return 1 if failures else 0


def report(root):
    sizes = sorted(((read(path).count("\n"), path.relative_to(root)) for path in files_under(root)
                    if path.suffix in CODE), reverse=True)
    functions = sorted(functions_of(root), reverse=True)
    print(f"{len(sizes)} files of code, median {sizes[len(sizes) // 2][0]} lines; the longest:")
    print("\n".join(f"  {lines:4} {path}" for lines, path in sizes[:8]))
    over = sum(length > 40 for length, _ in functions)
    print(f"{len(functions)} functions, {over} over 40 lines; the longest:")
    print("\n".join(f"  {length:4} {place}" for length, place in functions[:8]))
    return 0


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    if "--self-test" in sys.argv[1:]:
        return self_test()
    if "--report" in sys.argv[1:]:
        return report(root)
    found = list(violations(root))
    for rule, path, message in found:
        print(f"{path}: [{rule}] {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
