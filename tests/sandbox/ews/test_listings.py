"""The sandbox's EWS: listings and synchronizations."""

import pytest
from ews_soap import CALENDAR, KEY, appointment, set_subject, version

START = '<t:FieldURI FieldURI="calendar:Start"/>'
SUBJECT = '<t:FieldURI FieldURI="item:Subject"/>'


def constant(value):
    return f'<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant>'


def says(name, path, value):
    return f"<t:{name}>{path}{constant(value)}</t:{name}>"


def contains(mode, value, path=KEY):
    how = f'ContainmentMode="{mode}" ContainmentComparison="IgnoreCase"'
    return f'<t:Contains {how}>{path}<t:Constant Value="{value}"/></t:Contains>'


@pytest.fixture
def three(client):
    """A at nine with the key one, B at ten with two, C at eleven with none."""
    for subject, hour, key in (("A", 9, "one"), ("B", 10, "two"), ("C", 11, None)):
        times = (f"2026-11-23T{each:02}:00:00Z" for each in (hour, hour + 1))
        client.make(appointment(subject, *times, key=key))
    return client


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        ("", "ABC"),
        (f"<t:Exists>{KEY}</t:Exists>", "AB"),
        (f"<t:Not><t:Exists>{KEY}</t:Exists></t:Not>", "C"),
        (says("IsEqualTo", KEY, "one"), "A"),
        (says("IsEqualTo", KEY, "ONE"), "A"),
        (says("IsNotEqualTo", KEY, "one"), "B"),
        (says("IsEqualTo", SUBJECT, "b"), "B"),
        (contains("Prefixed", "tw"), "B"),
        (contains("Substring", "N"), "A"),
        (contains("FullString", "on"), ""),
        (says("IsGreaterThan", START, "2026-11-23T10:00:00Z"), "C"),
        (says("IsGreaterThanOrEqualTo", START, "2026-11-23T10:00:00Z"), "BC"),
        (says("IsLessThan", START, "2026-11-23T11:00:00+01:00"), "A"),
        (says("IsLessThanOrEqualTo", START, "2026-11-23T10:00:00Z"), "AB"),
        (f"<t:And><t:Exists>{KEY}</t:Exists>{says('IsLessThan', START, '2026-11-23T10:00:00Z')}</t:And>", "A"),
        (f"<t:Or>{says('IsEqualTo', KEY, 'two')}{says('IsEqualTo', SUBJECT, 'C')}</t:Or>", "BC"),
        (says("IsEqualTo", '<t:FieldURI FieldURI="calendar:IsAllDayEvent"/>', "false"), "ABC"),
    ],
)
def test_a_restriction_tells_which_items_are_meant(three, restriction, expected):
    answer = three.find(restriction, base="Default")
    assert answer.codes == ["NoError"]
    assert "".join(sorted(answer.all("//t:Subject"))) == expected
    assert answer.one("//m:RootFolder/@TotalItemsInView") == str(len(expected))


def test_two_properties_can_be_compared(three):
    end = '<t:FieldURIOrConstant><t:FieldURI FieldURI="calendar:End"/></t:FieldURIOrConstant>'
    assert len(three.find(f"<t:IsLessThan>{START}{end}</t:IsLessThan>").ids) == 3
    assert three.find(f"<t:IsEqualTo>{START}{end}</t:IsEqualTo>").ids == []


def test_a_search_that_fits_no_type_is_refused(three):
    assert three.find(contains("Substring", "1", START)).codes == ["ErrorContainsFilterWrongType"]
    assert three.find(says("IsEqualTo", START, "soon")).codes == ["ErrorInvalidValueForProperty"]


@pytest.mark.parametrize(("order", "expected"), [("Ascending", "CAB"), ("Descending", "BAC")])
def test_an_order_is_kept_and_what_lacks_the_property_is_least(three, order, expected):
    answer = three.find(order=f'<t:FieldOrder Order="{order}">{KEY}</t:FieldOrder>', base="Default")
    assert "".join(answer.all("//t:Subject")) == expected


def test_pages_hold_a_thousand_at_most_and_add_up(client, exchange):
    calendar = exchange.calendar("alice@example.org")
    client.make(appointment())
    (item,) = calendar.items()
    for number in range(1004):
        calendar.insert({"start": item.start, "end": item.end, "subject": str(number)})
    page = '<m:IndexedPageItemView MaxEntriesReturned="{}" Offset="{}" BasePoint="Beginning"/>'.format
    unlimited, first, rest = client.find(), client.find(view=page(2000, 0)), client.find(view=page(2000, 1000))
    for answer, length, last, offset in ((unlimited, 1000, "false", "1000"), (rest, 5, "true", "1005")):
        assert len(answer.ids) == length
        assert answer.one("//m:RootFolder/@IncludesLastItemInRange") == last
        assert answer.one("//m:RootFolder/@IndexedPagingOffset") == offset
        assert answer.one("//m:RootFolder/@TotalItemsInView") == "1005"
    assert len({*first.ids, *rest.ids}) == 1005
    assert client.find(view=page(0, 0)).codes == ["ErrorInvalidPagingMaxRows"]


