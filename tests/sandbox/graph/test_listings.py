"""The sandbox's Graph: pages, windows, and what changed since."""

import pytest

MONDAY = {"startDateTime": "2026-11-23T00:00:00Z", "endDateTime": "2026-11-24T00:00:00Z"}


def at(hour, day=23):
    return {
        name: {"dateTime": f"2026-11-{day}T{each:02}:00:00", "timeZone": "UTC"}
        for name, each in (("start", hour), ("end", hour + 1))
    }


def follow(client, link):
    answer = client.session.get(link, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_page_holds_ten_events_or_what_is_asked_for_and_pages_add_up(client):
    for number in range(23):
        client.make(str(number))
    page, found = client("GET").json(), []
    while "@odata.nextLink" in page:
        assert len(page["value"]) == 10
        found += page["value"]
        page = follow(client, page["@odata.nextLink"])
    found += page["value"]
    assert [each["subject"] for each in found] == [str(number) for number in range(23)]
    assert len(client.subjects(top=999)) == 23
    assert client.subjects(**{"$skip": 20}) == ["20", "21", "22"]


def test_a_page_may_hold_less_than_was_asked_for_and_the_question_stays(client, graph):
    graph.longest_page = 2
    for number in range(5):
        client.make(f"a{number}")
    client.make("b")
    page = client("GET", top=999, filter="startswith(subject,'a')", select="subject").json()
    assert len(page["value"]) == 2
    page = follow(client, page["@odata.nextLink"])
    page = follow(client, page["@odata.nextLink"])
    assert [(each["subject"], "body" in each) for each in page["value"]] == [("a4", False)]
    assert "@odata.nextLink" not in page


@pytest.mark.parametrize("top", [0, 1001, "many"])
def test_a_page_has_a_size(client, code, top):
    assert code(client("GET", top=top)) == (400, "ErrorInvalidParameter")


@pytest.mark.parametrize("token", ["made-up", "W10=", "e30="])
def test_a_token_that_graph_did_not_make_is_refused(client, code, token):
    for path, name in (("/events", "$skiptoken"), ("/calendarView/delta", "$deltatoken")):
        assert code(client("GET", path, **{name: token})) == (400, "ErrorInvalidUrlQuery")


def test_a_token_belongs_to_its_own_listing(client, code):
    for _ in range(11):
        client.make()
    token = client("GET").json()["@odata.nextLink"].partition("$skiptoken=")[2]
    link = f"{client.url}/v1.0/users/alice@example.org/calendar/calendarView/delta?$skiptoken={token}"
    assert code(client.session.get(link, timeout=5)) == (400, "ErrorInvalidUrlQuery")


def test_a_window_shows_what_touches_it(client, code):
    client.make("overnight", start=at(22, 22)["start"], end=at(0, 23)["start"])
    client.make("into Monday", start=at(22, 22)["start"], end=at(0, 23)["end"])
    for day, hour in ((23, 22), (23, 0), (22, 21), (24, 0)):
        client.make(f"{day}-{hour}", **at(hour, day))
    shown = client.subjects("/calendarView", **MONDAY, orderby="start/dateTime", top=50)
    assert shown == ["into Monday", "23-0", "23-22"]
    assert code(client("GET", "/calendarView", startDateTime="soon", endDateTime="soon")) == (400, "RequestBodyRead")


def test_a_window_needs_both_its_ends(rude, graph):
    assert rude("GET", "/calendarView").status_code == 400
    assert len(graph.exchange.violations) == 1


@pytest.mark.parametrize("path", ["/calendarView/delta", "/calendarView/delta()"])
def test_a_delta_link_tells_what_changed_since(client, path):
    kept, gone, moved = (client.make(each, **at(9)) for each in ("kept", "gone", "moved"))
    client.make("outside", **at(9, 25))
    first = client("GET", path, **MONDAY).json()
    assert [each["subject"] for each in first["value"]] == ["kept", "gone", "moved"]
    assert follow(client, first["@odata.deltaLink"])["value"] == []
    client("PATCH", f"/events/{kept['id']}", {"subject": "changed"})
    client("PATCH", f"/events/{moved['id']}", at(9, 25))
    client("DELETE", f"/events/{gone['id']}")
    second = follow(client, first["@odata.deltaLink"])
    assert [each["subject"] for each in second["value"] if "@removed" not in each] == ["changed"]
    assert {each["id"] for each in second["value"] if "@removed" in each} == {gone["id"], moved["id"]}
    assert follow(client, second["@odata.deltaLink"])["value"] == []


def test_a_delta_comes_in_pages(client):
    for number in range(5):
        client.make(str(number), **at(9))
    page = client("GET", "/calendarView/delta", **MONDAY, headers={"Prefer": "odata.maxpagesize=4"}).json()
    assert (len(page["value"]), "@odata.deltaLink" in page) == (4, False)
    # What comes in between is told next time.
    client.make("5", **at(9))
    page = follow(client, page["@odata.nextLink"])
    found = [each["subject"] for each in page["value"]]
    assert "4" in found
    later = follow(client, page["@odata.deltaLink"])["value"]
    assert [each["subject"] for each in later] == ["5"]


def test_delta_links_can_be_forgotten(client, graph, code):
    client.make(**at(9))
    link = client("GET", "/calendarView/delta", **MONDAY).json()["@odata.deltaLink"]
    graph.forget_deltas()
    assert code(client.session.get(link, timeout=5)) == (410, "SyncStateNotFound")
    fresh = client("GET", "/calendarView/delta", **MONDAY).json()["@odata.deltaLink"]
    assert follow(client, fresh)["value"] == []


def test_a_delta_takes_no_filter(rude, graph):
    assert rude("GET", "/calendarView/delta", **MONDAY, filter="subject eq 'a'").status_code == 400
    assert len(graph.exchange.violations) == 1
