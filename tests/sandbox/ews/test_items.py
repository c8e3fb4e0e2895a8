"""The sandbox's EWS: one item, made, read, changed and deleted."""

import pytest
from ews_soap import ALICE, CALENDAR, KEY, SET, appointment, set_field, set_subject, version

from sandbox.ews_ids import store_id

WRONG = "RnJvbSBzb21ld2hlcmUgZWxzZQ=="


def attendee(address):
    mailbox = f"<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"
    return f"<t:RequiredAttendees><t:Attendee>{mailbox}</t:Attendee></t:RequiredAttendees>"


def test_an_item_is_made_read_changed_and_deleted(client, exchange):
    ((item, key),) = client.make(appointment("Größe ∂", key="k", more="<t:Location>Room 5</t:Location>"))
    told = client.get(item, more=KEY)
    assert told.codes == ["NoError"]
    assert told.one("//t:Subject") == "Größe ∂"
    assert told.one("//t:Location") == "Room 5"
    assert told.one("//t:ExtendedProperty/t:Value") == "k"
    assert (told.ids, told.keys) == ([item], [key])
    changed = client.update((version((item, key)), set_subject("B")))
    assert changed.codes == ["NoError"]
    assert changed.ids == [item]
    assert changed.keys != [key]
    assert client.get(item).one("//t:Subject") == "B"
    assert client.delete(f'Id="{item}"').codes == ["NoError"]
    assert exchange.calendar(ALICE).items() == []


def test_a_shape_holds_what_was_asked_for_only(client):
    ((item, _),) = client.make(appointment(key="k"))
    told = client.get(item, base="IdOnly", more='<t:FieldURI FieldURI="calendar:Start"/>')
    assert [
        each.rpartition("}")[2] for each in (child.tag for child in told.root.iterfind(".//{*}CalendarItem/*"))
    ] == [
        "ItemId",
        "Start",
    ]


@pytest.mark.parametrize(
    ("kept", "body", "text", "html"),
    [
        ("HTML", "<p>one &amp; two</p>", "one & two", "<p>one &amp; two</p>"),
        ("Text", "one & two\nthree", "one & two\nthree", "<html><body>one &amp; two<br>\nthree</body></html>"),
        ("HTML", "", "", ""),
    ],
)
def test_a_body_is_kept_as_it_came_and_told_as_asked(client, *, kept, body, text, html):
    inner = f'<t:Body BodyType="{kept}"><![CDATA[{body}]]></t:Body>'
    ((item, _),) = client.make(appointment().replace("</t:Subject>", f"</t:Subject>{inner}"))
    assert client.get(item).one("//t:Body[@BodyType='Text']") == text
    assert client.get(item, body="HTML").one("//t:Body[@BodyType='HTML']") == html
    assert client.get(item, body="Best").one(f"//t:Body[@BodyType='{kept}']") == body


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", 15),
        ("<t:ReminderIsSet>false</t:ReminderIsSet>", None),
        ("<t:ReminderIsSet>true</t:ReminderIsSet>", 15),
        ("<t:ReminderMinutesBeforeStart>30</t:ReminderMinutesBeforeStart>", 30),
        (
            "<t:ReminderIsSet>false</t:ReminderIsSet><t:ReminderMinutesBeforeStart>0</t:ReminderMinutesBeforeStart>",
            None,
        ),
    ],
)
def test_a_reminder_is_set_unless_it_is_refused(client, exchange, given, kept):
    times = appointment().removeprefix("<t:Subject>A</t:Subject>")
    client.make(f"<t:Subject>A</t:Subject>{given}{times}")
    assert exchange.calendar(ALICE).items()[0].reminder == kept


def test_a_reminder_can_be_taken_away_and_given_back(client, exchange):
    (made,) = client.make(appointment())
    off = set_field("item:ReminderIsSet", "<t:ReminderIsSet>false</t:ReminderIsSet>")
    client.update((version(made), off), how="AlwaysOverwrite")
    assert exchange.calendar(ALICE).items()[0].reminder is None
    on = set_field("item:ReminderIsSet", "<t:ReminderIsSet>true</t:ReminderIsSet>")
    minutes = "<t:ReminderMinutesBeforeStart>5</t:ReminderMinutesBeforeStart>"
    both = on + set_field("item:ReminderMinutesBeforeStart", minutes)
    client.update((version(made), both), how="AlwaysOverwrite")
    assert client.get(made[0]).one("//t:ReminderMinutesBeforeStart") == "5"


