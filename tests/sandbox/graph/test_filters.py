"""The sandbox's Graph: conditions, fields and properties of listings."""

import pytest

GUID = "00020329-0000-0000-c000-000000000046"
COLOUR = f"String {{{GUID}}} Name colour"


@pytest.fixture
def coloured(client):
    for value in ("Red", "blue", "it's"):
        client.make(value, singleValueExtendedProperties=[{"id": COLOUR, "value": value}])
    client.make("none")
    return client


def prop(condition, name=COLOUR):
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{name}' and {condition})"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("ep/value eq 'Red'", ["Red"]),
        ("ep/value eq 'rED'", ["Red"]),
        ("ep/value eq 'it''s'", ["it's"]),
        ("ep/value ne 'red'", ["blue", "it's"]),
        ("startswith(ep/value, 'b')", ["blue"]),
        ("contains(ep/value, 'E')", ["Red", "blue"]),
        ("ep/value eq 'green'", []),
    ],
)
def test_a_property_is_compared_without_regard_to_case(coloured, condition, found):
    assert coloured.subjects(filter=prop(condition)) == found


def test_the_case_of_a_property_set_does_not_matter_and_that_of_a_name_does(coloured):
    red = "ep/value eq 'Red'"
    assert coloured.subjects(filter=prop(red, COLOUR.replace(GUID, GUID.upper()))) == ["Red"]
    assert coloured.subjects(filter=prop(red, COLOUR.replace("colour", "Colour"))) == []


def test_conditions_can_all_be_asked_to_hold(coloured):
    early, late = "2026-11-23T08:00:00Z", "2026-11-23T08:00:01Z"
    red = prop("ep/value eq 'red'")
    assert coloured.subjects(filter=f"{red} and start/dateTime ge '{early}'") == ["Red"]
    assert coloured.subjects(filter=f"start/dateTime ge '{late}' and ({red})") == []
    assert coloured.subjects(filter="startswith(subject, 'b') and isAllDay eq false") == ["blue"]
    assert (
        len(coloured.subjects(filter=f"end/dateTime gt '{late}' and lastModifiedDateTime gt 2020-01-01T00:00:00Z")) == 4
    )


def test_what_is_filtered_by_is_not_told_unless_it_is_expanded(coloured):
    condition = prop("ep/value eq 'red'")
    assert "singleValueExtendedProperties" not in coloured("GET", filter=condition).json()["value"][0]
    expand = f"singleValueExtendedProperties($filter=id eq '{COLOUR}')"
    (event,) = coloured("GET", filter=condition, expand=expand, select="id").json()["value"]
    assert event["singleValueExtendedProperties"] == [{"id": COLOUR, "value": "Red"}]
    assert event.keys() == {"@odata.etag", "id", "singleValueExtendedProperties"}


def test_a_listing_is_sorted_by_what_its_filter_begins_with(coloured, code):
    assert coloured.subjects(orderby="subject desc") == ["Red", "none", "it's", "blue"]
    assert coloured.subjects(orderby="subject", filter="subject ne 'none'") == ["blue", "it's", "Red"]
    refused = coloured("GET", orderby="subject", filter="isAllDay eq false")
    assert code(refused) == (400, "InefficientFilter")


@pytest.mark.parametrize(
    "query",
    [
        {"filter": ""},
        {"filter": "subject eq"},
        {"filter": "subject is 'a'"},
        {"filter": "subject eq 'a' 'b'"},
        {"filter": "subject eq 'a' and"},
        {"filter": "(subject eq 'a'"},
        {"filter": "subject eq 'it's'"},
        {"filter": "subject eq 'a' or subject eq 'b'"},
        {"filter": "not (subject eq 'a')"},
        {"filter": "showAs eq 'busy'"},
        {"filter": "contains(showAs, 'busy')"},
        {"filter": prop("ep/value ne null")},
        {"filter": prop("ep/value gt 'a'")},
        {"filter": prop("ep/value eq 'a'", "Integer {x} Name colour")},
        {"filter": f"singleValueExtendedProperties/Any(ep: ep/id eq '{COLOUR}')"},
        {"expand": "attachments"},
        {"expand": f"singleValueExtendedProperties($filter=id eq '{COLOUR}' and id eq '{COLOUR}')"},
        {"orderby": "colour"},
    ],
)
def test_a_query_that_is_wrong_or_not_played_is_refused_and_remembered(rude, graph, query):
    rude.make()
    assert rude("GET", **query).status_code == 400
    assert len(graph.exchange.violations) == 1


def test_a_moment_in_a_filter_must_be_one(client, code):
    assert code(client("GET", filter="start/dateTime ge 'soon'")) == (400, "RequestBodyRead")


def test_only_known_fields_can_be_selected(client, code):
    assert code(client("GET", select="subject,titel")) == (400, "RequestBroker--ParseUri")
