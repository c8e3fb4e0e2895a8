import json
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timetables._mytimetable_events import events, labels, profile, unwished_groups
from timetables.base import ContractBroken, Location, SourceError, SourceEvent

WHERE = "https://x.nl/api/v0/timetable"
ZONE = ZoneInfo("Europe/Amsterdam")
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
END = datetime(2026, 11, 23, 11, tzinfo=UTC)
START_MS, END_MS = 1795424400000, 1795431600000

OLD = b"""[ { "activityDescription": "Old Norse", "activityTypeColor": "#00f", "activityTypeDescription": "Werkcollege",
  "activityTypeName": "Wc", "endDate": 1795431600000, "locations": [ { "capacity": 118, "customAttributes": {},
  "examCapacity": null, "capacity": 16, "id": "49", "key": "K04", "name": "Hall K.04", "url": null } ],
  "moduleCode": "LIT101", "notes": "Group 14 only", "notes2": "", "notes3": null, "staffMembers": [ "dr. E. Metz" ],
  "startDate": 1795424400000, "studentSets": [], "tags": [ { "key": "weblecture", "name": "Web Lecture" } ] } ]"""

NEW = b"""[ { "id": "2026!066090D30ADAF22CC2B90B6EEA969D14 2-20261123", "activityDescription": null, "allDay": false,
  "eventType": { "id": "lecture", "description": "Lecture", "eventTypeGroup": { "id": "G1", "description": "Group" } },
  "startDate": 1795424400000, "endDate": 1795431600000, "moduleCode": null, "activityTypeName": "old",
  "activityTypeDescription": "Old", "locations": ["Aula", null, {"name": "B1", "key": 7, "url": "https://b1"}],
  "staffMembers": [{"id": 1, "key": "S1", "name": "Z\\u00f6e"}, "Bram", null, "", {"key": "S3"}],
  "studentSets": [{"name": "INF-1A"}, "INF-1B"], "department": {"id": "2026!1E", "name": "Letters"},
  "conferenceUrl": "https://meet", "recordingUrl": "https://rec", "notes": null, "notes2": "second", "notes3": 3,
  "customAttributes": {"language": "nl", "empty": null, "credits": 5}, "draft": false, "filtered": false,
  "somethingNew": [[{"a": null}]] } ]"""


def read(*raw, unwished=None, max_events=1000):
    return events(json.dumps(raw).encode(), WHERE, ZONE, unwished or {}, max_events)


def one(unwished=None, **fields):
    return read({"startDate": START_MS, "endDate": END_MS, **fields}, unwished=unwished)[0]


def test_the_old_form_with_a_repeated_key_and_without_an_id_is_read():
    assert events(OLD, WHERE, ZONE, {}, 10) == [
        SourceEvent(
            start=START,
            end=END,
            description="Old Norse",
            module_code="LIT101",
            event_type="Wc",
            event_type_description="Werkcollege",
            locations=(Location("Hall K.04", "K04"),),
            staff=("dr. E. Metz",),
            tags=("Web Lecture",),
            notes=("Group 14 only",),
        )
    ]


def test_the_new_form_with_nulls_objects_texts_numbers_and_unknown_fields_is_read():
    assert events(NEW, WHERE, ZONE, {}, 10) == [
        SourceEvent(
            start=START,
            end=END,
            id="2026!066090D30ADAF22CC2B90B6EEA969D14 2-20261123",
            event_type="lecture",
            event_type_description="Lecture",
            locations=(Location("Aula"), Location("B1", "7", "https://b1")),
            staff=("Zöe", "Bram", "S3"),
            student_sets=("INF-1A", "INF-1B"),
            notes=("second", "3"),
            department="Letters",
            conference_url="https://meet",
            recording_url="https://rec",
            attributes={"language": "nl", "credits": "5"},
        )
    ]


