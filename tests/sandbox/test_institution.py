from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import requests

from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.institution_model import NotPossibleError, UnknownNameError
from sandbox.serve import serve

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA = "anna.visser@example.edu"


@pytest.fixture
def institution():
    return Institution(now=NOW)


@pytest.fixture
def base(institution):
    with serve(application(institution, Faults())) as url:
        yield url


def everything(institution):
    return {
        event.id(AMSTERDAM): event for person in institution.people for event in institution.timetable(person.username)
    }


def test_the_same_seed_makes_the_same_institution_and_another_seed_another():
    one, same, other = (everything(Institution(seed, NOW)) for seed in (1, 1, 2))
    assert one == same
    assert not one.keys() & other.keys()


@pytest.mark.parametrize("month", range(1, 13))
def test_everybody_has_a_hundred_events_or_more_ahead_whenever_it_starts(month):
    now = datetime(2027, month, 14, 9, tzinfo=UTC)
    institution = Institution(now=now)
    window = now - timedelta(days=14), now + timedelta(days=180)
    counts = [len(institution.timetable(person.username, *window)) for person in institution.people]
    assert len(counts) == 48
    assert 100 <= min(counts) <= max(counts) <= 320
    assert min(len(institution.timetable(person.username)) for person in institution.people) > 400


def test_people_have_distinct_usernames_mailboxes_and_names_in_many_scripts(institution):
    people = institution.people
    assert len({person.username for person in people}) == len({person.mail for person in people}) == 48
    assert all(person.mail.isascii() and person.mail.endswith("@example.edu") for person in people)
    assert people[0].username == people[0].mail == ANNA
    assert any(not person.name.isascii() for person in people)
    assert [person for person in people if person.username.startswith("EXAMPLE\\")] == [people[-1]]
    assert {role for person in people for role in person.roles} == {"ROLE_STUDENT", "ROLE_STAFF", "ROLE_MEMBER"}


def test_a_weekly_lecture_keeps_its_local_hour_when_the_clocks_change(institution):
    lectures = [e for e in institution.timetable(ANNA) if e.type and e.type.id == "lecture" and e.database == "2026"]
    activity = lectures[0].activity
    series = [event for event in lectures if event.activity == activity]
    assert {event.start.date() < date(2026, 10, 25) for event in series} == {True, False}
    assert len({event.start.time() for event in series}) == 2
    assert len({event.start.astimezone(AMSTERDAM).timetz().replace(tzinfo=None) for event in series}) == 1


def test_every_oddity_of_real_timetables_is_there(institution):
    events = institution.timetable(ANNA)
    all_day = [event for event in events if event.all_day]
    assert {(e.end.astimezone(AMSTERDAM).date() - e.start.astimezone(AMSTERDAM).date()).days for e in all_day} == {
        1,
        2,
        4,
    }
    assert all(e.start.astimezone(AMSTERDAM).hour == e.end.astimezone(AMSTERDAM).hour == 0 for e in all_day)
    assert any((event.end - event.start) % timedelta(days=1) for event in all_day), "one of them spans a clock change"
    assert any(event.start == event.end for event in events)
    assert any(event.end < event.start for event in events)
    assert any(event.draft for event in events)
    assert any(event.type is None for event in events)
    assert any(event.course is None for event in events)
    assert {event.notes is None for event in events} == {True, False}
    seen = [(event.start, event.end, event.title, event.rooms, event.staff, event.type) for event in events]
    assert len(seen) > len(set(seen)), "two equal lectures side by side"
    assert len(events) == len({event.id(AMSTERDAM) for event in events})


def test_some_people_have_filtered_events_away_and_others_have_not(institution):
    filtered = {
        person.username: sum(
            institution.wishes(person.username).hides(e) for e in institution.timetable(person.username)
        )
        for person in institution.people
    }
    assert 0 in filtered.values()
    assert sum(map(bool, filtered.values())) == 12


def test_a_move_within_the_day_keeps_the_id_and_a_move_to_another_day_changes_its_date_alone(institution):
    event = institution.timetable(ANNA, NOW)[0]
    known = event.id(AMSTERDAM)
    length = event.end - event.start
    assert institution.move(known, event.start + timedelta(minutes=30)) == known
    moved = institution.move(known, event.start + timedelta(days=200, minutes=30))
    assert moved.split("-")[0] == known.split("-")[0]
    assert moved != known
    assert institution.event(moved).end - institution.event(moved).start == length
    assert moved in everything(institution)
    assert known not in everything(institution)


def test_a_time_without_a_zone_is_local(institution):
    event_id = institution.add(ANNA, "Talk", datetime(2026, 12, 1, 10))  # noqa: DTZ001 - the point
    assert institution.event(event_id).start == datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_an_activity_cannot_take_place_twice_on_a_day_and_a_refused_move_changes_nothing(institution):
    series = [event for event in institution.timetable(ANNA, NOW) if event.type and event.type.id == "lecture"]
    first = series[0]
    next_week = next(event for event in series[1:] if event.activity == first.activity)
    before = everything(institution)
    with pytest.raises(NotPossibleError):
        institution.move(first.id(AMSTERDAM), next_week.start)
    assert everything(institution) == before