def test_a_stale_change_key_changes_nothing(client, exchange):
    (made,) = client.make(appointment())
    client.update((version(made), set_subject("B")))
    refused = client.update((version(made), set_subject("C")))
    assert refused.codes == ["ErrorIrresolvableConflict"]
    assert exchange.calendar(ALICE).items()[0].subject == "B"


@pytest.mark.parametrize("how", ["AlwaysOverwrite", "AutoResolve"])
def test_a_stale_change_key_does_not_matter_to_who_says_so(client, exchange, how):
    (made,) = client.make(appointment())
    client.update((version(made), set_subject("B")))
    assert client.update((version(made), set_subject("C")), how=how).codes == ["NoError"]
    assert exchange.calendar(ALICE).items()[0].subject == "C"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("NeverOverwrite", "ErrorChangeKeyRequired"),
        ("AutoResolve", "ErrorChangeKeyRequired"),
        ("AlwaysOverwrite", "NoError"),
    ],
)
def test_a_change_key_is_required_where_it_is_compared(client, how, code):
    ((item, _),) = client.make(appointment())
    assert client.update((f'Id="{item}"', set_subject("B")), how=how).codes == [code]


def test_a_delete_does_not_look_at_the_change_key(client, exchange):
    (made,) = client.make(appointment())
    client.update((version(made), set_subject("B")))
    assert client.delete(version(made)).codes == ["NoError"]
    assert exchange.calendar(ALICE).items() == []


def test_a_change_that_changes_nothing_gives_a_new_change_key(client):
    (made,) = client.make(appointment(key="k"))
    same = f"<t:SetItemField>{KEY}<t:CalendarItem><t:ExtendedProperty>{KEY}<t:Value>k</t:Value></t:ExtendedProperty>"
    answer = client.update((version(made), same + "</t:CalendarItem></t:SetItemField>"))
    assert answer.codes == ["NoError"]
    assert answer.keys != [made[1]]


def test_what_is_gone_is_not_found(client):
    (made,) = client.make(appointment())
    client.delete(version(made))
    answers = client.get(made[0]), client.update((version(made), set_subject("B"))), client.delete(version(made))
    assert [answer.codes for answer in answers] == [["ErrorItemNotFound"]] * 3


def test_an_id_is_taken_apart_by_nobody_and_its_case_matters(client, exchange):
    ((item, _),) = client.make(appointment())
    assert store_id(item) == exchange.calendar(ALICE).items()[0].id
    assert client.get(item.swapcase()).codes in (["ErrorInvalidIdMalformed"], ["ErrorItemNotFound"])
    assert client.get(WRONG, "?").codes == ["ErrorInvalidIdMalformed"] * 2


def test_one_bad_item_does_not_stop_the_others(client, exchange):
    answer = client.create(
        appointment("A"),
        appointment("B" * 256),
        appointment("C", start="2026-11-23T11:00:00Z"),
        appointment("D", more='<t:StartTimeZone Id="Mars"/>'),
        appointment("E"),
    )
    assert answer.codes == [
        "NoError",
        "ErrorInvalidPropertySet",
        "ErrorCalendarEndDateIsEarlierThanStartDate",
        "ErrorTimeZone",
        "NoError",
    ]
    assert [each.subject for each in exchange.calendar(ALICE).items()] == ["A", "E"]


def test_a_property_is_deleted_or_told_that_it_cannot_be(client, exchange):
    (made,) = client.make(appointment(key="k", more="<t:Location>X</t:Location>"))
    delete = "<t:DeleteItemField>{}</t:DeleteItemField>".format
    both = delete(KEY) + delete('<t:FieldURI FieldURI="calendar:Location"/>')
    assert client.update((version(made), both)).codes == ["NoError"]
    (item,) = exchange.calendar(ALICE).items()
    assert (item.location, item.properties) == ("", {})
    start = delete('<t:FieldURI FieldURI="calendar:Start"/>')
    assert client.update((version(made), start), how="AlwaysOverwrite").codes == ["ErrorInvalidPropertyDelete"]


