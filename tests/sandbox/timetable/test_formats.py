"""JSON and XML: the same content, by the ending of the name or by the header Accept."""

from datetime import datetime, timedelta

import pytest
from lxml import etree

from sandbox.timetable_api import RESOURCES
from sandbox.timetable_formats import preferences

IN_BOTH = [each.path for each in RESOURCES if each.method == "GET" and each.xml]
JSON_ONLY = ["/user/messages", "/messages", "/messages/1"]


@pytest.fixture
def path_of(key_of):
    """A path of a resource with its parameters filled in, and a suffix behind its name."""

    def filled(resource, suffix=""):
        parent, key = key_of("pos", "Physics"), key_of("module", "Optics")
        path = resource.format(key="SYLLABUS" if "weeklabelmaps" in resource else key, parent=parent)
        return f"{path}{suffix}" + ("?type=module" if resource in {"/timetables", "/timetablefilters"} else "")

    return filled


def leaves(content, place=()):
    """What a JSON content says, as places and texts in the way that XML writes them."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from leaves(value, (*place, name))
    elif isinstance(content, list):
        for each in content:
            yield from leaves(each, place)
    elif content is not None:
        yield place, str(content).lower() if isinstance(content, bool) else str(content)


def xml_leaves(element, place=()):
    for each in element:
        if len(each):
            yield from xml_leaves(each, (*place, each.tag))
        elif each.tag.endswith("Date"):
            yield (*place, each.tag), str(int(datetime.fromisoformat(each.text).timestamp() * 1000))
        elif each.tag != "customAttributes":
            yield (*place, each.tag), each.text or ""


@pytest.mark.parametrize("resource", IN_BOTH)
def test_xml_says_what_json_says(ask, path_of, resource, key_of):
    ask(f"/subscriptions/{key_of('pos')}", "POST")
    content = ask(path_of(resource, ".json")).json()
    answer = ask(path_of(resource, ".xml"))
    assert answer.headers["Content-Type"].partition(";")[0] == "application/xml"
    root = etree.fromstring(answer.content)
    item = {"timetable": "event", "timetables": "event", "subscriptions": "subscription"}.get(root.tag, "")
    # Carriage returns are what XML itself does not keep.
    said = [
        (place, text.replace("\r", ""))
        for place, text in leaves({item: content} if isinstance(content, list) else content)
    ]
    assert [(place, text.replace("\r", "")) for place, text in xml_leaves(root)] == said
    assert said


@pytest.mark.parametrize("resource", IN_BOTH)
def test_the_ending_of_the_name_goes_before_the_header(ask, path_of, resource):
    for suffix, accept, form in (
        (".json", "application/xml", "application/json"),
        (".xml", "application/json", "application/xml"),
        ("", "application/xml", "application/xml"),
        ("", "application/json", "application/json"),
        ("", None, "application/json"),
        ("", "text/html, application/xml;q=0.9, */*;q=0.8", "application/xml"),
        ("", "application/xml;q=0.5, application/json", "application/json"),
    ):
        answer = ask(path_of(resource, suffix), headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].partition(";")[0] == form


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/vnd.mytimetable.html+json"])
def test_a_form_that_there_is_not_is_a_406(ask, accept):
    answer = ask("/user", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["errorType"]) == (406, "NotAcceptable")
    assert ask("/nothing").status_code == 404


@pytest.mark.parametrize("path", JSON_ONLY)
def test_messages_come_in_json_only(ask, write, institution, path):
    institution.messages.add(title="Hello", body="You")
    asking = ask if path == "/user/messages" else write
    for accept in (None, "*/*", "application/json", "application/vnd.mytimetable.html+json"):
        answer = asking(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert asking(f"{path}.json").status_code == 200
    assert asking(f"{path}.xml").status_code == 406
    assert asking(path, headers={"Accept": "application/xml"}).status_code == 406


def test_a_date_in_xml_is_iso_8601_with_the_local_offset_and_in_json_milliseconds(ask, institution, anna):
    start = datetime(2026, 12, 1, 10, 15, tzinfo=institution.zone)
    institution.add(anna, "Talk", start, start + timedelta(hours=1))
    path = "/timetable{}?type=user"
    event = etree.fromstring(ask(path.format(".xml")).content)[0]
    assert event.findtext("startDate") == "2026-12-01T10:15:00+01:00"
    assert event.findtext("endDate") == "2026-12-01T11:15:00+01:00"
    assert ask(path.format("")).json()[0]["startDate"] == 1796116500000


def test_an_error_comes_in_the_form_that_was_asked_for(ask):
    error = etree.fromstring(ask("/timetables/none.xml").content)
    assert (error.tag, error.findtext("errorType"), error.findtext("status")) == ("error", "NotFound", "error")
    assert "Timetable not found: none" in error.findtext("errorMessage")


def test_what_xml_cannot_hold_is_replaced_in_it(ask, institution, anna, now):
    institution.add(anna, "Bell\x07 & <b>", now)
    event = etree.fromstring(ask("/timetable.xml?type=user").content)[0]
    assert event.findtext("activityDescription") == "Bell\N{REPLACEMENT CHARACTER} & <b>"
    assert ask("/timetable?type=user").json()[0]["activityDescription"] == "Bell\x07 & <b>"


@pytest.mark.parametrize(
    ("header", "liked"),
    [
        ("", []),
        ("a/b", ["a/b"]),
        ("a;q=0.1, B ; q=0.9,c", ["c", "b", "a"]),
        ("a;q=0, b", ["b"]),
        ("a;q=much, b;level=1;q=0.5,,", ["a", "b"]),
    ],
)
def test_preferences_are_sorted_by_their_quality(header, liked):
    assert preferences(header) == liked


def test_a_body_that_is_no_form_is_a_415(ask):
    answer = ask("/eventtypegroups", "PATCH", json={"eventTypeGroups[Exam][isFiltered]": "true"})
    assert (answer.status_code, answer.json()["errorType"]) == (415, "UnsupportedMediaType")