def test_a_cancelled_event_is_gone_from_everybodys_timetable(institution):
    event_id = institution.timetable(ANNA, NOW)[0].id(AMSTERDAM)
    institution.cancel(event_id)
    assert event_id not in everything(institution)
    with pytest.raises(UnknownNameError, match="Event not found"):
        institution.event(event_id)


def test_an_added_event_is_one_persons_own_and_equal_ones_stay_two(institution):
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    ids = {institution.add(ANNA, "Talk", start, room=institution.rooms[0], notes="bring tea") for _ in range(2)}
    assert len(ids) == 2
    owners = [
        p.username for p in institution.people for e in institution.timetable(p.username) if e.id(AMSTERDAM) in ids
    ]
    assert owners == [ANNA, ANNA]
    assert institution.event(ids.pop()).end == start + timedelta(hours=1)


def test_another_room_and_another_title_keep_the_id(institution):
    event_id = institution.timetable(ANNA, NOW)[0].id(AMSTERDAM)
    institution.change_room(event_id, institution.rooms[-1])
    institution.retitle(event_id, "Guest lecture")
    assert institution.event(event_id).rooms[0].name == institution.rooms[-1]
    assert institution.event(event_id).title == "Guest lecture"


def test_one_persons_wishes_are_not_anothers(institution):
    other = institution.people[1].username
    institution.filter_group(ANNA, "Lecture", for_sync=True)
    institution.filter_group(ANNA, "Lecture", filtered=True)
    wish = institution.wishes(ANNA).groups()["Lecture"]
    assert (wish.filtered, wish.for_sync) == (True, True)
    assert not institution.wishes(other).groups()["Lecture"].for_sync


@pytest.mark.parametrize(
    "change",
    [
        lambda institution: institution.cancel("2026!no-20260101"),
        lambda institution: institution.add("nobody", "Talk", NOW),
        lambda institution: institution.add(ANNA, "Talk", NOW, room="Nowhere"),
        lambda institution: institution.add(ANNA, "Talk", NOW, event_type="nothing"),
        lambda institution: institution.filter_group(ANNA, "Nothing", for_sync=True),
        lambda institution: institution.subscribe(ANNA, "2026!module!0"),
        lambda institution: institution.unsubscribe(ANNA, "2026!module!0"),
        lambda institution: institution.person("nobody"),
    ],
)
def test_what_is_not_there_is_named_in_the_error(institution, change):
    with pytest.raises(UnknownNameError, match="not found: "):
        change(institution)


def test_a_touching_event_counts_at_the_start_and_not_at_the_end(institution):
    event = next(e for e in institution.timetable(ANNA, NOW) if e.start < e.end)
    inside = institution.timetable(ANNA, event.end - timedelta(seconds=1), event.end)
    assert event in inside
    assert event not in institution.timetable(ANNA, event.end)
    assert event not in institution.timetable(ANNA, None, event.start)


def test_an_event_without_length_is_found_at_its_start(institution):
    event = next(e for e in institution.timetable(ANNA) if e.start == e.end)
    assert event in institution.timetable(ANNA, event.start, event.start + timedelta(seconds=1))
    assert event not in institution.timetable(ANNA, event.start - timedelta(hours=1), event.start)


def test_changes_are_made_over_http_and_seen_in_the_timetable(institution, base):
    def change(name, **arguments):
        answer = requests.post(f"{base}/sandbox/changes", json={name: arguments}, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()[name]

    def told(event_id):
        events = requests.get(f"{base}/sandbox/people/{ANNA}/events", timeout=5).json()
        return next((event for event in events if event["id"] == event_id), None)

    event_id = change("add", username=ANNA, title="Talk", start="2026-12-01T10:00")
    assert told(event_id)["startDate"] == datetime(2026, 12, 1, 9, tzinfo=UTC).timestamp() * 1000
    event_id = change("move", event_id=event_id, start="2026-12-02T10:00:00Z")
    assert event_id.endswith("-20261202")
    change("change_room", event_id=event_id, room="Lab Court 0.01")
    change("retitle", event_id=event_id, title="Lecture by a guest")
    assert told(event_id)["activityDescription"] == "Lecture by a guest"
    assert told(event_id)["locations"][0]["name"] == "Lab Court 0.01"
    change("filter_group", username=ANNA, group="Other", for_sync=True)
    assert institution.wishes(ANNA).groups()["Other"].for_sync
    change("cancel", event_id=event_id)
    assert told(event_id) is None


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("{", 400, "unexpected end"),
        ("[]", 400, "must be a JSON object"),
        ('{"explode": {}}', 400, "there are move, cancel"),
        ('{"cancel": "x"}', 400, "takes an object"),
        ('{"cancel": {}}', 400, "cancel.event_id: Missing required"),
        ('{"move": {"event_id": "x", "start": "soon"}}', 400, "move.start: Input should be a valid datetime"),
        ('{"cancel": {"event_id": "x", "why": 1}}', 400, "cancel.why: Unexpected"),
        ('{"cancel": {"event_id": "x"}}', 404, "Event not found: x"),
    ],
)
def test_a_wrong_change_is_refused_with_the_reason(base, body, status, reason):
    answer = requests.post(f"{base}/sandbox/changes", data=body, timeout=5)
    assert answer.status_code == status
    assert reason in answer.json()["error"]
