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

# The rooms and the arrows between them: what the files of each may include besides its own and the standard library.
# A room is a folder; a file belongs to the deepest one that has it. "adapters/*" stands for the rooms below adapters.
ARROWS = {
    "main": "commands program",
    "commands": "program http/server http/api files auth wire audit events service adapters/redis ports domain ops",
    "program": "http/server http/api auth events service lanes adapters/* ports domain ops",
    "http/server": "http/api http/headers auth wire domain ops",
    "http/api": "http/headers auth wire events service ports domain ops embedded",
    "http/headers": "wire domain",
    "files": "wire service ports domain",
    "events": "lanes wire ports domain ops",
    "auth": "lanes wire ports domain ops",
    "audit": "service ports domain",
    "service": "lanes ports domain ops",
    "lanes": "ports domain ops",
    "wire": "ports domain",
    "adapters/postgres": "adapters ports domain ops embedded",
    "adapters/sqlite": "adapters ports domain ops embedded",
    "adapters/redis": "adapters ports domain ops embedded",
    "adapters": "ports domain embedded",
    "ports": "domain",
    "domain": "",
    "ops": "",
}

# A library belongs to the rooms named.
LIBRARIES = [
    (r"libpq-fe\.h", "adapters/postgres", "libpq"),
    (r"sqlite3\.h", "adapters/sqlite", "SQLite"),
    (r"hiredis/", "adapters/redis", "hiredis"),
    (r"boost/(beast|asio/(ip|ssl|local|generic|detail)\b(?!/(address|network))|asio/(ip|ssl|read|write|connect)\w*\.hpp)|"
     r"sys/(socket|un)\.h|netinet/|arpa/|netdb\.h|openssl/ssl",
     "http/server adapters adapters/redis events", "sockets and TLS"),
    (r"simdjson\.h", "wire auth", "simdjson"),
    (r"curl/", "auth events", "libcurl"),
    (r"argon2\.h", "auth", "argon2"),
    (r"csv\.h", "files", "libcsv"),
    (r"CLI/", "commands", "the command line"),
    (r"spdlog/", "ops", "spdlog"),
    (r"prometheus/", "ops adapters/redis", "prometheus-cpp"),
    (r"boost/asio/", "http/server http/api lanes service auth adapters/redis adapters", "coroutines"),
]
# Besides these, what the operating system and the language's libraries offer may be used where there is a room for the
# world; rules and encodings have the standard library only.
PURE_ROOMS = {"domain": (), "wire": ("fmt/", "simdjson.h"), "ports": ("openssl/",)}
# Costs seconds in every file that includes it.
NOT_IN_HEADERS = r"boost/beast"

MEANINGLESS_NAMES = {"util", "utils", "common", "core", "impl", "misc", "helper", "helpers", "base", "shared", "lib"}
MAX_FILE_LINES = 500
LONG_FUNCTION_LINES = 70
MAX_SHARE_OF_LONG_FUNCTIONS = 0.01
MAX_PAIRS = 24  # of a folder: a header and its source count once, tests and fuzz targets not at all
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
    """The deepest room whose folder has the file `path` (relative to src/, also of an include); None without one."""
    folders = [folder.as_posix() for folder in pathlib.PurePosixPath(path).parents][:-1]
    if not folders:
        return "main"
    if folders[-1] == "embedded":
        return "embedded"
    return next((folder for folder in folders if folder in ARROWS), None)


def is_allowed(room, target_room):
    allowed = ARROWS[room].split()
    return target_room == room or target_room in allowed or (
        target_room is not None and f"{target_room.rpartition('/')[0]}/*" in allowed)


def check_include(path, target, is_local):
    """`path` is relative to src/, `target` is what stands between the quotes or brackets."""
    room = room_of(path)
    is_test = path.stem.endswith("_test") or path.name.startswith("test_")
    if is_local:
        if not is_allowed(room, room_of(target)) and not (is_test and target.startswith(("support/", "reference/"))):
            yield "arrow", f"{room} may not include {target}"
        return
    if STANDARD_HEADER.match(target) or (is_test and target.startswith(TEST_LIBRARIES)):
        return
    if room in PURE_ROOMS and not target.startswith(PURE_ROOMS[room]):
        yield "library", f"{room} may not include <{target}>"
        return
    for pattern, rooms, library in LIBRARIES:
        if re.match(pattern, target) and room not in rooms.split() and not is_test:
            yield "library", f"{library} belongs to {rooms}, not to {room}: <{target}>"
            return
    if path.suffix == ".hpp" and re.match(NOT_IN_HEADERS, target):
        yield "header", f"<{target}> in a header costs seconds in every file that includes it"


