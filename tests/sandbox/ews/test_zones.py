"""The sandbox's EWS: time zones and all-day items."""

from datetime import UTC, datetime

import pytest
from ews_soap import ALICE, appointment, set_field, version

AMSTERDAM, NEW_YORK = "W. Europe Standard Time", "Eastern Standard Time"
NINE, TEN = "2026-11-23T09:00:00", "2026-11-23T10:00:00"


def stored(exchange):
    (item,) = exchange.calendar(ALICE).items()
    return item


@pytest.mark.parametrize(
    ("zone", "times", "expected"),
    [
        (None, (NINE, ""), (9, "UTC")),
        (None, (NINE + "+01:00", ""), (8, "UTC")),
        (AMSTERDAM, (NINE, ""), (8, AMSTERDAM)),
        (AMSTERDAM, (NINE + "Z", ""), (9, AMSTERDAM)),
        (AMSTERDAM, (NINE, f'<t:StartTimeZone Id="{NEW_YORK}"/>'), (14, NEW_YORK)),
        (None, (NINE + "+01:00", f'<t:StartTimeZone Id="{NEW_YORK}"/>'), (8, NEW_YORK)),
    ],
)
def test_a_time_without_an_offset_is_read_in_the_nearest_zone(client, exchange, zone, times, expected):
    client.zone = zone
    start, more = times
    client.make(appointment(start=start, end="2026-11-23T23:00:00Z", more=more))
    assert (stored(exchange).start.hour, stored(exchange).start_zone) == expected


def test_an_end_ends_in_the_zone_of_the_start_or_its_own(client, exchange):
    start = f'<t:StartTimeZone Id="{AMSTERDAM}"/>'
    ((first, _),) = client.make(appointment(start=NINE, end=TEN + "Z", more=start))
    assert stored(exchange).end_zone == AMSTERDAM
    client.delete(f'Id="{first}"')
    client.make(appointment(start=NINE, end=TEN, more=f'{start}<t:EndTimeZone Id="{NEW_YORK}"/>'))
    assert stored(exchange).end == datetime(2026, 11, 23, 15, tzinfo=UTC)


def test_an_answer_tells_times_in_the_zone_of_the_request(client):
    ((item, _),) = client.make(appointment(start=NINE + "Z", more=f'<t:StartTimeZone Id="{NEW_YORK}"/>'))
    told = client.get(item)
    assert told.one("//t:Start") == NINE + "Z"
    assert told.one("//t:StartTimeZone/@Id") == NEW_YORK
    client.zone = AMSTERDAM
    assert client.get(item).one("//t:Start") == "2026-11-23T10:00:00+01:00"


@pytest.mark.parametrize("zone", ["Mars", "British Columbia Standard Time"])
def test_a_zone_that_the_server_does_not_know_is_refused(client, zone):
    assert client.create(appointment(more=f'<t:StartTimeZone Id="{zone}"/>')).codes == ["ErrorTimeZone"]
    client.zone = zone
    assert client.create(appointment()).fault == "ErrorTimeZone"


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00", (22, 23)),
        ("2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00", (22, 23)),
        ("2026-11-23T00:00:00+01:00", "2026-11-23T00:00:00+01:00", (22, 23)),
        ("2026-11-23T09:00:00+01:00", "2026-11-24T00:00:01+01:00", (22, 24)),
    ],
)
def test_an_all_day_item_runs_from_midnight_to_midnight_of_its_zone(client, exchange, start, end, days):
    client.zone = AMSTERDAM
    client.make(appointment(start=start, end=end, more="<t:IsAllDayEvent>true</t:IsAllDayEvent>"))
    item = stored(exchange)
    assert item.all_day
    assert tuple((each.day, each.hour) for each in (item.start, item.end)) == tuple((day, 23) for day in days)


def test_an_all_day_item_crosses_the_end_of_summer(client, exchange):
    client.zone = AMSTERDAM
    times = {"start": "2026-10-25T00:00:00", "end": "2026-10-26T00:00:00"}
    client.make(appointment(**times, more="<t:IsAllDayEvent>true</t:IsAllDayEvent>"))
    assert (stored(exchange).end - stored(exchange).start).total_seconds() == 25 * 3600


def test_a_new_zone_alone_moves_an_appointment_on_its_clock(client, exchange):
    client.zone = AMSTERDAM
    (made,) = client.make(appointment(start=NINE, end=TEN))
    zone = set_field("calendar:StartTimeZone", f'<t:StartTimeZone Id="{NEW_YORK}"/>')
    end = set_field("calendar:EndTimeZone", f'<t:EndTimeZone Id="{NEW_YORK}"/>')
    assert client.update((version(made), zone + end)).codes == ["NoError"]
    assert (stored(exchange).start.hour, stored(exchange).end.hour) == (14, 15)


def test_a_new_start_leaves_the_zone_and_the_end(client, exchange):
    client.zone = AMSTERDAM
    (made,) = client.make(appointment(start=NINE, end=TEN))
    start = set_field("calendar:Start", "<t:Start>2026-11-23T07:30:00Z</t:Start>")
    client.update((version(made), start))
    item = stored(exchange)
    assert (item.start, item.end.hour) == (datetime(2026, 11, 23, 7, 30, tzinfo=UTC), 9)
    assert item.start_zone == AMSTERDAM
