"""The calls of calendar schedules beyond the source document's examples: names, lists, bad input, iCalendar."""

import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import pytest
from sqlalchemy import text

from worker.database import transaction

TENANT = "/api/v1/tenants/example"
LEVELS = {
    "Tenant": f"{TENANT}/calendar_schedules",
    "Group": f"{TENANT}/groups/law/calendar_schedules",
    "User": f"{TENANT}/groups/law/users/alice/calendar_schedules",
}
FULL = {"name": "Week 1", "type": "Full days", "startDay": "2026-10-19", "stopDay": "2026-10-23"}
PART = {**FULL, "name": "Mornings", "type": "Partial days", "startTime": "09:00", "stopTime": "12:00"}
JSON = {"Content-Type": "application/json"}
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
DAILY = {"recurDaily": {"recurInterval": 1}, "recurForEver": True}


@pytest.fixture
def law(api):
    """Somebody of a group."""
    api.put("/users/alice")
    api.put(f"{TENANT}/groups/law/users/alice")
    return api


@pytest.fixture(params=LEVELS.values(), ids=LEVELS)
def at(request):
    """The path of the schedules of each level."""
    return request.param


def make(api, at, name="Exams", periods=(FULL, PART), **given):
    answer = api.post(f"{at}/", json={"name": name, "periods": list(periods), **given})
    assert answer.status_code == 201, answer.text
    return answer.json()


def whole(api, path):
    return api.get(f"{path}?expand=periods").json()


def test_a_schedule_lives_at_each_level(law, at, refused):
    assert make(law, at) == {"name": "Exams", "effect": "none", "periods": [{"name": "Week 1"}, {"name": "Mornings"}]}
    assert whole(law, f"{at}/Exams/")["periods"] == [FULL, PART]
    assert law.get(at).json() == law.get(f"{at}/").json() == {"schedules": [{"name": "Exams"}]}
    assert law.post(f"{at}/Exams/", json={**FULL, "name": "Week 2"}).status_code == 201
    assert law.put(f"{at}/Exams/Week%202/", json={"stopDay": "2026-10-29"}).json()["stopDay"] == "2026-10-29"
    assert law.post(f"{at}/Exams/Week%202/", json={"stopDay": "2026-10-30"}).json()["stopDay"] == "2026-10-30"
    assert law.get(f"{at}/Exams/Week%202/").json() == {**FULL, "name": "Week 2", "stopDay": "2026-10-30"}
    assert law.delete(f"{at}/Exams/Week%202/").json() == {}
    refused(law.get(f"{at}/Exams/Week%202/"), 404)
    assert law.put(f"{at}/Exams/", json={"effect": "hold", "name": "Held"}).json()["effect"] == "hold"
    assert whole(law, f"{at}/Held")["periods"] == [FULL, PART]
    assert law.delete(f"{at}/Held/").json() == {}
    assert law.get(at).json() == {"schedules": []}


def test_all_levels_are_asked_for_in_the_query_or_the_body(law, refused):
    for level, at in LEVELS.items():
        make(law, at, f"of the {level}")
    seen = {
        level: [each["level"] for each in law.get(f"{at}/?allLevels=true").json()["schedules"]]
        for level, at in LEVELS.items()
    }
    assert seen == {"Tenant": ["Tenant"], "Group": ["Group", "Tenant"], "User": ["User", "Group", "Tenant"]}
    group = LEVELS["Group"]
    assert law.get(group, json={"allLevels": True}).json() == law.get(f"{group}?allLevels=true").json()
    assert law.get(f"{group}?allLevels=false").json() == {"schedules": [{"name": "of the Group"}]}
    # As Python's clients write it, in whose words the source document is.
    assert law.get(group, params={"allLevels": True}).json() == law.get(f"{group}?allLevels=true").json()
    refused(law.get(f"{group}?allLevels=true", json={"allLevels": False}), 400, "allLevels")
    refused(law.get(f"{group}?allLevels=yes"), 400, "allLevels")


