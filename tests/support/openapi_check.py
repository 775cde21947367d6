"""Checks real responses against api/openapi.yaml.

    wire = openapi_check.Wire()
    wire.check("POST", "/transactions", 201, headers, body)

Raises Mismatch if the document does not declare the status, the content type, a header or the shape of the body. It is
stricter than a client should be: a member that the document does not name is a mismatch, too.
"""
import copy
import json
import pathlib
import re

import jsonschema
import yaml

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "api" / "openapi.yaml"

# Headers of HTTP itself need no description.
GENERAL_HEADERS = {"allow", "cache-control", "connection", "content-length", "content-security-policy", "content-type", "date",
                   "ratelimit", "ratelimit-policy", "referrer-policy", "x-content-type-options"}


class Mismatch(AssertionError):
    pass


class Wire:
    def __init__(self, document=None):
        """`document`: as served at /openapi.json (default: the file in the project)."""
        self.document = document or yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
        self._closed = _close(copy.deepcopy(self.document))
        self._resolver = jsonschema.RefResolver("", self._closed)
        self._templates = [(path, re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))))
                           for path in sorted(self.document["paths"], key=lambda path: "{" in path)]

    def template_of(self, target):
        """The path template of a request target, or None for an unknown path or a page's script."""
        path = target.split("?")[0]
        return next((template for template, pattern in self._templates if pattern.fullmatch(path)), None)

    def check(self, method, path, status, headers, body):
        """`path`: a template or a request target. `headers`: a mapping in any case. `body`: bytes or text."""
        headers = {name.lower(): value for name, value in headers.items()}
        where = f"{method} {path} -> {status}"
        if path.split("?")[0].startswith("/docs/assets/"):
            return
        if method == "OPTIONS" and status == 204:
            _require(not body and headers.get("allow"), f"{where}: 204 with Allow and without a body is expected")
            return
        response = self._response(method, path, status, where)
        self._check_headers(response, headers, where)
        if method != "HEAD":
            self._check_body(response, status, headers, body, where)

    def _response(self, method, path, status, where):
        item = self._closed["paths"].get(path) or self._closed["paths"].get(self.template_of(path)) or {}
        operation = item.get("get" if method == "HEAD" else method.lower())
        declared = operation["responses"] if operation else self._closed["x-any-path"]
        _require(str(status) in declared, f"{where}: only {', '.join(sorted(declared))} are declared")
        return self._resolve(declared[str(status)])

    def _check_headers(self, response, headers, where):
        declared = {name.lower(): self._resolve(header) for name, header in response.get("headers", {}).items()}
        for name, header in declared.items():
            if name in headers:
                self._validate(_header_value(headers[name], header["schema"]), header["schema"], f"{where}: {name}")
            else:
                _require(not header.get("required"), f"{where}: the header {name} is missing")
        undeclared = set(headers) - set(declared) - GENERAL_HEADERS
        _require(not undeclared, f"{where}: the headers {sorted(undeclared)} are not declared")

    def _check_body(self, response, status, headers, body, where):
        content = response.get("content")
        if content is None:
            _require(not body, f"{where}: a body is not declared")
            return
        media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        _require(media_type in content, f"{where}: the content type {media_type!r} is not declared")
        if not media_type.endswith("json"):
            return
        try:
            value = json.loads(body, object_pairs_hook=_object_without_doubles, parse_constant=_refuse_constant)
        except ValueError as error:
            raise Mismatch(f"{where}: not JSON: {error}") from error
        self._validate(value, content[media_type]["schema"], where)
        if media_type == "application/problem+json":
            _check_problem(value, status, headers, where)

    def _validate(self, value, schema, where):
        errors = list(jsonschema.Draft202012Validator(schema, resolver=self._resolver).iter_errors(value))
        if errors:
            worst = jsonschema.exceptions.best_match(errors)
            raise Mismatch(f"{where}: {worst.json_path}: {worst.message}")

    def _resolve(self, node):
        return self._resolver.resolve(node["$ref"])[1] if "$ref" in node else node


def _require(holds, message):
    if not holds:
        raise Mismatch(message)


def _check_problem(problem, status, headers, where):
    _require(problem["status"] == status, f"{where}: the problem's status is {problem['status']}")
    _require(problem["request_id"] == headers["x-request-id"], f"{where}: the problem has another request id")
    _require(problem["type"] == f"urn:tps:error:{problem['code']}", f"{where}: the problem's type is not its code")


def _close(node):
    """Forbids members that the schema of an object does not name."""
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for child in node.values():
            _close(child)
    elif isinstance(node, list):
        for child in node:
            _close(child)
    return node


def _header_value(text, schema):
    return int(text) if schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]+", text) else text


def _object_without_doubles(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")
