"""A synchronization that is held, as the API shows it, previews it and lets it pass."""

from datetime import timedelta

import pytest

from provisioning.schemas import milliseconds
from sandbox.app import application
from sandbox.faults import Fault, Faults
from sandbox.institution import Institution
from sandbox.serve import serve
from timetables import mytimetable
from worker.synchronize import synchronize

NOT_HELD = "The synchronization is not held; its runs carry out what they plan."


class Campus:
    """The sandbox's university as the source of the first tenant."""

    def __init__(self, api, institution, faults):
        self.api = api
        self.faults = faults
        self.institution = institution
        self.people = [each.username for each in institution.people if "ROLE_STUDENT" in each.roles]

    def empty(self, number=1):
        """So many people are linked and written to; then their timetables are empty, and they are held."""
        for username in self.people[:number]:
            ident = self.api.synchronize(username)["id"]
            assert self.run(ident) == "OK"
            self.switch(username, on=False)
        assert [self.run(ident) for ident in range(1, number + 1)] == ["HELD"] * number
        self.api.installation.redis.flushall()

    def switch(self, username, *, on):
        wishes = self.institution.wishes(username)
        for key in wishes.subscriptions():
            wishes.subscribe(key, enabled=on)

    def run(self, ident=1):
        return synchronize(self.api.installation, ident, self.api.clock).outcome

    def standing(self):
        return self.api.calendar().live(self.people[0])


@pytest.fixture
def campus(api, monkeypatch):
    institution, faults = Institution(now=api.clock.now), Faults()
    with serve(application(institution, faults)) as url:
        settings = mytimetable.Settings(urls=[f"{url}/api/v0/"], token="sandbox-elevated")
        source = mytimetable.connect(settings, "Europe/Amsterdam")
        monkeypatch.setitem(api.installation.sources, api.tenant(), source)
        yield Campus(api, institution, faults)


def shown(api, ident=1):
    return api.get(f"/synchronizations/{ident}").json()["synchronization"]


def test_a_held_synchronization_tells_since_when_what_would_go_and_when_it_passes(api, campus):
    campus.empty()
    coming = sum(each.event.start > api.clock.now for each in campus.standing().values())
    item = shown(api)
    assert item["status"] == "HELD"
    assert item["held"] == {
        "since": milliseconds(api.clock.now),
        "going": coming,
        "of": coming,
        "confirmedAt": milliseconds(api.clock.now + timedelta(hours=1)),
    }
    [listed] = api.get("/synchronizations?status=HELD").json()["synchronizations"]
    assert f"leaves out {coming} of {coming} events" in listed["statusDetail"]


def test_while_a_whole_tenant_is_held_no_time_confirms_it(api, campus):
    campus.empty(5)
    assert shown(api)["held"]["confirmedAt"] is None
    api.clock.now += timedelta(hours=2)
    assert campus.run() == "HELD"
    assert "carillon release --all --tenant example" in shown(api)["statusDetail"]


def test_a_hold_that_was_made_by_an_earlier_version_is_shown_without_its_counts(api, campus):
    campus.empty()
    api.sql("UPDATE synchronizations SET held_going = NULL, held_of = NULL")
    assert (shown(api)["held"]["going"], shown(api)["held"]["of"]) == (None, None)


def test_the_release_preview_lists_exactly_what_would_go_and_changes_nothing(api, campus):
    campus.empty()
    before, row = campus.standing(), api.sql("SELECT * FROM synchronizations")
    answer = api.get("/synchronizations/1/release-preview")
    assert answer.status_code == 200
    events = answer.json()["events"]
    assert (campus.standing(), api.sql("SELECT * FROM synchronizations")) == (before, row)
    api.post("/synchronizations/1/release")
    assert campus.run() == "OK"
    gone = [stored for name, stored in before.items() if name not in campus.standing()]
    assert len(gone) > 100
    assert answer.json()["count"] == len(gone)
    told = sorted((each["start"], each["end"], each["title"], each["key"], each["synchronization"]) for each in events)
    assert told == sorted(
        (milliseconds(each.event.start), milliseconds(each.event.end), each.event.title, each.mark.key, "1")
        for each in gone
    )


def test_release_answers_202_and_runs_at_once(api, campus, soon):
    campus.empty()
    api.sql("UPDATE synchronizations SET due_at = now() + interval '1 day'")
    answer = api.post("/synchronizations/1/release")
    assert answer.status_code == 202
    item = answer.json()["synchronization"]
    assert item["status"] == "HELD"
    assert soon(item["nextSync"])
    assert [task for task, _ in api.messages()] == ["synchronize"]
    assert campus.run() == "OK"
    assert [each for each in campus.standing().values() if each.event.start > api.clock.now] == []
    assert shown(api)["held"] is None


def test_a_person_may_be_acted_for(api, campus, refused):
    campus.empty()
    api.synchronize("somebody else")
    refused(api.acting("somebody else").post("/synchronizations/1/release"), 403, "requestedAuth")
    assert api.acting(campus.people[0]).post("/synchronizations/1/release").status_code == 202


def test_what_is_not_held_cannot_be_released(api, refused):
    api.synchronize("alice")
    refused(api.post("/synchronizations/1/release"), 409, NOT_HELD)
    refused(api.get("/synchronizations/1/release-preview"), 409, NOT_HELD)
    assert len(api.messages()) == 1


def test_what_is_disabled_cannot_be_released(api, campus, refused):
    campus.empty()
    api.patch("/synchronizations/1", data={"enabled": "false"})
    refused(api.post("/synchronizations/1/release"), 409, "disabled")
    assert shown(api)["held"] is None


def test_another_tenants_holds_cannot_be_released(api, campus, refused):
    campus.empty()
    api.headers["apiToken"] = api.token("other")
    refused(api.post("/synchronizations/1/release"), 404)
    refused(api.get("/synchronizations/1/release-preview"), 404)


def test_a_preview_of_a_timetable_that_is_well_again_answers_409(api, campus, refused):
    campus.empty()
    campus.switch(campus.people[0], on=True)
    refused(api.get("/synchronizations/1/release-preview"), 409, "judges it anew")


@pytest.mark.parametrize(("kind", "wait"), [("unavailable", None), ("throttled", "7")])
def test_a_timetable_that_cannot_be_previewed_says_why(api, campus, refused, kind, wait):
    campus.empty()
    campus.faults.add(Fault("/api/v0/timetable", kind, seconds=7))
    answer = api.get("/synchronizations/1/release-preview")
    refused(answer, 503)
    assert answer.headers.get("Retry-After") == wait
