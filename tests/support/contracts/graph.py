"""Microsoft's contract for Graph's calendars, as the sandbox wants it: what of a request or an answer is outside."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

CONTRACT = Path(__file__).parents[3].parent / "shared/contracts/graph/openapi.strict.yaml"
NAME = "urn:graph"
OPAQUE = {"$skiptoken", "$deltatoken"}
# Not in the contract: the cut that it was made from holds calendars only, and these are settings of the mailbox.
OUTSIDE = re.compile(r"/users/[^/]+/outlook/masterCategories")


class GraphContract:
    """The operations of the strict contract, with every schema as JSON Schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = _json_schema(document)
        self._registry = Registry().with_resource(NAME, Resource(self._document, DRAFT4))
        self._paths = [(_pattern(path), item) for path, item in self._document["paths"].items()]
        self._validators: dict[str, Draft4Validator] = {}

    def request(self, verb: str, path: str, query: list[tuple[str, str]], body: Any) -> list[str]:
        if OUTSIDE.fullmatch(path):
            return []
        operation = self._operation(verb, path)
        if operation is None:
            return [f"no operation {verb} {path}"]
        return [*self._query(operation, query), *self._body(operation, body)]

    def response(self, verb: str, path: str, status: int, body: Any) -> list[str]:
        operation = self._operation(verb, path)
        if OUTSIDE.fullmatch(path) or operation is None:
            return []
        known = operation["responses"]
        answer = known.get(str(status)) or (known.get("2XX") if status < 300 else None) or known["default"]
        schema = self._resolved(answer).get("content", {}).get("application/json", {}).get("schema")
        if schema is None or status == 204:
            return [] if body is None else ["an answer that should have no body has one"]
        return self._errors(schema, _published(body))

    def _operation(self, verb: str, path: str) -> Mapping[str, Any] | None:
        spelt = f"{path}()" if path.endswith("/delta") else path
        return next((item.get(verb.lower()) for pattern, item in self._paths if pattern.fullmatch(spelt)), None)

    def _query(self, operation: Mapping[str, Any], query: list[tuple[str, str]]) -> list[str]:
        known = [self._resolved(each) for each in operation.get("parameters", [])]
        names = {each["name"] for each in known if each["in"] == "query"}
        given = {name for name, _ in query}
        found = [f"no parameter {name}" for name in given - names - OPAQUE]
        if not given & OPAQUE:
            needed = {each["name"] for each in known if each["in"] == "query" and each.get("required")}
            found += [f"the parameter {name} is missing" for name in needed - given]
        return found

    def _body(self, operation: Mapping[str, Any], body: Any) -> list[str]:
        described = operation.get("requestBody")
        if described is None or body is None:
            return [] if described is body is None else ["a body is missing, or there is one too many"]
        return self._errors(described["content"]["application/json"]["schema"], body)

    def _errors(self, schema: Mapping[str, Any], body: Any) -> list[str]:
        name = repr(schema)
        if name not in self._validators:
            self._validators[name] = Draft4Validator(schema, registry=self._registry)
        # The value stays out of it: it may be a person's.
        return [
            f"{each.json_path}: {each.validator} {each.validator_value}"[:200]
            for each in self._validators[name].iter_errors(body)
        ]

    def _resolved(self, thing: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = thing
        if "$ref" in thing:
            found = self._document
            for step in thing["$ref"].partition("#/")[2].split("/"):
                found = found[step]
        return found


@cache
def load(path: Path) -> GraphContract:
    """The contract that stands at `path`."""
    # Parsed in C where that is there, for it takes seconds otherwise.
    return GraphContract(yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def contract() -> GraphContract:
    """Skips the test that asks where the contract is absent."""
    if not CONTRACT.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"Microsoft's contract for Graph is not at {CONTRACT}")
    return load(CONTRACT)


def contract_if_there() -> GraphContract | None:
    """For servers whose tests are about something else."""
    return load(CONTRACT) if CONTRACT.exists() or os.environ.get("CI") == "true" else None


def _published(body: Any) -> Any:
    """Without what real servers add to an error although the contract does not know it."""
    if not (isinstance(body, dict) and isinstance(body.get("error"), dict)):
        return body
    return {"error": {name: value for name, value in body["error"].items() if not name.startswith("@event.")}}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)))


def _json_schema(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words, and references that can be followed from anywhere."""
    if isinstance(schema, list):
        return [_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {name: _json_schema(value) for name, value in schema.items()}
    if schema.get("nullable") is True and isinstance(schema.get("type"), str):
        turned["type"] = [schema["type"], "null"]
    if isinstance(schema.get("$ref"), str):
        turned["$ref"] = NAME + schema["$ref"]
    return turned
