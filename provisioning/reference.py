"""The reference of every call: the OpenAPI document, and one page made of it that needs nothing from elsewhere."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.requests import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment

from provisioning.bodies import FORM
from provisioning.errors import Json

DESCRIPTION = """\
Provisions the people of an institution and the synchronizations that keep their timetables in their own calendars.

Every call but /health and /calendars needs a token in the header apiToken, or the same as a bearer token. With an
elevated token, the header requestedAuth limits a call to one person. Input is a form or JSON, output is JSON; instants
are epoch milliseconds. The last name of a path may carry .json: of two users called x and x.json, /users/x.json means
the second, and /users/x the first."""

_EXAMPLES = {"username": "alice@example.org", "type": "ews", "id": "1", "unlinkMode": "DELETE_FUTURE_EVENTS"}
_EXAMPLES |= {"name": "Renewals", "secret": "Every0Calendar0Has0Another0End01"}
_EXAMPLES |= {"tenant": "example", "group": "law", "user": "alice@example.org", "schedule": "Exams", "period": "Monday"}
_EXAMPLES |= {"from": "2026-10-01", "to": "2026-10-31"}
_BODIES = {
    ("post", "/users"): ["username=alice@example.org", "displayName=Alice", "roles=ROLE_STUDENT"],
    ("put", "/users/{username}"): ["displayName=Alice", "attributes=faculty=Science", "roles=ROLE_STUDENT"],
    ("put", "/synchronizations"): [
        "username=alice@example.org",
        "type=ews",
        "provisioning_smtpAddress=alice@example.org",
    ],
    ("patch", "/synchronizations/{id}"): ["enabled=false"],
    ("post", "/notifications/calendars"): ["name=Renewals"],
    ("post", "/notifications/calendars/{name}"): [
        "mom_id=ZHUSaUXHYkqmk0dtDEgIYeMbvcsIXNMVZCV4OQHLyUw",
        "comment=Ask the identity team.",
    ],
}


class Application(FastAPI):
    """FastAPI, whose document tells what we answer to a malformed call: 400, and never its own 422."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            made = get_openapi(title=self.title, version=self.version, description=self.description, routes=self.routes)
            for _, _, operation in _operations(made):
                operation["summary"] = operation["description"].partition(". ")[0].rstrip(".")
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
            for name in ("HTTPValidationError", "ValidationError"):
                made["components"]["schemas"].pop(name, None)
            self.openapi_schema = made
        return self.openapi_schema


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every call, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the page shows it. `inputs` are (name, where, whether it must be there, what it is)."""

    method: str
    path: str
    description: str
    inputs: list[tuple[str, str, bool, str]]
    answers: list[tuple[str, str]]
    example: str


def calls(document: dict[str, Any]) -> dict[str, list[Call]]:
    """Every call by its chapter."""
    chapters: dict[str, list[Call]] = {}
    for path, method, operation in _operations(document):
        inputs = [
            (each["name"], each["in"], each.get("required", False), _meaning(each))
            for each in operation.get("parameters", [])
        ]
        inputs += _body_inputs(operation)
        answers = [(status, each["description"]) for status, each in sorted(operation["responses"].items())]
        example = _example(method, path, operation)
        call = Call(method.upper(), path, operation["description"], inputs, answers, example)
        chapters.setdefault(operation["tags"][0], []).append(call)
    return chapters


def _body_inputs(operation: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    if "requestBody" not in operation:
        return []
    content = operation["requestBody"]["content"]
    schema = next(content[kind]["schema"] for kind in (FORM, *content) if kind in content)
    found: dict[str, tuple[str, str, bool, str]] = {}
    for alternative in schema.get("oneOf", [schema]):
        for name, each in alternative.get("properties", {}).items():
            required = name in alternative.get("required", ())
            found.setdefault(name, (name, "body", required, _meaning({"schema": each})))
    return list(found.values())


def _meaning(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    allowed: list[str] = next((each["enum"] for each in (schema, *schema.get("anyOf", ())) if "enum" in each), [])
    said = parameter.get("description") or schema.get("description", "")
    return " ".join([said, *([f"One of {', '.join(allowed)}."] if allowed else [])]).strip()


def _example(method: str, path: str, operation: dict[str, Any]) -> str:
    """A line for a shell, in which BASE and TOKEN are set."""
    named = [each for each in operation.get("parameters", []) if each.get("required")]
    query = "&".join(f"{each['name']}={_EXAMPLES[each['name']]}" for each in named if each["in"] == "query")
    address = path.format(**{each["name"]: _EXAMPLES[each["name"]] for each in named if each["in"] == "path"})
    words = ["curl"] if method == "get" else ["curl", "-X", method.upper()]
    token = ' -H "apiToken: $TOKEN"' if operation.get("security") else ""
    form = [word for pair in _BODIES.get((method, path.removeprefix("/api/v0")), ()) for word in ("-d", pair)]
    form += _example_body(operation)
    target = f'"$BASE{address}{"?" if query else ""}{query}"'
    return f"{shlex.join(words)}{token} {target} {shlex.join(form)}".rstrip()


def _example_body(operation: dict[str, Any]) -> list[str]:
    """The example that a body is described with, as curl sends it."""
    content = operation.get("requestBody", {}).get("content", {})
    kind, said = next(((kind, each["example"]) for kind, each in content.items() if "example" in each), ("", ""))
    text = said if isinstance(said, str) else orjson.dumps(said).decode()
    return ["-H", f"Content-Type: {kind}", "--data-binary", text] if kind else []


_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ document.info.title }}: every call</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #222; background: #fff }
h3 { margin-top: 2.5rem; font-family: ui-monospace, monospace; overflow-wrap: anywhere }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd }
td:first-child { font-family: ui-monospace, monospace; white-space: nowrap }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818 } pre { background: #262626 } th, td { border-color: #444 } a { color: #8bf }
}
</style>
<h1>{{ document.info.title }} {{ document.info.version }}</h1>
{% for paragraph in document.info.description.split("\n\n") %}<p>{{ paragraph }}</p>{% endfor %}
<p>The same for programs: <a href="openapi.json">openapi.json</a>. An error answers
<code>{"errorType": "…", "errorMessage": "a sentence", "status": "error"}</code>.</p>
{% for chapter, calls in chapters.items() %}
<h2>{{ chapter }}</h2>
{% for call in calls %}
<h3>{{ call.method }} {{ call.path }}</h3>
<p>{{ call.description }}</p>
<pre>{{ call.example }}</pre>
{% if call.inputs %}<table>
<tr><th scope="col">Input<th scope="col">In<th scope="col">Meaning</tr>
{% for name, where, required, meaning in call.inputs %}\
<tr><td>{{ name }}{{ "*" if required }}<td>{{ where }}<td>{{ meaning }}</tr>
{% endfor %}</table>{% endif %}
<table>
<tr><th scope="col">Answer<th scope="col">Meaning</tr>
{% for status, meaning in call.answers %}<tr><td>{{ status }}<td>{{ meaning }}</tr>
{% endfor %}</table>
{% endfor %}{% endfor %}
</html>
"""


def page(document: dict[str, Any]) -> str:
    """The document for people, as HTML without a script, a font or an image."""
    template = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
    return template.render(document=document, chapters=calls(document))


def _openapi(request: Request) -> Response:
    return Json(request.app.openapi())


def _docs(request: Request) -> Response:
    strict = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(page(request.app.openapi()), headers=strict)


def router() -> APIRouter:
    made = APIRouter(include_in_schema=False)
    made.get("/openapi.json")(_openapi)
    made.get("/docs")(_docs)
    return made
