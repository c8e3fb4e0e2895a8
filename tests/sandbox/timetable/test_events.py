from datetime import UTC, datetime

import pytest


def test_a_timetable_is_an_array_sorted_by_start_and_end(ask):
    events = ask("/timetable").json()
    assert len(events) > 400
    order = [(event["startDate"], event["endDate"]) for event in events]
    assert order == sorted(order)
    assert all(event["timetableKeys"] for event in events)


def test_some_types_come_in_the_new_form_only_and_staff_and_sets_as_texts_and_as_objects(ask):
    events = ask("/timetable").json()
    assert {"activityTypeName" in event for event in events} == {True, False}
    for name in ("staffMembers", "studentSets"):
        assert {type(each) for event in events for each in event[name]} == {str, dict}
    for name in ("moduleCode", "eventType", "notes", "notes2", "department"):
        assert {event[name] is None for event in events} == {True, False}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("today", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 20, 23, tzinfo=UTC)),
        ("1795129200000", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("2026-11-20T09:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T09:00:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T09:00:00+02:00", datetime(2026, 11, 20, 7, tzinfo=UTC)),
        ("2026-11-20T09:00:00 02:00", datetime(2026, 11, 20, 7, tzinfo=UTC)),
        ("2026-11-20T09:00:00Z", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026/11/20", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("2026/11/20 09:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_a_date_is_understood_in_every_documented_form(ask, institution, anna, text, moment):
    for name, span in (("startDate", (moment, None)), ("endDate", (None, moment))):
        told = [event["id"] for event in ask("/timetable", params={name: text}).json()]
        assert told == [event.id(institution.zone) for event in institution.timetable(anna, *span)]
        assert told or name == "endDate"


@pytest.mark.parametrize("resource", ["/timetable", "/timetables/{key}"])
@pytest.mark.parametrize(
    "parameter", ["startDate=soon", "endDate=2026-13-01", "limit=many", "limit=-1", "startDate=" + "9" * 30]
)
def test_a_parameter_that_cannot_be_understood_is_a_400(ask, key_of, resource, parameter):
    answer = ask(f"{resource.format(key=key_of('module'))}?{parameter}")
    assert answer.status_code == 400
    assert answer.json()["errorType"] == "BadParameter"


def test_a_limit_takes_the_first_and_a_type_its_own(ask, institution, anna, now):
    everything = ask("/timetable").json()
    assert ask("/timetable?limit=3").json() == everything[:3]
    assert ask("/timetable?limit=0").json() == everything
    institution.add(anna, "Talk", now)
    assert [event["activityDescription"] for event in ask("/timetable?type=user").json()] == ["Talk"]
    assert len(ask("/timetable?type=user&type=studentset").json()) == len(everything) + 1


def test_rooms_and_buildings_one_is_subscribed_to_can_be_left_out(ask, key_of):
    before = ask("/timetable").json()
    for kind in ("location", "zone"):
        key = key_of(kind)
        ask(f"/subscriptions/{key}", "POST")
        assert len(ask("/timetable").json()) > len(before)
        assert ask("/timetable?excludeResourceTimetables=true").json() == before
        assert ask("/timetable?excludeResourceTimetables=false").json() != before
        assert key in [each["key"] for each in ask("/subscriptions").json()]
        assert key not in [each["key"] for each in ask("/subscriptions?excludeResourceTimetables=true").json()]
        ask(f"/subscriptions/{key}", "DELETE")
    assert ask("/timetable?excludeResourceTimetables=1").status_code == 400


def test_one_timetable_is_read_by_its_key_with_any_token(ask, key_of):
    key = key_of("module", "Optics 1")
    events = ask(f"/timetables/{key}?limit=2", token="sandbox-ordinary", user=None).json()
    assert [(event["moduleCode"], event["timetableKeys"]) for event in events] == [("PHY102", [key])] * 2
    assert ask(f"/timetables/{key}?startDate=2026-09-01&endDate=2026-09-01").json() == []
    assert ask("/timetables/2026!module!0").status_code == 404


def test_one_timetable_is_read_by_its_host_key(ask, key_of):
    key = key_of("module", "Optics 1")
    whole = ask(f"/timetables/{key}").json()
    assert ask("/timetables/PHY102?fetchBy=hostKey").json() == whole
    assert ask("/timetables/PHY102?fetchBy=hostKey&type=module").json() == whole
    assert ask("/timetables/PHY102?fetchBy=hostKey&type=staff").status_code == 404
    assert ask("/timetables/PHY102?fetchBy=hostKey&d=2027&limit=1").json()[0]["timetableKeys"] != [key]
    assert ask(f"/timetables/{key}?fetchBy=hostKey").status_code == 404
    assert ask("/timetables/PHY102").status_code == 404
    assert ask("/timetables/PHY102?fetchBy=name").status_code == 400


def test_a_timetable_with_children_holds_theirs(ask, institution, key_of):
    building = institution.catalogue[key_of("zone", "Lab Court")]
    told = {event["id"] for event in ask(f"/timetables/{building.key}").json()}
    assert told == {event["id"] for key in building.children for event in ask(f"/timetables/{key}").json()}
    assert told


def test_what_a_person_filters_away_is_told_as_filtered_and_to_an_application_it_is_not(ask, institution, anna, key_of):
    institution.filter_group(anna, "Exam", filtered=True)
    path = f"/timetables/{key_of('module')}"
    assert {event["filtered"] for event in ask(path).json()} == {True, False}
    assert {event["filtered"] for event in ask(path, user=None).json()} == {False}
    assert {event["filtered"] for event in ask("/timetable").json()} == {True, False}


@pytest.mark.parametrize(
    ("asked", "dutch"),
    [
        ("nl-NL", True),
        ("nl", True),
        ("en", False),
        (None, False),
        ("en-GB, nl;q=0.9", False),
        ("en;q=0.8, nl-BE;q=0.9", True),
        ("de-DE, nl;q=0.1", True),
        ("de, fr", False),
        ("nl;q=0", False),
    ],
)
def test_descriptions_come_in_the_best_liked_language_that_there_is(ask, asked, dutch):
    described = {
        (event["eventType"] or {}).get("description")
        for event in ask("/timetable", headers={"Accept-Language": asked}).json()
    }
    assert ("Hoorcollege" in described, "Lecture" in described) == (dutch, not dutch)


def test_answers_are_compressed(ask):
    assert ask("/timetable").headers["Content-Encoding"] == "gzip"


def test_etags_are_offered_only_where_they_are_switched_on(ask, institution, anna, now):
    assert "ETag" not in ask("/timetable").headers
    institution.etags = True
    etag = ask("/timetable").headers["ETag"]
    assert ask("/timetable.xml").headers["ETag"] != etag
    same = ask("/timetable", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    institution.add(anna, "Talk", now)
    assert ask("/timetable", headers={"If-None-Match": etag}).status_code == 200