@pytest.mark.parametrize("text", ["a\r\nb", " both ends ", "tab\tbell\x07", "e\u0301", "🎓"])
def test_texts_are_kept_as_they_are(text):
    assert one(activityDescription=text, notes=text).description == text
    assert one(activityDescription=text, notes=text).notes == (text,)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (START_MS, START),
        (START_MS + 0.0, START),
        (str(START_MS), START),
        (f" {START_MS}.0 ", START),
        (START_MS + 1, START.replace(microsecond=1000)),
        ("2026-11-23T09:00:00Z", START),
        ("2026-11-23T10:00:00+01:00", START),
        ("2026-11-23T10:00", START),
        ("2026-07-23T11:00", START.replace(month=7)),
    ],
)
def test_a_time_is_read_as_number_text_or_iso_date(value, moment):
    assert one(startDate=value).start == moment
    assert one(startDate=value).start.tzinfo is UTC


@pytest.mark.parametrize(
    "value", [None, "", "soon", True, [], {}, START_MS // 1000, -1, 10**15, 10**30, 1.5e300, "9" * 5000, "0001-01-01"]
)
def test_an_event_whose_start_or_end_cannot_be_read_is_an_error_and_never_left_out(value):
    with pytest.raises(ContractBroken, match="event 2 has no start or end"):
        read({"startDate": START_MS}, {"startDate": value, "endDate": END_MS})
    if value is not None:
        with pytest.raises(ContractBroken, match="event 1 has no start or end"):
            one(endDate=value)


def test_an_error_names_the_place_and_no_title():
    with pytest.raises(ContractBroken) as raised:
        read({"activityDescription": "Secret meeting", "startDate": "?"})
    assert "Secret" not in str(raised.value)
    assert WHERE in str(raised.value)


def test_an_event_without_end_length_or_order_is_kept_as_it_is():
    assert one(endDate=None).end == START
    assert one(endDate=START_MS).end == START
    assert one(endDate=START_MS - 1000).end < START


@pytest.mark.parametrize(
    ("value", "all_day"),
    [(True, True), ("true", True), (False, False), (None, False), ("no", False), (1, False), ({}, False)],
)
def test_all_day_is_what_says_so(value, all_day):
    assert one(allDay=value).all_day is all_day
    assert one().all_day is False


def test_an_id_is_opaque():
    for value, told in (("2026!A-1", "2026!A-1"), ("", ""), (None, ""), (17, "17"), ({"x": 1}, ""), (True, "")):
        assert one(id=value).id == told


def test_the_type_comes_from_either_form_the_new_one_first():
    old = {"activityTypeName": "wc", "activityTypeDescription": "Werkcollege"}
    for raw, told in (
        ({**old}, ("wc", "Werkcollege")),
        ({**old, "eventType": None}, ("wc", "Werkcollege")),
        ({**old, "eventType": {"id": "lecture"}}, ("lecture", "Werkcollege")),
        ({**old, "eventType": {"id": "lecture", "description": "Lecture"}}, ("lecture", "Lecture")),
        ({**old, "eventType": "lecture"}, ("lecture", "lecture")),
        ({"activityTypeName": None}, ("", "")),
    ):
        event = one(**raw)
        assert (event.event_type, event.event_type_description) == told


def test_a_single_name_stands_for_a_list_of_one_and_odd_shapes_for_what_they_name():
    assert one(staffMembers="Bram").staff == ("Bram",)
    assert one(staffMembers={"name": None, "key": "S1"}).staff == ("S1",)
    assert one(studentSets=None).student_sets == ()
    assert one(locations={"name": "Aula"}).locations == (Location("Aula"),)
    assert one(locations=[{}, []]).locations == ()
    assert one(activityDescription=["a", {"name": "b"}]).description == "a\nb"
    assert one(customAttributes=["x"]).attributes == {}


def test_why_an_event_is_hidden_is_told():
    kind = {"eventType": {"id": "x", "eventTypeGroup": {"id": "G"}}}
    wishes = {"G": "Group sessions"}
    assert one(**kind).hidden == ""
    assert one(wishes, **kind).hidden == 'event type group "Group sessions" is filtered for sync'
    assert one(wishes, **kind, filtered=True).hidden == "filtered"
    assert one(wishes, **kind, filtered=True, draft=True).hidden == "draft"
    assert one(wishes, eventType={"id": "x", "eventTypeGroup": "G"}).hidden != ""
    assert one({"": "?"}).hidden == ""


def test_the_groups_filtered_for_sync_and_no_others_are_unwished():
    groups = [
        {"id": "A", "description": "Aa", "isFiltered": True, "isFilteredForSync": False},
        {"id": "B", "description": "Bb", "isFiltered": False, "isFilteredForSync": True},
        {"id": "C", "description": None, "isFilteredForSync": "true"},
        {"id": "D"},
    ]

    def unwished(**content):
        return unwished_groups(orjson.dumps(content), WHERE)

    assert unwished(filteringEnabled=True, eventtypegroups=groups) == {"B": "Bb", "C": "C"}
    assert unwished(eventtypegroups=groups) == {"B": "Bb", "C": "C"}
    assert unwished(filteringEnabled=False, eventtypegroups=groups) == {}
    assert unwished(filteringEnabled=False) == {}


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"filteringEnabled": true}', b'{"eventtypegroups": ["A"]}', b"{"])
def test_groups_that_cannot_be_read_are_an_error_and_not_no_filters(body):
    with pytest.raises(ContractBroken):
        unwished_groups(body, WHERE)