@pytest.mark.parametrize("name", ["A term/half", "100% é?#", "x.json", "x.ics", "calendar_schedules", "a+b;c=d", "%2F"])
def test_any_name_is_found_again(law, name):
    """Encoded whole, as scripts do; `%2F` stays part of a name all the way through the server."""
    at, quoted = LEVELS["Group"], "".join(f"%{byte:02X}" for byte in name.encode())
    make(law, at, name, [{**FULL, "name": name}])
    assert law.get(f"{at}/{quoted}/").json()["name"] == name
    assert law.get(f"{at}/{quoted}/{quoted}/").json() == {**FULL, "name": name}
    assert law.delete(f"{at}/{quoted}/{quoted}/").status_code == 200
    assert law.get(f"{at}/{quoted}.ics").status_code == 200
    assert law.delete(f"{at}/{quoted}/").status_code == 200


def test_a_name_is_unique_within_its_parent_only(law, refused):
    for at in LEVELS.values():
        make(law, at)
        refused(law.post(at, json={"name": "Exams"}), 409, "name")
    make(law, at, "Other")
    refused(law.put(f"{at}/Other/", json={"name": "Exams"}), 409, "name")
    refused(law.post(f"{at}/Exams/", json=FULL), 409, "name")
    refused(law.put(f"{at}/Exams/Mornings/", json={"name": "Week 1"}), 409, "name")


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ([{"name": "Week 1", "newName": "Mornings"}], 409, "name"),
        ([{"name": "Mornings", "delete": True}, {"name": "Nowhere", "delete": True}], 404, "period"),
        ([{"name": "Mornings", "delete": True}, {"name": "Week 1", "stopDay": "2026-01-01"}], 400, "stopDay"),
        ([{"name": "Mornings", "delete": True}, {"name": "New", "type": "Full days"}], 400, "startDay"),
        ([{"name": "Mornings", "delete": True}, {"name": "Mornings"}], 400, "periods"),
        ([{"name": "Mornings", "delete": True, "colour": "red"}], 400, "colour"),
    ],
)
def test_a_list_of_periods_is_applied_whole_or_not_at_all(law, refused, changes, status, word):
    at = LEVELS["Group"]
    make(law, at)
    before = whole(law, f"{at}/Exams/")
    refused(law.put(f"{at}/Exams/", json={"name": "New", "effect": "hold", "periods": changes}), status, word)
    assert whole(law, f"{at}/Exams/") == before
    assert law.get(at).json() == {"schedules": [{"name": "Exams"}]}


def test_a_list_of_schedules_is_deleted_whole_or_not_at_all(law, refused, at):
    make(law, at, "One")
    make(law, at, "Two")
    given = [{"name": "One"}, {"name": "Three"}, {"name": "Two"}]
    refused(law.delete(at, json={"schedules": given}), 404)
    assert len(law.get(at).json()["schedules"]) == 2
    refused(law.delete(at), 400, "schedules")
    refused(law.delete(at, json={"schedules": []}), 400, "schedules")
    assert law.delete(at, json={"schedules": given[::2]}).json() == {}
    assert law.get(at).json() == {"schedules": []}


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"stopDay": "2026-10-01"}, "stopDay"),
        ({"startDay": "2026-02-30"}, "startDay"),
        ({"type": "Partial days"}, "startTime"),
        ({"type": "Days"}, "type"),
        ({"startTime": "09:00"}, "startTime"),
        ({"colour": "red"}, "colour"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"recurrence": {**DAILY, "recurMonthlyByDay": {"recurInterval": 1, "dayOfMonth": 1}}}, "recurrence"),
        ({"recurrence": {"recurDaily": {"recurInterval": 1}, "recurEndOccurrence": 0}}, "recurEndOccurrence"),
        ({"recurrence": {"recurDaily": {"recurInterval": 1}, "recurEndOccurrence": 1000}}, "recurEndOccurrence"),
        ({"recurrence": {"recurDaily": {"recurInterval": 1}}}, "recurrence"),
    ],
)
def test_a_period_that_cannot_be_is_refused_by_the_name_of_its_field(law, refused, wrong, word):
    at = LEVELS["Group"]
    make(law, at, periods=[])
    refused(law.post(f"{at}/Exams/", json=FULL | wrong), 400, word)
    refused(law.post(at, json={"name": "New", "periods": [PART, FULL | wrong]}), 400, word)
    assert law.get(at).json() == {"schedules": [{"name": "Exams"}]}
    assert whole(law, f"{at}/Exams/")["periods"] == []


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"country": "XX"}, "country"), ({"year": 1}, "year"), ({"year": "2026"}, "year"), ({"type": "bank"}, "type")],
)
def test_holidays_that_nobody_knows_are_refused_by_the_name_of_their_field(law, refused, at, wrong, word):
    make(law, at, periods=[])
    given = {"country": "NL", "year": 2026, "type": "public"}
    refused(law.post(f"{at}/Exams/public_holidays/", json=given | wrong), 400, word)
    assert len(law.post(f"{at}/Exams/public_holidays/", json=given).json()["periods"]) > 5


