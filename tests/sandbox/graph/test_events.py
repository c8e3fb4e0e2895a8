"""The sandbox's Graph: one event, made, read, changed and deleted."""

import pytest

from sandbox.graph_properties import store_id

ALICE = "alice@example.org"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
COLOUR = "String {00020329-0000-0000-c000-000000000046} Name colour"
PLACE = "String {00020329-0000-0000-c000-000000000046} Name place"


def test_an_event_is_made_read_changed_and_deleted(client, code):
    made = client.make("A", location={"displayName": "X"}, showAs="free", categories=["Red"])
    patched = client("PATCH", f"/events/{made['id']}", {"location": {"displayName": "Y"}}).json()
    assert [patched[each] for each in ("subject", "showAs", "categories")] == ["A", "free", ["Red"]]
    assert patched["location"]["displayName"] == "Y"
    assert patched["@odata.etag"] != made["@odata.etag"]
    read = client("GET", f"/events/{made['id']}")
    assert read.json()["changeKey"] == patched["changeKey"]
    assert read.headers["ETag"] == patched["@odata.etag"] == f'W/"{patched["changeKey"]}"'
    assert client("DELETE", f"/events/{made['id']}").status_code == 204
    for verb, body in (("GET", None), ("PATCH", {"subject": "B"}), ("DELETE", None)):
        assert code(client(verb, f"/events/{made['id']}", body)) == (404, "ErrorItemNotFound")
    assert client.subjects() == []


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_a_stale_version_changes_nothing(client, graph, code, verb):
    made = client.make()
    client("PATCH", f"/events/{made['id']}", {"subject": "B"}, {"If-Match": made["@odata.etag"]}).raise_for_status()
    body = {"subject": "C"} if verb == "PATCH" else None
    for status in (412, 409):
        graph.conflict_status = status
        stale = client(verb, f"/events/{made['id']}", body, {"If-Match": made["@odata.etag"]})
        assert code(stale) == (status, "ErrorIrresolvableConflict")
    assert client.subjects() == ["B"]
    assert client(verb, f"/events/{made['id']}", body, {"If-Match": "*"}).ok


def test_an_id_has_two_spellings_and_both_lead_to_the_event(client, graph, code):
    made = client.make()
    immutable = client("GET", f"/events/{made['id']}", headers=IMMUTABLE).json()["id"]
    assert immutable != made["id"]
    assert client("GET", f"/events/{immutable}").json()["id"] == made["id"]
    assert client("GET", headers=IMMUTABLE).json()["value"][0]["id"] == immutable
    assert store_id(immutable) == store_id(made["id"]) == graph.exchange.own(ALICE).items()[0].id
    assert code(client("GET", f"/events/{made['id'].swapcase()}")) == (400, "ErrorInvalidIdMalformed")
    other_case = made["id"][:6] + made["id"][6:].swapcase()
    assert code(client("GET", f"/events/{other_case}")) == (404, "ErrorItemNotFound")


def test_an_event_is_found_below_the_calendar_and_below_the_user(client, code):
    made, calendar = client.make(), client("GET", "").json()["id"]
    user = f"{client.url}/v1.0/users/{ALICE.upper()}"
    for place in ("", "/calendar", f"/calendars/{calendar}"):
        assert client.session.get(f"{user}{place}/events/{made['id']}", timeout=5).json()["subject"] == "A"
        assert len(client.session.get(f"{user}{place}/events", timeout=5).json()["value"]) == 1
    assert client.session.get(f"{user}/calendars/{calendar}", timeout=5).json()["id"] == calendar
    elsewhere = client.session.get(f"{user}/calendars/{made['id']}/events", timeout=5)
    assert code(elsewhere) == (404, "ErrorItemNotFound")


def test_exchange_reminds_unless_it_is_told_not_to(client):
    def reminder(event):
        return event["isReminderOn"], event["reminderMinutesBeforeStart"]

    made = client.make(isReminderOn=True)
    assert reminder(made) == (True, 15)
    assert reminder(client.make(reminderMinutesBeforeStart=30, isReminderOn=True)) == (True, 30)
    assert reminder(client("PATCH", f"/events/{made['id']}", {"reminderMinutesBeforeStart": 5}).json()) == (True, 5)
    assert reminder(client("PATCH", f"/events/{made['id']}", {"subject": "B"}).json()) == (True, 5)
    assert reminder(client("PATCH", f"/events/{made['id']}", {"isReminderOn": False}).json())[0] is False
    hours = {name: made[name] for name in ("start", "end")}
    assert reminder(client("POST", body=hours).json()) == (True, 15)


