from datetime import UTC, datetime, timedelta

import orjson
import pytest
import requests

from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.serve import serve

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA = "anna.visser@example.edu"
FIELDS = (
    "activityDescription",
    "activityTypeColor",
    "activityTypeDescription",
    "activityTypeName",
    "allDay",
    "conference",
    "conferenceUrl",
    "customAttributes",
    "department",
    "draft",
    "endDate",
    "enrolled",
    "eventType",
    "filtered",
    "highlighted",
    "id",
    "locations",
    "moduleCode",
    "notes",
    "notes2",
    "notes3",
    "recorded",
    "recordingUrl",
    "staffMembers",
    "startDate",
    "students",
    "studentSets",
    "tags",
    "timetableKeys",
)


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def institution():
    return Institution(now=NOW)


@pytest.fixture
def base(institution, faults):
    with serve(application(institution, faults)) as url:
        yield url


@pytest.fixture
def ask(base):
    """Asks the API on Anna's behalf; `token` and `user` may be others, or None for no header."""
    with requests.Session() as session:

        def asking(path, method="GET", token="sandbox-elevated", user=ANNA, headers=(), **arguments):
            known = {"apiToken": token, "requestedAuth": user, **dict(headers)}
            return session.request(method, f"{base}/api/v0{path}", headers=known, timeout=5, **arguments)

        yield asking


def ms(moment):
    return int(moment.timestamp() * 1000)


def test_a_timetable_is_an_array_sorted_by_start_and_end_with_every_documented_field(ask):
    events = ask("/timetable").json()
    assert len(events) > 400
    order = [(event["startDate"], event["endDate"]) for event in events]
    assert order == sorted(order)
    full, new_form_only = (
        {len(event) for event in events if ("activityTypeName" in event) is form} for form in (True, False)
    )
    assert full == {len(FIELDS)}
    assert new_form_only == {len(FIELDS) - 3}
    assert all(set(event) <= set(FIELDS) for event in events)
    assert all(event["timetableKeys"] for event in events)


def test_staff_and_student_sets_come_as_texts_and_as_objects(ask):
    events = ask("/timetable").json()
    for name in ("staffMembers", "studentSets"):
        assert {type(each) for event in events for each in event[name]} == {str, dict}
    for name in ("moduleCode", "eventType", "notes", "notes2", "department"):
        assert {event[name] is None for event in events} == {True, False}


def test_only_an_elevated_token_reads_for_a_person_and_errors_have_the_documented_body(ask):
    for token, user, status in (
        (None, ANNA, 401),
        ("wrong", ANNA, 401),
        ("sandbox-elevated", None, 401),
        ("sandbox-ordinary", ANNA, 403),
        ("sandbox-elevated", "nobody@example.edu", 404),
    ):
        answer = ask("/timetable", token=token, user=user)
        assert answer.status_code == status
        assert answer.json().keys() == {"errorType", "errorMessage", "status"}
    assert ask("/databasedetails", token="sandbox-ordinary", user=None).status_code == 200
    assert ask("/databasedetails", token=None, user=None).status_code == 401


def test_a_username_with_a_domain_or_beyond_ascii_is_understood(ask, institution):
    domain = institution.people[-1].username
    assert ask("/user", user=domain).json()["username"] == domain
    assert "Zoë" in ask("/user", user="Zoë".encode()).json()["errorMessage"]


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
def test_a_date_is_understood_in_every_documented_form(ask, institution, text, moment):
    for name, span in (("startDate", (moment, None)), ("endDate", (None, moment))):
        told = [event["id"] for event in ask("/timetable", params={name: text}).json()]
        assert told == [event.id(institution.zone) for event in institution.timetable(ANNA, *span)]
        assert told or name == "endDate"


@pytest.mark.parametrize("parameter", ["startDate=soon", "endDate=2026-13-01", "limit=many", "startDate=" + "9" * 30])
def test_a_parameter_that_cannot_be_understood_is_a_400(ask, parameter):
    answer = ask(f"/timetable?{parameter}")
    assert answer.status_code == 400
    assert answer.json()["errorType"] == "BadParameter"


def test_a_limit_takes_the_first_and_a_type_its_own(ask, institution):
    everything = ask("/timetable").json()
    assert ask("/timetable?limit=3").json() == everything[:3]
    assert ask("/timetable?limit=0").json() == everything
    institution.add(ANNA, "Talk", NOW)
    assert [event["activityDescription"] for event in ask("/timetable?type=user").json()] == ["Talk"]
    assert len(ask("/timetable?type=user&type=studentset").json()) == len(everything) + 1


def test_rooms_one_is_subscribed_to_can_be_left_out(ask):
    room = ask("/timetables?type=location&limit=1").json()["timetable"][0]["value"]
    before = ask("/timetable").json()
    assert ask(f"/subscriptions/{room}", "POST").status_code == 204
    assert len(ask("/timetable").json()) > len(before)
    assert ask("/timetable?excludeResourceTimetables=true").json() == before
    assert ask(f"/subscriptions/{room}", "PUT", data={"state": "false"}).status_code == 204
    assert ask("/timetable").json() == before
    assert room in [each["key"] for each in ask("/subscriptions").json()]
    assert ask(f"/subscriptions/{room}", "DELETE").status_code == 204
    assert room not in [each["key"] for each in ask("/subscriptions").json()]
    assert ask(f"/subscriptions/{room}", "DELETE").status_code == 404