@pytest.mark.parametrize("kind", ["application/json", "text/calendar"])
def test_a_body_of_two_megabytes_is_too_large(law, refused, at, kind):
    body, path = json.dumps({"name": "x" * 2_000_000}), f"{at}/x.ics" if "calendar" in kind else at
    method = "PUT" if "calendar" in kind else "POST"
    refused(law.call(method, path, data=body, headers={"Content-Type": kind}), 413)
    assert law.get(at).json() == {"schedules": []}


def test_a_body_of_another_kind_is_refused(law, refused):
    at = LEVELS["Group"]
    refused(law.post(at, data={"name": "x"}), 415, "application/json")
    refused(law.put(f"{at}/x.ics", json={}), 415, "text/calendar")
    refused(law.post(at, data="[]"), 400, "object")
    refused(law.post(at, data='{"name": "a\\u0000"}'), 400, "NUL")
    refused(law.get(f"{at}/%ff/"), 400, "path")


def test_a_parameter_that_would_go_unnoticed_is_refused(law, refused, at):
    make(law, at)
    refused(law.delete(f"{at}/Exams/?dryRun=true"), 400, "dryRun")
    refused(law.get(f"{at}/Exams/?expand=all"), 400, "expand")
    refused(law.get(f"{at}/Exams/?expand=periods&expand=periods"), 400, "expand")


