"""What Google's discovery document allows: each request to the sandbox is held against it.

See: https://developers.google.com/discovery/v1/reference/apis
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from googleapiclient.discovery_cache import get_static_doc

Params = dict[str, Any]


class OutsideContractError(Exception):
    """The request is not one that Google's discovery document allows; the message says why."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API, like `calendar.events.insert`."""

    id: str
    verb: str
    path: re.Pattern[str]
    query: Mapping[str, Any]
    scopes: frozenset[str]
    request: str | None
    response: str | None


class Contract:
    """The methods, parameters and schemas of Google Calendar v3."""

    def __init__(self) -> None:
        document = json.loads(get_static_doc("calendar", "v3"))
        self._schemas: dict[str, Any] = document["schemas"]
        self._methods = [
            _method(each, document["parameters"])
            for resource in document["resources"].values()
            for each in resource["methods"].values()
        ]
        self._fields = {each.response: self._properties(each.response) for each in self._methods if each.response}

    def method(self, verb: str, path: str) -> tuple[Method, Params]:
        """The method behind `path`, unquoted and without `/calendar/v3/`, and what stands in its places."""
        for method in self._methods:
            if method.verb == verb and (match := method.path.fullmatch(path)):
                return method, match.groupdict()
        raise OutsideContractError(f"no method {verb} {path}")

    def query(self, method: Method, pairs: Iterable[tuple[str, str]]) -> Params:
        """The query's parameters in their types; a repeated one as a list."""
        params: Params = {}
        for name, text in pairs:
            rule = method.query.get(name)
            if rule is None:
                raise OutsideContractError(f"{method.id} has no parameter {name}")
            value = _parameter(name, text, rule)
            if rule.get("repeated"):
                params.setdefault(name, []).append(value)
            elif name in params:
                raise OutsideContractError(f"{name} may be given once only")
            else:
                params[name] = value
        return params

    def body(self, method: Method, content: bytes) -> dict[str, Any]:
        """The body as JSON, valid against the method's schema: nothing unknown in it, nothing required missing."""
        if method.request is None:
            if content:
                raise OutsideContractError(f"{method.id} takes no body")
            return {}
        try:
            body = json.loads(content)
        except ValueError as error:
            raise OutsideContractError(f"the body of {method.id} is not JSON") from error
        schema = self._schemas[method.request]
        self._check(body, schema, method.request, nulls=method.verb == "PATCH")
        for name, rule in schema["properties"].items():
            if method.id in rule.get("annotations", {}).get("required", ()) and name not in body:
                raise OutsideContractError(f"{method.id} requires {name}")
        return dict(body)

    def fields(self, method: Method) -> Mapping[str, Any]:
        """The fields of the method's answer by name, each with those below it; for checking a `fields` parameter."""
        return self._fields[method.response] if method.response else {}

    def _properties(self, schema: str) -> Mapping[str, Any]:
        return {name: self._below(rule) for name, rule in self._schemas[schema]["properties"].items()}

    def _below(self, rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fields below one; None where any name will do."""
        if "$ref" in rule:
            return self._properties(rule["$ref"])
        if "items" in rule:
            return self._below(rule["items"])
        if "additionalProperties" in rule:
            return None
        return {name: self._below(each) for name, each in rule.get("properties", {}).items()}

    def _check(self, value: Any, rule: Mapping[str, Any], place: str, *, nulls: bool) -> None:
        if value is None and nulls:
            return
        rule = self._schemas[rule["$ref"]] if "$ref" in rule else rule
        kind = rule["type"]
        if not _TYPES[kind](value):
            raise OutsideContractError(f"{place} must be of type {kind}")
        if kind == "array":
            for item in value:
                self._check(item, rule["items"], f"{place}[]", nulls=False)
        if kind == "object":
            for name, item in value.items():
                known = rule.get("properties", {}).get(name) or rule.get("additionalProperties")
                if known is None:
                    raise OutsideContractError(f"{place} has no field {name}")
                self._check(item, known, f"{place}.{name}", nulls=nulls)
        if kind == "string":
            _check_format(value, rule, place)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


def _method(described: Mapping[str, Any], common: Mapping[str, Any]) -> Method:
    own = described.get("parameters", {})
    template = re.escape(described["path"]).replace(r"\{", "{").replace(r"\}", "}")
    return Method(
        id=described["id"],
        verb=described["httpMethod"],
        path=re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)),
        query={**common, **{name: rule for name, rule in own.items() if rule["location"] == "query"}},
        scopes=frozenset(described.get("scopes", ())),
        request=described.get("request", {}).get("$ref"),
        response=described.get("response", {}).get("$ref"),
    )


def _parameter(name: str, text: str, rule: Mapping[str, Any]) -> Any:
    if "enum" in rule and text not in rule["enum"]:
        raise OutsideContractError(f"{name} must be one of {', '.join(rule['enum'])}")
    if rule["type"] == "boolean":
        if text not in {"true", "false"}:
            raise OutsideContractError(f"{name} must be true or false")
        return text == "true"
    if rule["type"] == "integer":
        if not text.isdecimal() or not int(rule.get("minimum", 0)) <= int(text) <= int(rule.get("maximum", 2**31 - 1)):
            raise OutsideContractError(f"{name} must be a number within its bounds")
        return int(text)
    if rule.get("format") == "date-time":
        return instant(text, name)
    return text


def _check_format(value: str, rule: Mapping[str, Any], place: str) -> None:
    try:
        if rule.get("format") == "date":
            date.fromisoformat(value)
        if rule.get("format") == "date-time":
            datetime.fromisoformat(value)
    except ValueError as error:
        raise OutsideContractError(f"{place} must be a {rule['format']}") from error


def instant(text: str, place: str) -> datetime:
    """A moment in RFC 3339's words, with the offset that it demands."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OutsideContractError(f"{place} must be a date-time") from error
    if moment.tzinfo is None:
        raise OutsideContractError(f"{place} must tell its offset")
    return moment