@pytest.mark.parametrize(
    ("uri", "inner", "code"),
    [
        ("item:Subject", "<t:Location>X</t:Location>", "ErrorUpdatePropertyMismatch"),
        ("item:Subject", "<t:Subject>B</t:Subject><t:Location>X</t:Location>", "ErrorIncorrectUpdatePropertyCount"),
    ],
)
def test_an_update_sets_the_one_property_it_names(client, uri, inner, code):
    (made,) = client.make(appointment())
    assert client.update((version(made), set_field(uri, inner))).codes == [code]


def test_a_named_property_has_one_name_for_both_of_its_sets_cases(client, exchange):
    client.make(appointment(key="k"))
    (names,) = (each.properties for each in exchange.calendar(ALICE).items())
    assert names == {("4c0a5e67-3d58-4e2c-9a2b-6f1c1b1e8d43", "key"): "k"}
    lower = f"<t:ExtendedFieldURI {SET.replace('4C0A5E67', '4c0a5e67')}/>"
    assert client.find(f"<t:Exists>{lower}</t:Exists>").ids != []


@pytest.mark.parametrize(
    ("status", "kept"), [("Free", "free"), ("OOF", "oof"), ("WorkingElsewhere", "workingElsewhere"), (None, "busy")]
)
def test_how_a_person_shows_is_kept(client, exchange, status, kept):
    more = f"<t:LegacyFreeBusyStatus>{status}</t:LegacyFreeBusyStatus>" if status else ""
    ((item, _),) = client.make(appointment(more=more))
    assert exchange.calendar(ALICE).items()[0].show_as == kept
    assert client.get(item).one("//t:LegacyFreeBusyStatus") == (status or "Busy")


def test_people_hear_of_what_they_are_invited_to_unless_nobody_shall(client, exchange):
    guest = appointment(more=attendee("guest@example.org"))
    (made,) = client.make(guest)
    client.update((version(made), set_subject("B")))
    assert exchange.notifications == 0
    loud = client.create(guest, sends='SendMeetingInvitations="SendToAllAndSaveCopy"')
    assert exchange.notifications == 1
    every = 'SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"'
    client.update((f'Id="{loud.ids[0]}"', set_subject("B")), how="AlwaysOverwrite", sends=every)
    client.delete(f'Id="{loud.ids[0]}"', sends='SendMeetingCancellations="SendOnlyToAll"')
    assert exchange.notifications == 3
    client.create(appointment(), sends='SendMeetingInvitations="SendToAllAndSaveCopy"')
    assert exchange.notifications == 3


def test_a_calendar_item_must_be_told_who_hears_of_it(client):
    (made,) = client.make(appointment())
    assert client.create(appointment(), sends="").codes == ["ErrorSendMeetingInvitationsRequired"]
    changed = client.update((version(made), set_subject("B")), sends="")
    assert changed.codes == ["ErrorSendMeetingInvitationsOrCancellationsRequired"]
    assert client.delete(version(made), sends="").codes == ["ErrorSendMeetingCancellationsRequired"]


def test_an_appointment_goes_into_a_calendar_only(client):
    where = "<m:SavedItemFolderId>{}</m:SavedItemFolderId>".format
    assert client.create(appointment(), where=where(CALENDAR)).codes == ["NoError"]
    root = where('<t:DistinguishedFolderId Id="msgfolderroot"/>')
    assert client.create(appointment(), where=root).codes == ["ErrorCannotCreateCalendarItemInNonCalendarFolder"]


def test_what_the_store_cannot_keep_is_refused_aloud(client, violations):
    more = "<t:UID>some-uid</t:UID>"
    answer = client.create(appointment().replace("<t:Start>", f"{more}<t:Start>"))
    assert (answer.status, answer.fault) == (500, "ErrorInvalidRequest")
    assert violations() == ["The request is invalid: the sandbox does not play the writing of UID."]