def test_occurrences_are_those_of_the_days_asked_for(law, refused, at):
    make(law, at, periods=[{**FULL, "stopDay": "2026-10-19", "recurrence": DAILY}])
    path = f"{at}/Exams/occurrences"
    found = law.get(f"{path}?from=2026-10-24&to=2026-10-26").json()["occurrences"]
    assert [each["name"] for each in found] == ["Week 1"] * 3
    # The night of the clocks is an hour longer.
    assert [(each["end"] - each["start"]) // 3_600_000 for each in found] == [24, 25, 24]
    assert all(each["allDay"] for each in found)
    refused(law.get(f"{path}?from=2026-10-24"), 400, "to")
    refused(law.get(f"{path}?from=2026-10-24&to=2026-10-23"), 400, "to")
    refused(law.get(f"{path}?from=2026-10-24&to=2036-10-23"), 400, "to")
    refused(law.get(f"{path}?from=today&to=2036-10-23"), 400, "from")


def test_more_occurrences_than_an_answer_holds_are_refused_not_cut(law, refused):
    many = [{**FULL, "name": f"{number}", "stopDay": "2026-10-19", "recurrence": DAILY} for number in range(30)]
    make(law, LEVELS["Group"], periods=many)
    path = f"{LEVELS['Group']}/Exams/occurrences?from=2027-01-01&to"
    assert len(law.get(f"{path}=2027-11-29").json()["occurrences"]) == 9990
    refused(law.get(f"{path}=2027-11-30"), 400, "to")


TERM = "\r\n".join(
    [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//A university//Term//EN", "X-WR-CALNAME:Term"),
        *("BEGIN:VEVENT", "UID:a@example.org", "DTSTAMP:20260101T000000Z", "SUMMARY:Michaelmas"),
        *("DTSTART;VALUE=DATE:20261006", "DTEND;VALUE=DATE:20261205", "CATEGORIES:Term", "END:VEVENT"),
        *("END:VCALENDAR", ""),
    ]
).encode()
KIND = {"Content-Type": "text/calendar; charset=utf-8"}


def test_a_term_calendar_comes_back_as_it_was(law, at):
    first = law.put(f"{at}/Term%2F1.ics", data=TERM, headers=KIND)
    assert (first.status_code, first.json()["name"]) == (201, "Term/1")
    assert law.put(f"{at}/Term%2F1.ics", data=TERM, headers=KIND).status_code == 200
    answer = law.get(f"{at}/Term%2F1.ics", headers={"Accept": "text/calendar"})
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.content == TERM
    assert whole(law, f"{at}/Term%2F1")["periods"] == [
        {"name": "Michaelmas", "type": "Full days", "startDay": "2026-10-06", "stopDay": "2026-12-04"}
    ]


def test_what_is_no_calendar_changes_nothing(law, refused):
    at = LEVELS["Group"]
    make(law, at)
    refused(law.put(f"{at}/Exams.ics", data=b"BEGIN:VCARD", headers=KIND), 400, "iCalendar")
    refused(law.put(f"{at}/New.ics", data=TERM.replace(b"VEVENT", b"VTODO"), headers=KIND), 400, "VTODO")
    refused(law.put(f"{at}/%20.ics", data=TERM, headers=KIND), 400, "name")
    assert law.get(at).json() == {"schedules": [{"name": "Exams"}]}
    assert whole(law, f"{at}/Exams")["periods"] == [FULL, PART]


def test_a_body_that_is_nested_deeply_or_holds_a_nul_is_refused(law, refused):
    at, deep = LEVELS["Group"], "[" * 1_000 + "]" * 1_000
    refused(law.post(at, data=f'{{"name": {deep}}}'), 400)
    refused(law.call("POST", "/users", data=f'{{"username": {deep}}}', headers=JSON), 400)
    calendar = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDESCRIPTION:a\0b\nDTSTART;VALUE=DATE:20261001\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    refused(law.put(f"{at}/Term.ics", data=calendar, headers={"Content-Type": "text/calendar"}), 400, "NUL")
    assert law.get(at).json() == {"schedules": []}


def test_two_calendars_put_at_once_under_one_name_are_one_made_and_one_replaced(law):
    at = LEVELS["Group"]
    calendar = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261001\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

    def put(_):
        return law.with_token().put(f"{at}/Term.ics", data=calendar, headers={"Content-Type": "text/calendar"})

    with ThreadPoolExecutor(2) as threads:
        with transaction(law.installation.engine) as session:
            # Whoever comes first waits at the name, and the second behind it.
            making = (
                "INSERT INTO calendar_schedules (tenant_id, group_id, name) SELECT tenant_id, id, 'Term' FROM groups"
            )
            session.execute(text(making))
            answers = [threads.submit(put, number) for number in range(2)]
            while len(law.sql(WAITING)) < 2 and not any(each.done() for each in answers):
                pass
            session.rollback()
        assert sorted(each.result().status_code for each in answers) == [200, 201]


def test_what_takes_place_too_often_is_refused_before_it_is_worked_out(law, refused):
    """Of every person who may read."""
    at = LEVELS["Group"]
    daily = {**FULL, "stopDay": FULL["startDay"], "recurrence": DAILY}
    make(law, at, periods=[{**daily, "name": f"{number}"} for number in range(2_000)])
    begun = perf_counter()
    refused(law.get(f"{at}/Exams/occurrences?from=2026-11-01&to=2027-11-01"), 400, "10,000")
    assert perf_counter() - begun < 3


def test_a_period_that_repeats_lasts_a_year_at_most(law, refused):
    """Two thousand of them that each take place on every day would not be worked out in an hour."""
    at = LEVELS["Group"]
    make(law, at, periods=[{**FULL, "startDay": "1900-01-01", "stopDay": "2999-12-31"}])
    year = {**FULL, "name": "Year", "startDay": "2026-01-01", "stopDay": "2027-01-01", "recurrence": DAILY}
    assert law.post(f"{at}/Exams/", json=year).status_code == 201
    refused(law.put(f"{at}/Exams/Year/", json={"stopDay": "2027-01-02"}), 400, "stopDay", "366 days")
