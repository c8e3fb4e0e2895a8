from datetime import timedelta

import orjson
import pytest
from starlette.responses import Response

from timetables.base import (
    ContractBroken,
    Person,
    PersonUnknown,
    SourceError,
    Unauthorized,
)

EMPTY = Response(b"[]", media_type="application/json")
NO_GROUPS = Response(b'{"filteringEnabled": true, "eventtypegroups": []}', media_type="application/json")


def json(content, status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(orjson.dumps(content), status, named, "application/json")


# What is read


def test_a_reading_holds_exactly_the_events_of_the_window(source, institution, anna, span):
    told = source.fetch(anna, *span).events
    true = institution.timetable(anna.username, *span)
    assert [(e.id, e.start, e.end, e.description, e.all_day) for e in told] == [
        (e.id(institution.zone), e.start, e.end, e.title, e.all_day) for e in true
    ]
    assert {tuple(place.name for place in e.locations) for e in told} == {tuple(r.name for r in e.rooms) for e in true}
    assert {e.staff for e in told} == {tuple(each.name for each in e.staff) for e in true}
    assert {e.student_sets for e in told} == {tuple(each.name for each in e.student_sets) for e in true}
    assert {e.event_type for e in told} == {e.type.id if e.type else "" for e in true}


def test_everybody_of_the_institution_can_be_read(source, institution, span):
    for person in institution.people:
        assert len(source.fetch(Person(person.username), *span).events) > 100


def test_drafts_filtered_events_and_groups_filtered_for_sync_are_hidden_with_the_reason(source, institution, span):
    person = Person(institution.people[1].username)
    hidden = [event.hidden for event in source.fetch(person, *span).events]
    assert set(hidden) == {"", "draft", "filtered"}
    institution.filter_group(person.username, "Lecture", for_sync=True)
    institution.filter_group(person.username, "Exam", filtered=True)
    events = source.fetch(person, *span).events
    reason = 'event type group "Lecture" is filtered for sync'
    assert {e.hidden for e in events} == {"", "draft", "filtered", reason}
    assert {e.hidden for e in events if e.event_type == "lecture"} == {reason}
    assert {e.hidden for e in events if e.event_type == "exam"} == {"filtered"}


def test_a_site_that_has_switched_filtering_off_hides_no_group(source, institution, anna, span):
    institution.filter_group(anna.username, "Lecture", for_sync=True)
    institution.filtering = False
    assert not any("Lecture" in event.hidden for event in source.fetch(anna, *span).events)


def test_a_site_without_event_type_groups_is_an_older_one_that_cannot_filter(answering, source_of, anna, span):
    base, _ = answering(timetable=EMPTY)
    source = source_of(base)
    reading = source.fetch(anna, *span)
    assert reading.events == []
    assert source.fetch(anna, *span, reading.validator) is None


def test_an_empty_array_is_a_valid_empty_timetable(answering, source_of, anna, span):
    base, _ = answering(timetable=EMPTY, eventtypegroups=NO_GROUPS)
    assert source_of(base).fetch(anna, *span).events == []


def test_a_request_says_who_asks_for_whom_and_in_which_language(answering, source_of, span):
    asked = []

    def timetable(request):
        asked.append(request)
        return EMPTY

    base, _ = answering(timetable=timetable, eventtypegroups=NO_GROUPS)
    source = source_of(base, username_prefix="UNI\\", username_postfix="@x.nl", token=" secret\n")
    source.fetch(Person("zoë", "nl_NL"), *span)
    source.fetch(Person("zoë", "not a locale!"), *span)
    request, other = asked
    assert request.headers["apiToken"] == "secret"
    assert request.headers["requestedAuth"].encode("latin-1").decode() == "UNI\\zoë@x.nl"
    assert request.headers["Accept-Language"] == "nl-NL"
    assert request.headers["Accept-Encoding"] == "gzip"
    assert request.headers["Accept"] == "application/json"
    assert "Accept-Language" not in other.headers
    assert dict(request.query_params) == {"startDate": "1793966400000", "endDate": "1810728000000"}


def test_the_description_comes_in_the_persons_language(source, anna, span):
    dutch = source.fetch(Person(anna.username, "nl_NL"), *span).events
    assert "Hoorcollege" in {event.event_type_description for event in dutch}
    assert "Lecture" in {event.event_type_description for event in source.fetch(anna, *span).events}


@pytest.mark.parametrize("username", ["", "an\nna", "anna ", "an\x00na", "\ud800"])
def test_a_username_that_no_header_can_carry_is_an_unknown_person(source, faults, span, username):
    with pytest.raises(PersonUnknown):
        source.fetch(Person(username), *span)
    assert faults.seen() == []


# Nothing changed


@pytest.mark.parametrize("etags", [False, True])
def test_the_same_answers_again_are_nothing_new(source, institution, faults, anna, span, etags):  # noqa: PLR0917 - fixtures
    institution.etags = etags
    validator = source.fetch(anna, *span).validator
    assert len(validator) <= 1000
    faults.forget()
    assert source.fetch(anna, *span, validator) is None
    assert [each.status for each in faults.seen()] == [304 if etags else 200] * 2


@pytest.mark.parametrize("etags", [False, True])
def test_a_changed_event_or_a_changed_group_alone_is_a_full_reading(source, institution, anna, span, etags):
    institution.etags = etags
    validator = source.fetch(anna, *span).validator
    institution.add(anna.username, "Talk", span[0])
    reading = source.fetch(anna, *span, validator)
    assert "Talk" in {event.description for event in reading.events}
    institution.filter_group(anna.username, "Other", for_sync=True)
    filtered = source.fetch(anna, *span, reading.validator)
    assert len(filtered.events) == len(reading.events)
    assert [e.description for e in filtered.events if e.hidden.endswith("for sync")] != []
    assert source.fetch(anna, *span, filtered.validator) is None


def test_a_validator_holds_for_its_own_question_only(answering, source_of, anna, span):
    sent = []

    def timetable(request):
        sent.append(request.headers.get("If-None-Match"))
        return json([], ETag='"the-same-for-everybody"')

    base, _ = answering(timetable=timetable, eventtypegroups=NO_GROUPS)
    source, (start, end) = source_of(base), span
    validator = source.fetch(anna, start, end).validator
    assert source.fetch(anna, start, end + timedelta(days=1), validator) is not None
    assert source.fetch(anna, start - timedelta(days=1), end, validator) is not None
    assert source.fetch(Person(anna.username, "nl"), start, end, validator) is not None
    assert source.fetch(Person("bram"), start, end, validator) is not None
    assert source.fetch(anna, start, end, validator) is None
    assert sent == [None] * 5 + ['"the-same-for-everybody"']


@pytest.mark.parametrize("validator", ["", "{}", "[]", "3", "[1,2,3]", '["a",["b"],["c","d","e"]]', "\x00", "x" * 1000])
def test_a_validator_that_is_not_ours_means_a_full_reading(source, anna, span, validator):
    assert source.fetch(anna, *span, validator).events


def test_a_validator_names_neither_the_person_nor_the_token(source, anna, span):
    validator = source.fetch(anna, *span).validator
    assert "anna" not in validator
    assert "sandbox" not in validator


def test_an_etag_that_cannot_be_sent_back_leaves_the_digest(answering, source_of, anna, span):
    for etag in ('"' + "x" * 151 + '"', "bare", '"wei rd"'):
        base, had = answering(timetable=json([], ETag=etag), eventtypegroups=NO_GROUPS)
        source = source_of(base)
        assert source.fetch(anna, *span, source.fetch(anna, *span).validator) is None
        assert {each.status for each in had.seen()} == {200}


def test_not_modified_without_being_asked_is_no_timetable(answering, source_of, anna, span):
    base, _ = answering(timetable=Response(status_code=304), eventtypegroups=NO_GROUPS)
    with pytest.raises(SourceError, match="304"):
        source_of(base).fetch(anna, *span)


# Who is there


def test_a_check_names_the_address_and_the_databases(source, base):
    assert source.check() == f"MyTimetable at {base} answers, databases 2026/2027, 2027/2028."


@pytest.mark.parametrize("answer", [json([]), json({"databases": None}), Response("<html>"), Response(status_code=404)])
def test_a_check_of_something_else_fails(answering, source_of, answer):
    base, _ = answering(databasedetails=answer)
    with pytest.raises(ContractBroken, match="/database"):
        source_of(base).check()


def test_a_check_of_a_site_that_tells_its_databases_the_old_way_names_them(answering, source_of):
    base, _ = answering(databasedetails=Response(status_code=404), databases=json({"database": ["2011"]}))
    assert source_of(base).check() == f"MyTimetable at {base} answers, databases 2011."


def test_a_check_with_a_wrong_token_is_unauthorized(base, source_of):
    with pytest.raises(Unauthorized):
        source_of(base, token="wrong").check()


def test_a_profile_holds_roles_and_a_feed_that_is_not_printed(source, anna):
    profile = source.whoami(anna)
    assert profile.username == anna.username
    assert profile.roles == ("ROLE_STUDENT", "ROLE_MEMBER")
    assert "/ical?eu=anna.visser%40example.edu&t=" in profile.feed_url
    assert "ical" not in repr(profile)
    with pytest.raises(PersonUnknown):
        source.whoami(Person("nobody"))
