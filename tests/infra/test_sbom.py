"""`./dev sbom` writes a valid, reproducible CycloneDX document of the binary under test."""
import collections
import json
import os
import pathlib
import re

import jsonschema
import pytest
from support.process import run
from support.tps import BINARY, tps

ROOT = pathlib.Path(__file__).resolve().parents[2]
NPM = ROOT / "tests/infra/sbom"
SCHEMAS = NPM / "node_modules/@cyclonedx/cyclonedx-library/res/schema"
TOOL = [ROOT / "tools/sbom", pathlib.Path(BINARY).resolve().parent]


@pytest.fixture(scope="module")
def text():
    done = run(TOOL)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def document(text):
    return json.loads(text)


@pytest.fixture(scope="module")
def validator():
    """The validator of CycloneDX 1.5. Its schema is installed from npm once, and again when the version changes."""
    done, lock = NPM / "node_modules/.package-lock.json", NPM / "package-lock.json"
    if not done.exists() or done.stat().st_mtime <= lock.stat().st_mtime:
        result = run(["npm", "ci", "--prefer-offline", "--omit=optional", "--omit=peer", "--loglevel=error"], cwd=NPM, timeout=120)
        assert result.returncode == 0, result.stderr
        os.utime(done)
    whole, *parts = (json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text()) for name in ("bom-1.5", "spdx", "jsf-0.82"))
    base = whole["$id"].rpartition("/")[0]
    store = {f"{base}/{name}.SNAPSHOT.schema.json": part for name, part in zip(("spdx", "jsf-0.82"), parts)}
    resolver = jsonschema.RefResolver.from_schema(whole, store=store)
    return jsonschema.Draft7Validator(whole, resolver=resolver, format_checker=jsonschema.FormatChecker())


def flaws(validator, document):
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(document)]


def named(document, start):
    """name -> component, for purls that start with the prefix."""
    return {one["name"]: one for one in document["components"] if one["purl"].startswith(start)}


def test_it_is_what_the_standard_asks_for(validator, document):
    assert flaws(validator, document) == []
    assert document["specVersion"] == "1.5"


@pytest.mark.parametrize("change", [
    {"bomFormat": "SPDX"}, {"components": [{"type": "library"}]}, {"components": [{"type": "cake", "name": "x"}]},
    {"components": [{"type": "library", "name": "x", "licenses": [{"license": {"id": "no such licence"}}]}]},
    {"made_up": True},
])
def test_the_schema_would_notice(validator, document, change):
    assert flaws(validator, document | change)


def test_the_same_build_gives_the_same_bytes(text):
    assert run(TOOL).stdout == text


def test_references_lead_somewhere_once(document):
    whole = document["metadata"]["component"]
    counted = collections.Counter(one["bom-ref"] for one in [whole, *document["components"]])
    assert set(counted.values()) == {1}
    refs = [whole["bom-ref"], *(one["bom-ref"] for one in document["components"])]
    assert [one["ref"] for one in document["dependencies"]] == refs
    used = {ref for one in document["dependencies"] for ref in one["dependsOn"]}
    assert used == set(counted) - {whole["bom-ref"]}, "everything but the program is there because something asks for it"


def test_every_library_that_is_loaded_is_in_it(document):
    loaded = re.findall(r"=> (/\S+)", run(["ldd", BINARY]).stdout)
    assert len(loaded) > 10
    packages = named(document, "pkg:deb/debian/")
    files = {os.path.basename(os.path.realpath(path)) for path in loaded}
    answer = run(["dpkg-query", "--search", *(f"*/{file}" for file in files)], timeout=60).stdout
    owners = {file: [line.split(":")[0] for line in answer.splitlines() if line.endswith(f"/{file}")] for file in files}
    assert all(set(owner) & set(packages) for owner in owners.values()), owners
    versions = dict(re.findall(r"(\S+) (\S+)", run(["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n"]).stdout))
    assert {name: one["version"] for name, one in packages.items()} == {name: versions[name] for name in packages}


def test_headers_and_scripts_that_were_built_in_are_in_it(document):
    assert {"libboost1.81-dev", "libcli11-dev"} <= set(named(document, "pkg:deb/debian/"))
    scripts = named(document, "pkg:npm/")
    wanted = json.loads((ROOT / "api/package.json").read_text())["dependencies"]
    assert {name: scripts[name]["version"] for name in wanted} == wanted
    assert not any("spectral" in name for name in scripts), "tools are no part of the program"
    assert all(one["hashes"][0]["alg"] == "SHA-512" for one in scripts.values())


def test_it_names_the_program(document):
    one = document["metadata"]["component"]
    assert (one["name"], one["version"]) == ("tps", tps("--version").stdout.split()[-1])