def check_source(path, text):
    """Rules for one file of src/."""
    if room_of(path) not in ARROWS:
        yield "room", f"no room in the table of {pathlib.Path(__file__).name} has this folder"
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


TYPE_NAME = re.compile(r"^(?:struct|class|enum(?: class)?|union)\s+(\w+)")
NO_DECLARATION = ("template", "requires", "static_assert", "namespace ")
ALIAS_NAME = re.compile(r"^using\s+(\w+)\s*=")
DECLARED_NAME = re.compile(r"^(?:template.*>\s*)?[\w:<>,\s*&\[\]]*?\b([A-Za-z_]\w*)\s*[({=\[;]")


def anonymous_names(text):
    """The names in a file's anonymous namespaces. clang-format starts each declaration at the left margin."""
    inside = False
    for line in text.split("\n"):
        if line == "namespace {":
            inside = True
        elif line.startswith("}  // namespace"):
            inside = False
        elif inside and line and line[0] not in " }/#)" and not line.startswith(NO_DECLARATION):
            kinds = (ALIAS_NAME,) if line.startswith("using ") else (TYPE_NAME, DECLARED_NAME)
            if match := next(filter(None, (kind.match(line) for kind in kinds)), None):
                yield match.group(1)


def repeated_names(root):
    """A room can be compiled as one file, in which two files' anonymous namespaces are the same one."""
    owners = {}
    for path in files_under(root / "src"):
        if path.suffix == ".cpp" and not path.stem.endswith(("_test", "_fuzz")):
            room = room_of(path.relative_to(root / "src"))
            for name in sorted(set(anonymous_names(read(path)))):
                first = owners.setdefault((room, name), path)
                if first != path:
                    yield path.relative_to(root), f"'{name}' of the anonymous namespace stands in {first.name}, too"


def crowded_folders(root):
    """Migrations are SQL, and so are not counted."""
    stems = {}
    for path in files_under(root / "src"):
        is_test = path.stem.endswith(("_test", "_fuzz")) or path.stem.startswith("test_")
        if path.suffix in (".cpp", ".hpp") and not is_test:
            stems.setdefault(path.parent, set()).add(path.stem)
    for folder, found in stems.items():
        if len(found) > MAX_PAIRS:
            yield folder.relative_to(root), f"{len(found)} pairs of files, more than {MAX_PAIRS}"


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
    for path, message in repeated_names(root):
        yield "anonymous", path, message
    for folder, message in crowded_folders(root):
        yield "crowded", folder, message
    lengths = sorted(functions_of(root), reverse=True)
    too_long = [entry for entry in lengths if entry[0] > LONG_FUNCTION_LINES]
    if len(too_long) > MAX_SHARE_OF_LONG_FUNCTIONS * len(lengths):
        for length, place in too_long:
            yield "function-length", place, f"a function of {length} lines, more than {LONG_FUNCTION_LINES}"


def in_anonymous(declarations):
    return "namespace {\n\n" + declarations + "\n\n}  // namespace\n"


