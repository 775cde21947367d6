#!/usr/bin/python3
"""Counts the sentences that do not name their actor, and holds their number to a limit that only falls.

    language.py              checks the project; exit code 1 if there are more of them than a limit, or fewer
    language.py --list       prints each of them as file:line: class: sentence
    language.py --self-test  proves on small made-up files which sentences are counted

Counted are sentences with the words in VAGUE, and statements whose subject is a word in OPENING (questions end with a
question mark and are not counted). Name the actor instead: client, caller, operator, server, worker, lane, database.
There are two classes: text that leaves the program (literals, help, documents, everything in infra/), and comments.
"""
import ast
import io
import json
import pathlib
import re
import sys
import tempfile
import tokenize

from layers import files_under, read, write_tree

LIMIT_TEXT = 0
LIMIT_COMMENTS = 0

VAGUE = r"\b(?:[Ww]hoever|[Nn]obody|[Aa]nybody|[Ss]omebody)\b"
OPENING = r"\b(?:Who|What)\b|^(?:who|what)\b"
COUNTED = re.compile(f"{VAGUE}|{OPENING}")
CODE_SPAN = re.compile(r"`[^`]*`")

TEXT, COMMENTS = "text", "comments"
# Outside src, bench, tools and tests, everything in these is text.
DOCUMENTS = ("docs", "infra", "api")
DOCUMENT_FILES = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Dockerfile", "docker-compose.yml", "dev", "CMakePresets.json"}
NOT_READ = {"CHANGELOG.md", "package-lock.json", "LICENSE"}
HASH_COMMENTS = {".cmake", ".sh", ".yaml", ".yml", ".txt", ".conf", ".cfg", ".service"}

CPP_TOKEN = re.compile(r'''//(?P<line>[^\n]*)|/\*(?P<block>.*?)\*/|R"(?P<tag>\w*)\((?P<raw>.*?)\)(?P=tag)"|'''
                       r'''"(?P<plain>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)'|\#include[^\n]*''', re.DOTALL)


class Blocks:
    """Lines that belong together: a sentence may go on from one to the next."""

    def __init__(self):
        self.blocks = []
        self.open = None

    def add(self, kind, line, text, joined):
        """`joined`: goes on from the text that was added last, if that was of the same kind."""
        if joined and self.open == kind:
            self.blocks[-1][1].append((line, text))
        else:
            self.blocks.append((kind, [(line, text)]))
        self.open = kind


def cpp(text):
    """Comments on neighbouring lines, and neighbouring literals, are one text each."""
    found, end, last_line = Blocks(), 0, 0
    for token in CPP_TOKEN.finditer(text):
        line = text.count("\n", 0, token.start()) + 1
        near = not text[end:token.start()].strip() and line <= last_line + 1
        comment = token["line"] if token["line"] is not None else token["block"]
        literal = token["raw"] if token["raw"] is not None else token["plain"]
        if comment is not None:
            found.add(COMMENTS, line, comment.strip(" *"), near and comment.strip() != "")
        elif literal is not None and re.search(r"\s", literal):
            found.add(TEXT, line, literal.replace(r"\n", " "), near)
        end, last_line = token.end(), line + token[0].count("\n")
    return found.blocks


def python(text):
    """A docstring is a comment, unless it is also the help."""
    found, tree = Blocks(), ast.parse(text)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    help_text = tree.body[0].value if "__doc__" in text and id(getattr(tree.body[0], "value", None)) in docstrings else None
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            kind = COMMENTS if id(node) in docstrings and node is not help_text else TEXT
            for offset, part in enumerate(node.value.split("\n")):
                found.add(kind, node.lineno + offset, part.strip(), offset > 0 and part.strip() != "")
    last_line = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found.add(COMMENTS, token.start[0], token.string.strip("# "), token.start[0] == last_line + 1)
            last_line = token.start[0]
    return found.blocks


