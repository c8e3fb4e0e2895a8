"""The same of the calls of groups and calendar schedules: whatever is sent, what comes back is described."""

import re
from copy import deepcopy

import described
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

EXAMPLES = 6
PREFIX = "/api/v1/tenants/"
CALLS = 3 * 15 + 5
TENANT = "/api/v1/tenants/example"
PLACES = {
    "tenant": f"{TENANT}/calendar_schedules",
    "group": f"{TENANT}/groups/law/calendar_schedules",
    "person": f"{TENANT}/groups/law/users/alice@example.org/calendar_schedules",
}
THERE = {
    "tenant": ["example"],
    "group": ["law"],
    "user": ["alice@example.org"],
    "username": ["alice@example.org", "bob"],
    "schedule": ["Exams", "Nothing"],
    "period": ["Monday", "Nothing"],
}
"""What a call asks for; of a name that nobody has, every answer is 404."""
MONDAY = {"name": "Monday", "type": "Full days", "startDay": "2026-10-19", "stopDay": "2026-10-19"}
BODIES = {
    ("post", ""): "application/json",
    ("delete", ""): "application/json",
    ("put", "/{schedule}"): "application/json",
    ("post", "/{schedule}"): "application/json",
    ("put", "/{schedule}.ics"): "text/calendar",
    ("post", "/{schedule}/public_holidays"): "application/json",
    ("put", "/{schedule}/{period}"): "application/json",
    ("post", "/{schedule}/{period}"): "application/json",
}


def operations(document):
    return [each for each in described.operations(document) if each[0].startswith(PREFIX)]


def fill(api):
    """Somebody of a group, and a schedule of each level."""
    api.put("/users/alice@example.org")
    api.put("/users/bob")
    api.put(f"{TENANT}/groups/law/users/alice@example.org")
    for path in PLACES.values():
        api.post(path, json={"name": "Exams", "periods": [MONDAY]})


@pytest.fixture
def document(api):
    return api.get("/openapi.json").json()


def here(document, mode):
    """The document for a caller who knows the names that there are and acts for nobody else; but where another name is
    no fault, as it makes something, it is not told as one.
    """
    made = deepcopy(document)
    made["paths"] = {path: each for path, each in made["paths"].items() if path.startswith(PREFIX)}
    for _, method, operation in operations(made):
        operation["parameters"] = [each for each in operation["parameters"] if each["in"] != "header"]
        for parameter in operation["parameters"]:
            if parameter["in"] == "path" and (method != "put" or mode.is_positive):
                parameter["schema"] = {"type": "string", "enum": THERE[parameter["name"]]}
    return made


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
@pytest.mark.parametrize("chapter", ["Groups", *(f"Calendar schedules of a {place}" for place in PLACES)])
def test_whatever_is_sent_what_comes_back_is_described(api, document, chapter, mode):
    told = schemathesis.openapi.from_dict(here(document, mode))
    found = [each.ok() for each in told.get_all_operations()]
    mine = [each for each in found if each.tags == [chapter]]
    assert len(mine) == (5 if chapter == "Groups" else 15)
    for operation in mine:
        fill(api)
        every_call_of(operation, mode, api)


def every_call_of(operation, mode, api):
    # What the words of a period mean together, and that a last day follows the first, is more than a schema says.
    more = operation.method in {"post", "put"} or operation.path.endswith("/occurrences")
    excluded = [positive_data_acceptance] if more else []
    given = {"headers": api.headers, "session": api.session, "base_url": api.url}
    described.tried(operation, mode, EXAMPLES, **given, excluded_checks=excluded)


def test_every_call_names_its_errors_its_parameters_and_the_two_ways_to_show_a_token(document):
    reference = {"$ref": "#/components/schemas/ErrorBody"}
    assert len(operations(document)) == CALLS
    for path, method, operation in operations(document):
        assert [each for each in operation["security"] if each] == [{"apiToken": []}, {"bearer": []}]
        assert {"400", "401", "403", "404", "429", "503"} <= operation["responses"].keys()
        whatever = method == "get" and path.endswith(".ics")
        assert ("406" in operation["responses"]) is not whatever
        names = [each["name"] for each in operation["parameters"]]
        assert len(set(names)) == len(names)
        assert {*re.findall(r"{(\w+)}", path), "requestedAuth"} <= set(names)
        assert "needs the right" in operation["description"]
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"] == {"application/json": {"schema": reference}}


@pytest.mark.parametrize("place", PLACES)
def test_what_has_a_body_names_its_one_kind_at_each_level(document, place):
    prefix = next(
        path.removesuffix("/public_holidays").removesuffix("/{schedule}")
        for path, _, operation in operations(document)
        if operation["tags"] == [f"Calendar schedules of a {place}"]
    )
    bodies = {
        (method, path.removeprefix(prefix)): list(operation["requestBody"]["content"])
        for path, method, operation in operations(document)
        if path.startswith(prefix) and "requestBody" in operation
    }
    assert bodies == {call: [kind] for call, kind in BODIES.items()}


def test_every_call_of_a_chapter_says_in_a_few_words_what_it_does(document):
    told = {(*operation["tags"], operation["summary"]) for _, method, operation in operations(document)}
    # PUT and POST of a period are one call.
    assert len(told) == CALLS - len(PLACES)
    assert all(0 < len(summary) <= 80 for _, summary in told)


def test_every_example_of_the_page_is_a_call_that_works(api):
    examples = [each for each in described.curls(api.url) if f"$BASE{PREFIX}" in each]
    assert len(examples) == CALLS
    for example in examples:
        api.sql("TRUNCATE users, groups CASCADE")
        api.sql("TRUNCATE calendar_schedules CASCADE")
        fill(api)
        assert "apiToken: $TOKEN" in example
        made = described.sent(api, example)
        there = "POST" in example and "There is one of this name already" in made.text
        assert made.status_code in {200, 201} or there, example
