"""The sandbox's Google: listings."""

ALICE = "alice@example.org"
DAY = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}


def marked(client, key, **body):
    return client("POST", body={**DAY, **body, "extendedProperties": {"private": {"key": key, "all": "1"}}}).json()


def test_filters_on_properties_must_all_hold(client, reason):
    one, _ = marked(client, "1"), marked(client, "2")
    client("POST", body=DAY)
    assert len(client("GET", privateExtendedProperty="all=1").json()["items"]) == 2
    both = client("GET", privateExtendedProperty=["all=1", "key=1"]).json()
    assert [each["id"] for each in both["items"]] == [one["id"]]
    assert reason(client("GET", privateExtendedProperty="all")) == (400, "badRequest")


def test_a_window_takes_what_ends_after_its_begin_and_starts_before_its_end(client, reason):
    for hour in (8, 9, 10):
        start, end = (f"2026-11-23T{each:02}:00:00Z" for each in (hour, hour + 1))
        client("POST", body={"start": {"dateTime": start}, "end": {"dateTime": end}, "summary": str(hour)})
    window = {"timeMin": "2026-11-23T09:00:00Z", "timeMax": "2026-11-23T10:00:00Z"}
    assert [each["summary"] for each in client("GET", **window).json()["items"]] == ["9"]
    turned = {"timeMin": window["timeMax"], "timeMax": window["timeMin"]}
    assert reason(client("GET", **turned)) == (400, "timeRangeEmpty")


def test_pages_hold_250_or_what_is_asked_for_and_add_up(client, google):
    for _ in range(260):
        google.put_foreign(ALICE, DAY)
    first = client("GET").json()
    assert len(first["items"]) == 250
    rest = client("GET", pageToken=first["nextPageToken"]).json()
    assert len(rest["items"]) == 10
    assert "nextPageToken" not in rest
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 260
    assert len(client("GET", maxResults=2500).json()["items"]) == 260


def test_deleted_events_show_when_asked_for(client):
    event = client("POST", body=DAY).json()
    client("DELETE", f"/{event['id']}")
    # The clock stands still: what other tests deleted is shown too, in the order of ids and on more than a usual page.
    shown = client("GET", showDeleted="true", updatedMin=event["updated"], maxResults=2500).json()["items"]
    assert (event["id"], "cancelled") in [(each["id"], each["status"]) for each in shown]


def test_a_sync_token_tells_what_changed_since(client, google, reason):
    kept, gone = client("POST", body=DAY).json(), client("POST", body=DAY).json()
    token = client("GET", maxResults=2500).json()["nextSyncToken"]
    assert client("GET", syncToken=token).json()["items"] == []
    client("PATCH", f"/{kept['id']}", {"summary": "B"})
    client("DELETE", f"/{gone['id']}")
    changed = {each["id"]: each["status"] for each in client("GET", syncToken=token).json()["items"]}
    assert changed == {kept["id"]: "confirmed", gone["id"]: "cancelled"}
    assert reason(client("GET", syncToken=token, privateExtendedProperty="a=b")) == (400, "badRequest")
    assert reason(client("GET", syncToken="made-up")) == (410, "fullSyncRequired")
    google.forget_sync_tokens()
    assert reason(client("GET", syncToken=token)) == (410, "fullSyncRequired")
    google.oldest_sync_token = 0


def test_words_uids_and_orders_are_looked_for(client, reason):
    client("POST", body={**DAY, "summary": "Optics", "iCalUID": "u1"})
    client("POST", body={"start": {"date": "2026-01-01"}, "end": {"date": "2026-01-02"}, "summary": "Algebra"})
    assert [each["summary"] for each in client("GET", q="optic").json()["items"]] == ["Optics"]
    assert [each["summary"] for each in client("GET", iCalUID="u1").json()["items"]] == ["Optics"]
    ordered = client("GET", singleEvents="true", orderBy="startTime").json()["items"]
    assert [each["summary"] for each in ordered] == ["Algebra", "Optics"]
    assert reason(client("GET", orderBy="startTime")) == (400, "badRequest")


def test_partial_answers_hold_what_is_asked_for_only(client, google):
    marked(client, "1", summary="A")
    fields = "accessRole,items(id,start/date,extendedProperties/private)"
    assert {each: type(value) for each, value in client("GET", fields=fields).json().items()} == {
        "accessRole": str,
        "items": list,
    }
    [item] = client("GET", fields=fields).json()["items"]
    assert {"start": item["start"], "extendedProperties": item["extendedProperties"]} == {
        "start": {"date": "2026-11-23"},
        "extendedProperties": {"private": {"key": "1", "all": "1"}},
    }
    assert item.keys() == {"id", "start", "extendedProperties"}
    assert client("GET", fields="items/summary").json() == {"items": [{"summary": "A"}]}
    assert google.violations == []