@pytest.mark.parametrize(
    "body", [b"{}", b"null", b"3", b'"x"', b"[", b"", b"[null]", b'["x"]', b"[[]]", b"NaN", b'["\\ud800"]']
)
def test_what_is_no_array_of_objects_is_no_timetable(body):
    with pytest.raises(ContractBroken):
        events(body, WHERE, ZONE, {}, 10)


def test_too_many_events_are_refused_and_as_many_as_allowed_are_read():
    raw = {"startDate": START_MS}
    assert len(read(*[raw] * 7, max_events=7)) == 7
    with pytest.raises(ContractBroken, match="8 events"):
        read(*[raw] * 8, max_events=7)


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
INNER = st.dictionaries(st.sampled_from(["id", "key", "name", "description", "url", "eventTypeGroup"]), JSON)
TIMES = st.integers(631_152_000_000, 7_258_118_399_999)
ODD = JSON | INNER | st.lists(INNER, max_size=3)
# A slow machine is not a fault of the reader.
PATIENTLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIELDS = [*orjson.loads(NEW)[0], "notes", "tags", "activityTypeColor"]
LIKELY = st.fixed_dictionaries(
    {"startDate": TIMES}, optional={name: ODD for name in FIELDS if name not in {"startDate", "endDate"}}
)


@PATIENTLY
@given(st.lists(LIKELY, max_size=4))
def test_no_oddity_beside_the_times_costs_an_event(raw):
    told = events(orjson.dumps(raw), WHERE, ZONE, {"G": "Group"}, 1000)
    assert len(told) == len(raw)
    for event in told:
        texts = (event.id, event.description, event.module_code, event.department, event.hidden, *event.staff)
        assert all(isinstance(text, str) for text in texts)
        assert all(isinstance(text, str) for text in event.attributes.values())


@pytest.mark.case("faults", 12)
@PATIENTLY
@given(JSON | st.lists(LIKELY | st.dictionaries(st.sampled_from(FIELDS), ODD) | JSON, max_size=4))
def test_whatever_json_comes_it_is_read_or_refused_in_our_words(content):
    body = orjson.dumps(content)
    for read_it in (lambda: events(body, WHERE, ZONE, {}, 1000), lambda: unwished_groups(body, WHERE)):
        with suppress(SourceError):
            read_it()


@pytest.mark.case("faults", 12)
@PATIENTLY
@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_read_or_refused_in_our_words(body):
    for read_it in (labels, profile, unwished_groups):
        with pytest.raises(SourceError):
            read_it(b"\xff" + body, WHERE)


def test_databases_and_profiles_are_read_in_whatever_form():
    assert labels(b'{"databases": [{"key": "2026", "label": "2026/2027"}, {"key": "X"}, "Y"]}', WHERE) == [
        "2026/2027",
        "X",
        "Y",
    ]
    assert profile(b'{"username": "a", "roles": null}', WHERE) == ("a", (), "")
    assert profile(b'{"username": "a", "roles": ["R"], "feedUrl": "https://f"}', WHERE) == ("a", ("R",), "https://f")