def test_a_calendar_view_holds_what_touches_the_span(three):
    view = '<m:CalendarView StartDate="{}" EndDate="{}"/>'.format
    seen = three.find(view=view("2026-11-23T10:30:00Z", "2026-11-23T11:00:00Z"), base="Default")
    assert seen.all("//t:Subject") == ["B"]
    limit = view("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z").replace("<m:CalendarView", '{} MaxEntriesReturned="1"')
    limited = three.find(view=limit.format("<m:CalendarView"))
    assert len(limited.ids) == 1
    assert limited.one("//m:RootFolder/@IncludesLastItemInRange") == "false"
    turned = three.find(view=view("2026-11-24T00:00:00Z", "2026-11-23T00:00:00Z"))
    assert turned.codes == ["ErrorCalendarEndDateIsEarlierThanStartDate"]
    assert three.find(view=view("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z")).codes == [
        "ErrorCalendarViewRangeTooBig"
    ]
    both = three.find(f"<t:Exists>{KEY}</t:Exists>", view=view("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"))
    assert both.codes == ["ErrorUnsupportedPathForQuery"]


def test_a_listing_cuts_long_strings_and_knows_no_bodies(client):
    body = '<t:Subject>A</t:Subject><t:Body BodyType="Text">x</t:Body>'
    long = appointment(key="k" * 300).replace("<t:Subject>A</t:Subject>", body)
    ((item, _),) = client.make(long)
    found = client.find(base="AllProperties", more=KEY)
    assert len(found.one("//t:ExtendedProperty/t:Value")) == 255
    assert found.all("//t:Body") == []
    assert len(client.get(item, more=KEY).one("//t:ExtendedProperty/t:Value")) == 300


def test_each_folder_has_an_answer_of_its_own(three):
    answer = three.find(where=f'<t:DistinguishedFolderId Id="root"/>{CALENDAR}<t:FolderId Id="?"/>')
    assert answer.codes == ["NoError", "NoError", "ErrorInvalidIdMalformed"]
    assert [len(each.xpath(".//*[local-name()='ItemId']")) for each in answer.root.iterfind(".//{*}RootFolder")] == [
        0,
        3,
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"view": '<m:FractionalPageItemView Numerator="0" Denominator="1"/>'},
        {"view": '<m:IndexedPageItemView Offset="0" BasePoint="End"/>'},
        {"more": '<t:FieldURI FieldURI="item:Preview"/>'},
        {"more": '<t:ExtendedFieldURI PropertyTag="0x1000" PropertyType="String"/>'},
        {"restriction": says("IsEqualTo", '<t:FieldURI FieldURI="item:Size"/>', "1")},
        {"restriction": f'<t:Excludes>{KEY}<t:Bitmask Value="1"/></t:Excludes>'},
    ],
)
def test_what_is_not_played_is_said_aloud(client, violations, asked):
    client.make(appointment())
    assert client.find(**asked).fault == "ErrorInvalidRequest"
    assert "the sandbox does not play" in violations()[0]


def sync(client, state="", most=512, shape="<t:BaseShape>IdOnly</t:BaseShape>"):
    state = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    where = f"<m:ItemShape>{shape}</m:ItemShape><m:SyncFolderId>{CALENDAR}</m:SyncFolderId>"
    limit = f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned>"
    return client(f"<m:SyncFolderItems>{where}{state}{limit}</m:SyncFolderItems>")


def kinds(answer):
    return [each.tag.rpartition("}")[2] for each in answer.root.iterfind(".//{*}Changes/*")]


def test_a_synchronization_tells_what_changed_since(client):
    kept, gone = client.make(appointment("A"), appointment("B"))
    first = sync(client)
    assert kinds(first) == ["Create", "Create"]
    state = first.one("//m:SyncState")
    assert kinds(sync(client, state)) == []
    client.update((version(kept), set_subject("C")))
    client.delete(version(gone))
    client.make(appointment("D"))
    later = sync(client, state)
    assert kinds(later) == ["Update", "Delete", "Create"]
    assert later.ids[:2] == [kept[0], gone[0]]
    assert kinds(sync(client, later.one("//m:SyncState"))) == []


def test_a_synchronization_comes_in_parts(client):
    client.make(*[appointment(str(number)) for number in range(5)])
    told, state, last = [], "", "false"
    while last == "false":
        answer = sync(client, state, most=2)
        told += answer.ids
        state, last = answer.one("//m:SyncState"), answer.one("//m:IncludesLastItemInRange")
    assert len(set(told)) == len(told) == 5


def test_a_state_of_nowhere_is_refused(client):
    assert sync(client, "bm93aGVyZQ==").codes == ["ErrorInvalidSyncStateData"]
    assert sync(client, "?").codes == ["ErrorInvalidSyncStateData"]