def marked(mark):
    """Reads the comments of a language in which they go from `mark` to the end of the line."""
    comment = re.compile(rf"(?:^|\s){mark}(?!!)\s?(.*)")

    def read_comments(text):
        found, last_line = Blocks(), 0
        for number, line in enumerate(text.split("\n"), 1):
            if match := comment.search(line):
                found.add(COMMENTS, number, match[1].strip(), number == last_line + 1 and match[1].strip() != "")
                last_line = number
        return found.blocks
    return read_comments


STARTS_ANEW = re.compile(r"#|[-*] |\d+\. |\||```|[\w.$/-]+:( |$)|<")


def document(text):
    """Every line; a paragraph ends where a list item, a row, a heading, a key or a comment begins, or stops."""
    found, was_comment = Blocks(), False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        is_comment = stripped.startswith("#")
        content = re.sub(r"^(#+|-+|\*|\d+\.|\|)?\s*", "", stripped)
        content = re.sub(r"""^(- )?[a-z][\w.$/-]*: ["'>|-]*""", "", content)
        anew = not content or is_comment != was_comment or (not is_comment and STARTS_ANEW.match(stripped))
        found.add(TEXT, number, content, not anew)
        was_comment = is_comment
    return found.blocks


def values(text):
    """The strings of a JSON file that are sentences."""
    found = Blocks()
    for number, line in enumerate(text.split("\n"), 1):
        for value in re.findall(r'"(?:[^"\\]|\\.)*"', line):
            if " " in value:
                found.add(TEXT, number, json.loads(value), False)
    return found.blocks


def reader_of(path, text):
    if path.name in NOT_READ or path.suffix in (".patch", ".css"):
        return None
    if path.suffix in (".cpp", ".hpp", ".mjs"):
        return cpp
    if path.suffix == ".json":
        return values
    if path.parts[0] in DOCUMENTS or path.as_posix() in DOCUMENT_FILES or path.suffix == ".md":
        return document
    if path.suffix == ".py" or text.startswith("#!/usr/bin/python3"):
        return python
    if path.suffix == ".sql":
        return marked("--")
    if path.suffix in HASH_COMMENTS or path.name == "Dockerfile" or text.startswith("#!/usr/bin/env bash"):
        return marked("#")
    return None


def literals_count(path):
    """Those of tests are data and expectations."""
    is_test = path.stem.endswith(("_test", "_fuzz")) or path.name.startswith("test_")
    return path.parts[0] != "tests" and not is_test


def sentences(block):
    """(line, sentence) of a block; a sentence may begin in a new line or after another one, in a new cell of a table too."""
    text, starts = "", []
    for line, part in block:
        starts.append((len(text), line))
        text += part + " "
    begin = 0
    for end in [*(match.end() for match in re.finditer(r"[.!?][\"')*]*\s+|\s\|\s", text)), len(text)]:
        sentence = text[begin:end]
        yield [line for start, line in starts if start <= begin][-1], sentence.strip()
        begin = end


def found_in(path, text):
    """Yields (class, line, sentence)."""
    reader = reader_of(path, text)
    for kind, block in reader(text) if reader else []:
        if kind == TEXT and not literals_count(path):
            continue
        for line, sentence in sentences(block):
            vague = COUNTED.search(CODE_SPAN.sub("", sentence))
            if vague and not (re.match(r"(?i)wh", vague[0]) and vague[0].lower() != "whoever" and sentence.endswith("?")):
                yield kind, line, sentence


def found_under(root):
    for path in files_under(root):
        relative = path.relative_to(root)
        for kind, line, sentence in found_in(relative, read(path)):
            yield kind, relative, line, sentence


def complaints(counts, limits):
    for kind, limit in limits.items():
        name, count = f"LIMIT_{kind.upper()}", counts[kind]
        if count > limit:
            yield f"{count} sentences of the class {kind} do not name their actor, {name} is {limit}; rewrite the new ones (--list)"
        elif count < limit:
            yield f"good: lower {name} to {count} (it is {limit})"