# A tree that keeps all the rules, and for each rule changes that break it.
GOOD_TREE = {
    "src/main.cpp": '#include "commands/command_line.hpp"\n#include "program/exit.hpp"\n',
    "src/commands/serve.cpp": '#include "program/engine.hpp"\n#include "http/server/server.hpp"\n',
    "src/commands/command_line.cpp": "#include <CLI/CLI.hpp>\n",
    "src/program/engine.cpp": '#include "adapters/sqlite/store.hpp"\n#include "adapters/postgres/store.hpp"\n',
    "src/domain/money.hpp": "#pragma once\n#include <string>\n",
    "src/domain/money_test.cpp": '#include <gtest/gtest.h>\n\n#include "domain/money.hpp"\n',
    "src/ports/store.hpp": '#pragma once\n#include "domain/money.hpp"\n',
    "src/lanes/lane.hpp": '#pragma once\n#include <boost/asio/awaitable.hpp>\n#include "ports/store.hpp"\n',
    "src/service/transactions.hpp": '#pragma once\n#include "lanes/lane.hpp"\n',
    "src/adapters/migration.hpp": '#pragma once\n#include "embedded/file.hpp"\n',
    "src/adapters/sqlite/store.hpp": '#pragma once\n#include <sqlite3.h>\n#include "ports/store.hpp"\n',
    "src/adapters/postgres/store.cpp": '#include <libpq-fe.h>\n#include "adapters/migration.hpp"\n',
    "src/adapters/redis/cache.cpp": "#include <hiredis/hiredis.h>\n#include <sys/socket.h>\n",
    "src/wire/json_reader.cpp": '#include <simdjson.h>\n#include "ports/store.hpp"\n',
    "src/http/headers/message.hpp": "#pragma once\n#include <string>\n",
    "src/http/api/api.cpp": '#include "http/headers/message.hpp"\n#include "service/transactions.hpp"\n',
    "src/http/server/server.hpp": "#pragma once\n#include <string>\n",
    "src/http/server/server.cpp": "#include <boost/beast/http.hpp>\n#include <boost/asio/ip/tcp.hpp>\n",
    "src/auth/client_network.cpp": "#include <boost/asio/ip/network_v6.hpp>\n",
    "src/files/csv_reader.hpp": "#pragma once\n#include <csv.h>\n",
    "src/files/import_flight.cpp": '#include "wire/json_reader.hpp"\n#include "ports/store.hpp"\n',
    "src/ops/log.cpp": "#include <spdlog/spdlog.h>\n",
    "src/ops/process.cpp": in_anonymous("struct Limit {\n  int rows;\n};\n\nint read_limit(int fd) {\n  return fd;\n}\n\n"
                                        "constexpr int kLimit = 3;\nstd::atomic<int> seen{0};\nusing Rows = int;\n"
                                        "enum class Kind { one };"),
    **{f"src/service/part_{number}.cpp": "\n" for number in range(MAX_PAIRS - 1)},
}
SHORT_FUNCTION = "int short_one() {\n  call(1);\n  if (a) {\n  }\n  return 1;\n}\n"
LONG_FUNCTION = "int long_one(int a) {\n" + "  a += 1;\n" * 80 + "  return a;\n}\n"
MUTATIONS = [
    ("arrow", "src/main.cpp", '#include "http/server/server.hpp"\n'),
    ("arrow", "src/domain/money.cpp", '#include "ports/store.hpp"\n'),
    ("arrow", "src/domain/money.cpp", '#include "ops/log.hpp"\n'),
    ("arrow", "src/ports/store.hpp", '#pragma once\n#include "ops/log.hpp"\n'),
    ("arrow", "src/lanes/lane.cpp", '#include "service/transactions.hpp"\n'),
    ("arrow", "src/service/transactions.cpp", '#include "adapters/sqlite/store.hpp"\n'),
    ("arrow", "src/service/transactions.cpp", '#include "wire/json_reader.hpp"\n'),
    ("arrow", "src/adapters/sqlite/store.cpp", '#include "adapters/postgres/store.hpp"\n'),
    ("arrow", "src/adapters/sqlite/store.cpp", '#include "lanes/lane.hpp"\n'),
    ("arrow", "src/adapters/storable.cpp", '#include "adapters/sqlite/store.hpp"\n'),
    ("arrow", "src/adapters/storable.cpp", '#include "ops/log.hpp"\n'),
    ("arrow", "src/http/headers/accept.cpp", '#include "http/api/api.hpp"\n'),
    ("arrow", "src/http/api/handlers.cpp", '#include "http/server/server.hpp"\n'),
    ("arrow", "src/http/api/handlers.cpp", '#include "lanes/lane.hpp"\n'),
    ("arrow", "src/http/api/handlers_test.cpp", '#include "adapters/sqlite/store.hpp"\n'),
    ("arrow", "src/http/server/session.cpp", '#include "service/transactions.hpp"\n'),
    ("arrow", "src/files/import_flight.cpp", '#include "lanes/lane.hpp"\n'),
    ("arrow", "src/files/import_flight.cpp", '#include "reference/memory_store.hpp"\n'),
    ("arrow", "src/commands/serve.cpp", '#include "adapters/sqlite/store.hpp"\n'),
    ("arrow", "src/commands/serve.cpp", '#include "lanes/lane.hpp"\n'),
    ("arrow", "src/program/engine.cpp", '#include "commands/serve.hpp"\n'),
    ("arrow", "src/program/engine.cpp", '#include "files/csv_reader.hpp"\n'),
    ("arrow", "src/ops/log.cpp", '#include "domain/money.hpp"\n'),
    ("library", "src/domain/money.cpp", "#include <fmt/format.h>\n"),
    ("library", "src/domain/money.cpp", "#include <time.h>\n"),
    ("library", "src/wire/json_reader.cpp", "#include <unistd.h>\n"),
    ("library", "src/wire/json_reader.hpp", "#pragma once\n#include <gtest/gtest.h>\n"),
    ("library", "src/http/api/handlers.cpp", "#include <boost/asio/ip/tcp.hpp>\n"),
    ("library", "src/http/api/handlers.cpp", "#include <sys/socket.h>\n"),
    ("library", "src/http/api/handlers.cpp", "#include <openssl/ssl.h>\n"),
    ("library", "src/http/api/handlers.cpp", "#include <simdjson.h>\n"),
    ("library", "src/lanes/lane.cpp", "#include <boost/asio/write.hpp>\n"),
    ("library", "src/auth/key_set.cpp", "#include <boost/asio/ip/tcp.hpp>\n"),
    ("library", "src/adapters/host_address.cpp", "#include <sqlite3.h>\n"),
    ("library", "src/adapters/sqlite/store.cpp", "#include <libpq-fe.h>\n"),
    ("library", "src/adapters/sqlite/store.cpp", "#include <hiredis/hiredis.h>\n"),
    ("library", "src/files/line_reader.cpp", "#include <curl/curl.h>\n"),
    ("library", "src/service/transactions.cpp", "#include <csv.h>\n"),
    ("library", "src/http/server/session.cpp", "#include <CLI/CLI.hpp>\n"),
    ("library", "src/program/config.cpp", "#include <CLI/CLI.hpp>\n"),
    ("library", "src/main.cpp", "#include <CLI/CLI.hpp>\n"),
    ("library", "src/commands/health.cpp", "#include <boost/asio/ip/tcp.hpp>\n"),
    ("library", "src/program/listening.cpp", "#include <boost/asio/post.hpp>\n"),
    ("library", "src/program/engine.cpp", "#include <spdlog/spdlog.h>\n"),
    ("header", "src/http/server/server.hpp", "#pragma once\n#include <boost/beast/http.hpp>\n"),
    ("room", "src/engine/engine.cpp", "\n"),
    ("room", "src/http/cookies.cpp", "\n"),
    ("pragma-once", "src/domain/money.hpp", "#include <string>\n"),
    ("name", "src/domain/util.cpp", "\n"),
    ("name", "tests/common/client.py", "\n"),
    ("file-length", "src/domain/money.cpp", "\n" * 501),
    ("file-length", "tests/e2e/client.py", "\n" * 501),
    ("function-length", "src/domain/money.cpp", SHORT_FUNCTION * 50 + LONG_FUNCTION),
    ("anonymous", "src/ops/log.cpp", in_anonymous("struct Limit {\n  int columns;\n};")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("int read_limit(std::string_view path) {\n  return 1;\n}")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("template <typename T>\nstd::vector<T> read_limit(\n    T from) {\n}")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("[[nodiscard]] int read_limit();")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("const std::array<int, 2> kLimit{1, 2};")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("int seen;")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("using Rows = long;")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("class Kind {\n};")),
    ("anonymous", "src/ops/log.cpp", in_anonymous("int other;") + in_anonymous("int seen;")),
    ("crowded", "src/service/one_more.hpp", "#pragma once\n"),
    ("text", "docs/guide.md", "cd /" + "home/someone/tps\n"),
    ("text", "src/domain/money.cpp", "// TO" + "DO: round\n"),
    ("text", "api/package-lock.json", '"resolved": "' + 'https://example.org/a.tgz"\n'),
]
KEPT = [
    ("src/domain/money.cpp", "int one(int a) { return a; }\n" * 101 + LONG_FUNCTION),
    ("src/domain/money.cpp", LONG_FUNCTION.replace("  a += 1;\n", "", 20)),
    ("src/lanes/lane_test.cpp", "#include <gmock/gmock.h>\n"),
    ("src/domain/test_history.hpp", "#pragma once\n#include <rapidcheck.h>\n"),
    ("src/ops/log_test.cpp", in_anonymous("int seen;")),
    ("src/ops/log.cpp", "int read_limit(int fd);\n" + in_anonymous("int other() {\n  int seen = 1;\n  return seen;\n}") + "int seen;\n"),
    ("src/ops/log.cpp", in_anonymous("using std::Rows;\nusing namespace seen;\nnamespace kLimit = tps::one;")),
    ("src/domain/money.cpp", in_anonymous("int seen;")),
    ("src/service/part_1.hpp", "#pragma once\n"),
    ("src/service/one_more_test.cpp", "\n"),
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
