#!/usr/bin/python3
"""Checks the documents: every relative link and every #anchor resolves, lines are short, and the index names every page.

    doc_links.py              checks the project; prints each broken rule; exit code 1 if there are any
    doc_links.py --self-test  proves on small made-up trees that every rule can fail
"""
import pathlib
import re
import sys
import tempfile

from layers import read, write_tree

MAX_LINE_LENGTH = 160
INDEX = "docs/README.md"
AT_THE_ROOT = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")

FENCE = re.compile(r"\s*(```|~~~)")
CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]*)>?[^)]*\)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?", re.MULTILINE)
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*$")
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def documents(root):
    found = [root / name for name in AT_THE_ROOT if (root / name).exists()]
    return found + sorted((root / "docs").rglob("*.md"))


def prose(text):
    """The text with its line numbers, without blocks of code."""
    lines, fence = [], None
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark and fence in (None, mark[1]):
            fence = None if fence else mark[1]
            line = ""
        lines.append("" if fence else line)
    return "\n".join(lines)


def without_code_spans(text):
    """Keeps the line ends, so that line numbers stay right."""
    return CODE_SPAN.sub(lambda span: re.sub(r"[^\n]", " ", span[0]), text)


def anchors(text):
    """The anchors that GitHub gives to the headings; a repeated one ends with -1, -2, ..."""
    found, times = set(), {}
    for line in prose(text).split("\n"):
        if heading := HEADING.match(line):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            count = times[slug] = times.get(slug, -1) + 1
            found.add(f"{slug}-{count}" if count else slug)
    return found


def links(text):
    """Yields (line, target) of every relative link."""
    text = without_code_spans(prose(text))
    for pattern in (LINK, DEFINITION):
        for match in pattern.finditer(text):
            if not ABSOLUTE.match(match[1]):
                yield text.count("\n", 0, match.start()) + 1, match[1]


def check_link(page, target):
    """The target's file, and the rule and reason if it does not resolve."""
    name, _, anchor = target.partition("#")
    file = page.parent / name if name else page
    if not file.exists():
        return file, ("link", f"{target}: there is no {name or 'target'}")
    if anchor and (file.suffix != ".md" or anchor not in anchors(read(file))):
        return file, ("anchor", f"{target}: {file.name} has no heading with that anchor")
    return file, None


def violations(root):
    """Yields (rule, file, line, what is wrong)."""
    linked = set()
    for page in documents(root):
        relative = page.relative_to(root)
        for line, target in links(read(page)):
            file, error = check_link(page, target)
            if error:
                yield error[0], relative, line, error[1]
            elif relative.as_posix() == INDEX:
                linked.add(file.resolve())
        if relative.parts[0] == "docs":
            for line, content in enumerate(read(page).split("\n"), 1):
                if len(content) > MAX_LINE_LENGTH:
                    yield "line-length", relative, line, f"{len(content)} characters, more than {MAX_LINE_LENGTH}"
    for page in documents(root):
        relative = page.relative_to(root)
        if relative.parts[0] == "docs" and relative.as_posix() != INDEX and page.resolve() not in linked:
            yield "index", relative, 1, f"{INDEX} does not link to this page"


# A tree that keeps all the rules, and for each rule changes that break it.
GOOD_TREE = {
    "README.md": "# A\n\nRead [docs](docs/README.md), [b](docs/b.md#two-words) and [A](#a).\n",
    "docs/README.md": "# Docs\n\n- [b](b.md)\n- [c](deep/c.md)\n",
    "docs/b.md": "# B\n\n## Two words\n\n[code](../src/a.cpp), [folder](deep)\n",
    "docs/deep/c.md": "# C\n\n[b](../b.md#b)\n",
    "src/a.cpp": "\n",
}
MUTATIONS = [
    ("link", "README.md", "[b](docs/missing.md)\n"),
    ("link", "CONTRIBUTING.md", "[b](b.md)\n"),
    ("link", "ARCHITECTURE.md", "[b]: docs/missing.md\n"),
    ("link", "docs/b.md", "[a](src/a.cpp)\n"),
    ("link", "docs/deep/c.md", "[b](b.md)\n"),
    ("link", "docs/b.md", "```\n[code](no.md)\n```\n\n[two\nlines](no.md)\n"),
    ("link", "docs/b.md", "[![image](c.png)](missing.md)\n"),
    ("link", "docs/b.md", "[a](missing.md \"title\")\n"),
    ("link", "docs/b.md", "`one` [a](missing.md) `two`\n"),
    ("anchor", "README.md", "[b](docs/b.md#three-words)\n"),
    ("anchor", "README.md", "# A\n\n[A](#A)\n"),
    ("anchor", "docs/deep/c.md", "# C\n\n[b](../b.md#c)\n"),
    ("anchor", "docs/b.md", "[a](../src/a.cpp#L1)\n"),
    ("anchor", "docs/b.md", "```\n# In code\n```\n\n[a](#in-code)\n"),
    ("anchor", "docs/b.md", "# Same\n\n# Same\n\n[a](#same-2)\n"),
    ("line-length", "docs/b.md", "a" * 161 + "\n"),
    ("line-length", "docs/deep/c.md", "```\n" + "a" * 161 + "\n```\n"),
    ("index", "docs/new.md", "# New\n"),
    ("index", "docs/deep/new.md", "# New\n"),
]
KEPT = [
    ("docs/b.md", "[a](https://example.org/x#y), [m](mailto:a@example.org), [n](//example.org), <http://localhost:8000/docs>\n"),
    ("docs/b.md", "```sh\n[a](missing.md)\n```\n\n    a\n\n`[a](missing.md)` and ``[a](`missing.md)``\n"),
    ("docs/b.md", "# What's `in` it, and [why](deep/c.md)?\n\n[a](#whats-in-it-and-why)\n"),
    ("docs/b.md", "# Same\n\n# Same\n\n# A_b - C\n\n[a](#same) [b](#same-1) [c](#a_b---c)\n"),
    ("docs/b.md", "ä" * 160 + "\n"),
    ("README.md", "a" * 200 + "\n"),
    ("src/README.md", "[a](missing.md)\n"),
]


def self_test():
    failures = []

    def rules_broken_by(files):
        with tempfile.TemporaryDirectory() as folder:
            write_tree(pathlib.Path(folder), {**GOOD_TREE, **files})
            return [rule for rule, *_ in violations(pathlib.Path(folder))]

    if broken := rules_broken_by({}):
        failures.append(f"the good tree breaks {broken}")
    # In GOOD_TREE, these two link to headings of docs/b.md, which the cases replace.
    without_links = {"README.md": "# A\n", "docs/deep/c.md": "# C\n"}
    for name, text in KEPT:
        if broken := rules_broken_by({**without_links, name: text}):
            failures.append(f"{name} with {text[:60]!r} is good but breaks {broken}")
    for rule, name, text in MUTATIONS:
        if (broken := rules_broken_by({**without_links, name: text})) != [rule]:
            failures.append(f"{name} with {text[:60]!r} should break '{rule}' alone, breaks {broken or 'nothing'}")
    print("\n".join(failures) or f"{len(MUTATIONS)} mutations, each found by its rule")
    return 1 if failures else 0


def main():
    if "--self-test" in sys.argv[1:]:
        return self_test()
    found = list(violations(pathlib.Path(__file__).resolve().parents[2]))
    for rule, path, line, message in found:
        print(f"{path}:{line}: [{rule}] {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