def check(root, limits, listed=False):
    found = list(found_under(root))
    if listed:
        for kind, path, line, sentence in found:
            print(f"{path}:{line}: {kind}: {sentence}")
    counts = {kind: sum(entry[0] == kind for entry in found) for kind in limits}
    errors = list(complaints(counts, limits))
    print("\n".join(errors) or ", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    return 1 if errors else 0


# (file, content, how many texts, how many comments)
CASES = [
    ("src/a.cpp", 'log("nobody is asked"); // A note.\n', 1, 0),
    ("src/a.cpp", 'log("it asks" /* why */ " Nobody");\nlog("Anybody " "may");', 2, 0),
    ("src/a.cpp", 'user("nobody"); int nobody_; call(whoever);', 0, 0),
    ("src/a.cpp", 'R"(Whoever\nwaits)"', 1, 0),
    ("src/a.cpp", 'log("what is wrong"); log("so what is wrong");', 1, 0),
    ("src/a.cpp", "// It waits for\n// somebody. What it has is kept.\nint a;  // Who waits?\n", 0, 2),
    ("src/a.cpp", "// What is it, and who\n// waits for it?\n// Not what it was. The client `nobody` waits.\n", 0, 0),
    ("src/a_test.cpp", 'log("nobody is asked");  // nobody is\n', 0, 1),
    ("tests/a.py", '"""What it does."""\nassert a, "nobody waits"  # Whoever waits.\n', 0, 2),
    ("bench/run", '#!/usr/bin/python3\n"""What it does."""\nsay("nobody waits")\n', 1, 1),
    ("tools/a", '#!/usr/bin/python3\n"""What it does."""\nprint(__doc__)\n', 1, 0),
    ("tools/b", "#!/usr/bin/env bash\n# Nobody waits.\nsay 'nobody'\n", 0, 1),
    ("src/a.sql", "SELECT 1  -- nobody waits\n", 0, 1),
    ("cmake/A.cmake", "set(A nobody)\n# What is\n# somebody.\n", 0, 1),
    ("README.md", "# Who may call\n\nWho may\ncall? Ask `nobody`.\n- Somebody\n  and anybody\n\n| nobody | What is it? | What it is |\n", 4, 0),
    ("api/openapi.yaml", "a:\n  description: >-\n    It is not known, and\n    nobody knows.\n  summary: What is asked.\n  nobody: {type: string}\n", 2, 0),
    ("infra/a.yaml", "a: 1  # nobody\n# Whoever may,\n# may. What is it?\n", 2, 0),
    ("infra/b.json", '{"nobody": "nobody", "title": "Nobody waits"}\n', 1, 0),
    ("Dockerfile", "# Nobody's\nRUN a\n", 1, 0),
    ("tests/infra/Dockerfile", "USER nobody\n# Nobody's\n", 0, 1),
    ("CHANGELOG.md", "Nobody waits.\n", 0, 0),
]


def self_test():
    failures = []
    for name, content, texts, comments in CASES:
        kinds = [kind for kind, _, _ in found_in(pathlib.Path(name), content)]
        if (kinds.count(TEXT), kinds.count(COMMENTS)) != (texts, comments):
            failures.append(f"{name}: {content!r} has {kinds}, expected {texts} texts and {comments} comments")
    with tempfile.TemporaryDirectory() as folder:
        write_tree(pathlib.Path(folder), {"README.md": "Nobody waits.\n", "src/a.cpp": "// Fine.\n"})
        found = [(path.as_posix(), line) for _, path, line, _ in found_under(pathlib.Path(folder))]
        if found != [("README.md", 1)]:
            failures.append(f"a tree with one such sentence gives {found}")
    for count, limit, word in [(2, 1, "rewrite"), (1, 2, "lower LIMIT_TEXT to 1"), (1, 1, None)]:
        said = list(complaints({TEXT: count}, {TEXT: limit}))
        if (word is None) != (not said) or (word and word not in said[0]):
            failures.append(f"{count} where {limit} are allowed gives {said}")
    print("\n".join(failures) or f"{len(CASES)} cases, each counted right")
    return 1 if failures else 0


def main():
    if "--self-test" in sys.argv[1:]:
        return self_test()
    root = pathlib.Path(__file__).resolve().parents[2]
    return check(root, {TEXT: LIMIT_TEXT, COMMENTS: LIMIT_COMMENTS}, listed="--list" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