def test_timetables_are_listed_by_type_searched_paged_and_read_by_key(ask):
    every = ask("/timetables?type=module").json()["timetable"]
    assert len(every) == 72
    assert ask("/timetables?type=module&offset=2&limit=3").json()["timetable"] == every[2:5]
    found = ask("/timetables?type=module&q=optics").json()["timetable"]
    assert {each["description"] for each in found} == {"PHY102 Optics 1", "PHY202 Optics 2"}
    assert ask("/timetables?type=module&d=2027").json()["timetable"][0]["value"].startswith("2027!module!")
    assert ask("/timetables").status_code == 400
    events = ask(f"/timetables/{found[0]['value']}?limit=2", token="sandbox-ordinary", user=None).json()
    assert [event["moduleCode"] for event in events] == ["PHY102", "PHY102"]
    assert ask("/timetables/2026!module!0").status_code == 404


def test_group_filters_are_read_and_changed_by_form(ask, institution):
    form = {"eventTypeGroups[Lecture][isFilteredForSync]": "true", "eventTypeGroups[Exam][isFiltered]": "true"}
    assert ask("/eventtypegroups", "PATCH", data=form).status_code == 204
    told = ask("/eventtypegroups").json()
    groups = {group["id"]: (group["isFiltered"], group["isFilteredForSync"]) for group in told["eventtypegroups"]}
    assert told["filteringEnabled"] is True
    assert groups == {
        "Lecture": (False, True),
        "Tutorial": (False, False),
        "Exam": (True, False),
        "Excursion": (False, False),
        "Other": (False, False),
    }
    exams = [event["filtered"] for event in ask("/timetable").json() if (event["eventType"] or {}).get("id") == "exam"]
    assert exams
    assert all(exams)
    assert ask("/eventtypegroups", "PATCH", data={"lecture": "true"}).status_code == 400
    assert ask("/eventtypegroups", "PATCH", data={"eventTypeGroups[No][isFiltered]": "true"}).status_code == 404
    institution.filtering = False
    assert ask("/eventtypegroups", "PATCH", data=form).status_code == 403
    assert ask("/eventtypegroups").json()["filteringEnabled"] is False


def test_descriptions_come_in_the_language_asked_for(ask):
    described = [
        {(event["eventType"] or {}).get("description") for event in ask("/timetable", headers=headers).json()}
        for headers in ({"Accept-Language": "nl-NL"}, {"Accept-Language": "en"})
    ]
    assert "Hoorcollege" in described[0]
    assert "Lecture" in described[1]


def test_databases_and_the_user_are_told(ask):
    assert [each["label"] for each in ask("/databasedetails").json()["databases"]] == ["2026/2027", "2027/2028"]
    user = ask("/user").json()
    assert (user["username"], user["roles"]) == (ANNA, ["ROLE_STUDENT", "ROLE_MEMBER"])
    assert user["feedUrl"].startswith("https://")


def test_json_may_be_asked_for_by_suffix_and_xml_is_refused(ask):
    assert ask("/user.json", headers={"Accept": "application/xml"}).json() == ask("/user").json()
    assert ask("/user.xml").status_code == 406
    assert ask("/user", headers={"Accept": "application/xml"}).status_code == 406
    assert ask("/user", headers={"Accept": "application/xml, application/json"}).status_code == 200
    assert ask("/nothing").status_code == 404


def test_answers_are_compressed(ask):
    assert ask("/timetable").headers["Content-Encoding"] == "gzip"


def test_etags_are_offered_only_where_they_are_switched_on(ask, institution):
    assert "ETag" not in ask("/timetable").headers
    institution.etags = True
    etag = ask("/timetable").headers["ETag"]
    same = ask("/timetable", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    institution.add(ANNA, "Talk", NOW)
    assert ask("/timetable", headers={"If-None-Match": etag}).status_code == 200


def test_people_and_their_events_are_told_for_those_who_look(base):
    people = requests.get(f"{base}/sandbox/people", timeout=5).json()
    assert people[0] == {
        "username": ANNA,
        "name": "Anna Visser",
        "mail": ANNA,
        "roles": ["ROLE_STUDENT", "ROLE_MEMBER"],
    }
    span = {"startDate": ms(NOW), "endDate": ms(NOW + timedelta(days=7))}
    for person in (people[0], people[-1]):
        events = requests.get(f"{base}/sandbox/people/{person['username']}/events", params=span, timeout=5)
        assert events.json()
        assert all(event["startDate"] < span["endDate"] for event in events.json())
    page = requests.get(base, timeout=5)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Anna Visser" in page.text


def test_faults_are_switched_on_and_requests_counted_over_http(ask, base):
    fault = {"path": "/api/v0/timetable", "kind": "unavailable", "times": 1}
    assert requests.post(f"{base}/sandbox/faults", json=fault, timeout=5).status_code == 200
    assert requests.get(f"{base}/sandbox/faults", timeout=5).json() == [{**fault, "seconds": 1.0, "method": "*"}]
    assert [ask("/timetable").status_code for _ in range(2)] == [503, 200]
    seen = requests.get(f"{base}/sandbox/requests?path=/api/*&method=GET", timeout=5).json()
    assert [each["status"] for each in seen] == [503, 200]
    requests.post(f"{base}/sandbox/faults", json=fault, timeout=5)
    assert requests.delete(f"{base}/sandbox/faults", timeout=5).status_code == 204
    assert requests.delete(f"{base}/sandbox/requests", timeout=5).status_code == 204
    assert ask("/timetable").status_code == 200
    assert len(requests.get(f"{base}/sandbox/requests", timeout=5).json()) == 1
    wrong = requests.post(f"{base}/sandbox/faults", data=orjson.dumps({"path": "*", "kind": "fire"}), timeout=5)
    assert wrong.status_code == 400
    assert "kind" in wrong.json()["error"]