def test_a_plain_body_comes_back_as_html_unless_text_is_preferred(client):
    made = client.make(body={"contentType": "text", "content": "a < b\nc"})
    assert made["body"]["contentType"] == "html"
    assert "a &lt; b<br>c" in made["body"]["content"]
    text = {"Prefer": 'outlook.timezone="UTC", outlook.body-content-type="text"'}
    plain = client("GET", f"/events/{made['id']}", headers=text).json()
    assert plain["body"] == {"contentType": "text", "content": "a < b\nc"}
    assert plain["bodyPreview"] == "a < b\nc"
    rich = client.make(body={"contentType": "html", "content": "<p>hello</p>"})
    assert rich["body"]["content"] == "<p>hello</p>"
    assert client("GET", f"/events/{rich['id']}", headers=text).json()["body"]["content"] == "hello"


def test_extended_properties_are_told_when_asked_for_and_stay_when_not_named(client):
    made = client.make(singleValueExtendedProperties=[{"id": COLOUR, "value": "Red"}, {"id": PLACE, "value": "X"}])
    assert "singleValueExtendedProperties" not in made
    client("PATCH", f"/events/{made['id']}", {"singleValueExtendedProperties": [{"id": PLACE, "value": "Y"}]})
    upper = COLOUR.replace("c000", "C000")
    expand = f"singleValueExtendedProperties($filter=id eq '{upper}' or id eq '{PLACE}' or id eq '{PLACE}2')"
    told = client("GET", f"/events/{made['id']}", expand=expand, select="subject").json()
    assert told["singleValueExtendedProperties"] == [{"id": COLOUR, "value": "Red"}, {"id": PLACE, "value": "Y"}]
    assert told.keys() == {"@odata.context", "@odata.etag", "id", "subject", "singleValueExtendedProperties"}


def test_a_transaction_id_makes_one_event_only(client, graph, code):
    made = client.make(transactionId="t-1")
    assert made["transactionId"] == "t-1"
    again = client("POST", body={"transactionId": "t-1", "start": made["start"], "end": made["end"]})
    assert code(again) == (400, "ErrorDuplicateTransactionId")
    assert again.json()["error"]["@event.existingEventId"] == made["id"]
    graph.duplicate_status, graph.tells_existing_id = 409, False
    again = client("POST", body={"transactionId": "t-1", "start": made["start"], "end": made["end"]})
    assert code(again) == (409, "ErrorDuplicateTransactionId")
    assert "@event.existingEventId" not in again.json()["error"]
    assert client.subjects() == ["A"]


def test_whether_a_transaction_id_outlives_its_event_can_be_chosen(client, graph):
    for remembers, status in ((True, 400), (False, 201)):
        graph.exchange.own(ALICE).remembers_transactions = remembers
        made = client.make(transactionId=f"t-{remembers}")
        client("DELETE", f"/events/{made['id']}")
        again = client("POST", body={"transactionId": f"t-{remembers}", "start": made["start"], "end": made["end"]})
        assert again.status_code == status


def test_a_transaction_id_cannot_be_changed(client, code):
    made = client.make(transactionId="t-1")
    assert code(client("PATCH", f"/events/{made['id']}", {"transactionId": "t-2"})) == (400, "ErrorInvalidPropertySet")


def test_a_subject_has_255_characters_at_most(client, code):
    made = client.make("x" * 255)
    assert code(client("PATCH", f"/events/{made['id']}", {"subject": "x" * 256})) == (400, "ErrorInvalidPropertySet")


def test_everybody_who_is_invited_or_uninvited_is_counted(client, graph):
    quiet = client.make()
    client("DELETE", f"/events/{quiet['id']}")
    assert graph.exchange.notifications == 0
    made = client.make(attendees=[{"type": "required", "emailAddress": {"address": "guest@example.org"}}])
    assert made["attendees"][0]["emailAddress"]["address"] == "guest@example.org"
    client("PATCH", f"/events/{made['id']}", {"subject": "B"})
    client("DELETE", f"/events/{made['id']}")
    assert graph.exchange.notifications == 3
