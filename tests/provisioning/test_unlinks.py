"""Synchronizations taken away: the four modes by every call, what is sent, previewed and reported."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from providers.base import CalendarGone, ContractBroken, Event, MailboxGone, Mark, Throttled, Unauthorized, Unavailable
from providers.memory import Fault, Stored

MODES = ["UNLINK_ONLY", "DELETE_FUTURE_EVENTS", "DELETE_ALL_EVENTS", "CLEANUP"]
WAYS = ["/synchronizations/1", "/users/alice/synchronizations", "/users/alice/synchronizations/memory"]
NOW_MS = 1788249600000


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_delete_answers_204_and_records_the_unlink(api, way, mode):
    api.synchronize("alice", smtpAddress="alice@example.org")
    answer = api.delete(f"{way}?unlinkMode={mode}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get("/synchronizations").json() == {"synchronizations": []}
    done = mode == "UNLINK_ONLY"
    [unlink] = api.unlinks()
    assert unlink.pop("acceptedAt") > NOW_MS
    assert unlink == {
        "id": 1,
        "synchronizationId": 1,
        "username": "alice",
        "type": "memory",
        "description": "alice@example.org",
        "mode": mode,
        "state": "DONE" if done else "PENDING",
        "found": 0,
        "removed": 0,
        "remaining": 0,
        "error": "",
        "finishedAt": NOW_MS if done else None,
    }
    sent = [] if done else [("unlink", f"(1: alice → memory {mode})")]
    assert api.messages()[1:] == sent


def test_after_now_is_fixed_when_the_call_is_accepted(api):
    api.synchronize("alice")
    api.delete("/synchronizations/1?unlinkMode=DELETE_FUTURE_EVENTS")
    assert api.sql("SELECT cutoff FROM unlinks") == [(api.clock.now,)]


@pytest.mark.case("peers", 22)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("query", ["", "?unlinkMode=", "?unlinkMode=delete_all_events", "?unlinkMode=ALL"])
def test_delete_without_a_known_mode_answers_400_naming_the_four(api, refused, way, query):
    api.synchronize("alice")
    refused(api.delete(way + query), 400, "unlinkMode", *MODES)
    assert len(api.get("/synchronizations").json()["synchronizations"]) == 1


@pytest.mark.parametrize("body", ["data", "json"])
def test_the_mode_may_stand_in_the_body(api, body):
    api.synchronize("alice")
    assert api.delete("/synchronizations/1", **{body: {"unlinkMode": "CLEANUP"}}).status_code == 204
    assert api.unlinks()[0]["mode"] == "CLEANUP"


def test_two_different_modes_are_refused(api, refused):
    api.synchronize("alice")
    refused(api.delete("/synchronizations/1?unlinkMode=CLEANUP", data={"unlinkMode": "UNLINK_ONLY"}), 400, "unlinkMode")
    refused(api.delete("/synchronizations/1?unlinkMode=CLEANUP&unlinkMode=UNLINK_ONLY"), 400, "unlinkMode")
    refused(api.delete("/synchronizations/1", json={"unlinkMode": ["CLEANUP"]}), 400, "unlinkMode")


def test_delete_all_of_a_user_answers_204_also_when_there_are_none(api):
    api.put("/users/alice")
    assert api.delete("/users/alice/synchronizations?unlinkMode=CLEANUP").status_code == 204


@pytest.mark.case("peers", 22)
def test_delete_of_a_type_without_synchronizations_answers_422(api, refused):
    api.synchronize("alice")
    refused(api.delete("/users/alice/synchronizations/caldav?unlinkMode=CLEANUP"), 422, "type")
    refused(api.delete("/users/alice/synchronizations/unheard-of?unlinkMode=CLEANUP"), 422, "type")
    assert api.unlinks() == []


@pytest.mark.case("peers", 22)
@pytest.mark.parametrize("way", ["/users/nobody/synchronizations", "/users/nobody/synchronizations/memory"])
def test_delete_for_an_unknown_user_answers_404(api, refused, way):
    refused(api.delete(f"{way}?unlinkMode=CLEANUP"), 404, "user")


def test_delete_of_a_type_leaves_the_other_types(api):
    api.synchronize("alice")
    api.synchronize("alice", "caldav")
    api.synchronize("bob")
    api.delete("/users/alice/synchronizations/memory.json?unlinkMode=UNLINK_ONLY")
    items = api.get("/synchronizations").json()["synchronizations"]
    assert [(each["username"], each["type"]) for each in items] == [("alice", "caldav"), ("bob", "memory")]


def test_many_deletes_of_one_synchronization_at_once_record_one_unlink(api):
    api.synchronize("alice")
    with ThreadPoolExecutor(8) as pool:
        paths = [f"{way}?unlinkMode=CLEANUP" for way in WAYS] * 4
        answers = [each.status_code for each in pool.map(api.delete, paths)]
    assert set(answers) <= {204, 404, 422}
    assert len(api.unlinks()) == 1


def written(api, title, start, synchronization="1", instance="example"):
    mark = Mark(instance, synchronization, title)
    event = Event(title, start, start + timedelta(hours=1), "Europe/Amsterdam")
    api.calendar().put("alice", title, Stored(event, mark, 0))


@pytest.mark.parametrize(
    ("mode", "titles"),
    [
        ("UNLINK_ONLY", []),
        ("DELETE_FUTURE_EVENTS", ["future"]),
        ("DELETE_ALL_EVENTS", ["past", "future"]),
        ("CLEANUP", ["past", "orphan", "future"]),
    ],
)
def test_the_preview_lists_exactly_what_would_go(api, mode, titles):
    api.synchronize("alice")
    written(api, "past", api.clock.now)
    written(api, "orphan", api.clock.now + timedelta(minutes=1), synchronization="99")
    written(api, "future", api.clock.now + timedelta(minutes=2))
    written(api, "foreign", api.clock.now + timedelta(minutes=3), instance="other")
    answer = api.get(f"/synchronizations/1/unlink-preview?unlinkMode={mode}")
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["unlinkMode"], shown["count"]) == (mode, len(titles))
    assert [each["title"] for each in shown["events"]] == titles
    assert len(api.calendar().live("alice")) == 4
    assert api.unlinks() == []


def test_a_previewed_event_tells_what_a_person_needs_to_recognise_it(api):
    api.synchronize("alice")
    written(api, "Logic", api.clock.now)
    [event] = api.get("/synchronizations/1/unlink-preview?unlinkMode=CLEANUP").json()["events"]
    assert event == {
        "start": NOW_MS,
        "end": NOW_MS + 3_600_000,
        "title": "Logic",
        "key": "Logic",
        "synchronization": "1",
    }


def test_the_preview_needs_a_mode(api, refused):
    api.synchronize("alice")
    refused(api.get("/synchronizations/1/unlink-preview"), 400, *MODES)


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (Throttled("Too many requests; wait.", timedelta(seconds=2.5)), 503, "3"),
        (Throttled("Too many requests; wait."), 503, None),
        (Unavailable("No answer."), 503, None),
        (ContractBroken("Half a page."), 503, None),
        (Unauthorized("The password is refused."), 409, None),
        (MailboxGone("No such account."), 409, None),
        (CalendarGone("No such calendar."), 409, None),
    ],
)
def test_a_calendar_that_cannot_be_previewed_says_why(api, refused, error, status, retry_after):
    api.synchronize("alice")
    api.calendar().faults.append(Fault("find", error))
    answer = api.get("/synchronizations/1/unlink-preview?unlinkMode=CLEANUP")
    refused(answer, status, str(error))
    assert answer.headers.get("Retry-After") == retry_after


def test_the_preview_of_fields_that_their_provider_no_longer_takes_answers_409(api, refused):
    api.synchronize("alice")
    api.sql("""UPDATE synchronizations SET fields = '{"colour": "red"}'""")
    refused(api.get("/synchronizations/1/unlink-preview?unlinkMode=CLEANUP"), 409, "provisioning_colour")


def test_unlinks_are_listed_newest_first_filtered_and_cut(api):
    for name in ("alice", "bob", "carol"):
        ident = api.synchronize(name)["id"]
        api.delete(f"/synchronizations/{ident}?unlinkMode={'UNLINK_ONLY' if name == 'bob' else 'CLEANUP'}")

    def listed(query=""):
        return [each["id"] for each in api.get(f"/unlinks{query}").json()["unlinks"]]

    assert listed() == [3, 2, 1]
    assert listed("?state=PENDING") == [3, 1]
    assert listed("?username=bob") == [2]
    assert listed("?limit=1&offset=1") == [2]


@pytest.mark.parametrize("query", ["state=LOST", "limit=0", "offset=-1", "username=%00", "mode=CLEANUP"])
def test_a_wrong_filter_of_unlinks_is_named(api, refused, query):
    refused(api.get(f"/unlinks?{query}"), 400, query.partition("=")[0])


def test_get_unlink_tells_how_far_it_is(api, refused):
    api.synchronize("alice")
    api.delete("/synchronizations/1?unlinkMode=CLEANUP")
    api.sql("UPDATE unlinks SET state = 'RETRYING', found = 5, removed = 3, remaining = 2, error = 'why'")
    shown = api.get("/unlinks/1").json()["unlink"]
    assert [shown[name] for name in ("state", "found", "removed", "remaining", "error")] == ["RETRYING", 5, 3, 2, "why"]
    for unknown in ("2", str(2**63)):
        refused(api.get(f"/unlinks/{unknown}"), 404, "unlink" if unknown == "2" else "id")


def test_another_tenants_unlinks_are_not_there(api, refused):
    api.synchronize("alice")
    api.delete("/synchronizations/1?unlinkMode=CLEANUP")
    api.headers["apiToken"] = api.token("other")
    assert api.unlinks() == []
    refused(api.get("/unlinks/1"), 404)
