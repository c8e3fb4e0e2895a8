"""What Exchange's two protocols share."""

from zoneinfo import available_timezones

import pytest
from exchangelib.winzone import MS_TIMEZONE_TO_IANA_MAP

from providers._exchange import windows_zone


def test_every_zone_has_a_name_that_servers_have_known_for_long():
    assert {windows_zone(each) for each in available_timezones()} <= set(MS_TIMEZONE_TO_IANA_MAP)


@pytest.mark.parametrize(
    ("zone", "windows"),
    [
        ("Europe/Amsterdam", "W. Europe Standard Time"),
        ("America/Vancouver", "Pacific Standard Time"),
        ("Canada/Mountain", "Mountain Standard Time"),
        ("Europe/Zaporozhye", "FLE Standard Time"),
        ("EST5EDT", "Eastern Standard Time"),
        ("GMT", "UTC"),
        ("Antarctica/Troll", "UTC"),
        ("Nowhere/Land", "UTC"),
    ],
)
def test_a_zone_is_named_as_an_old_server_names_it(zone, windows):
    assert windows_zone(zone) == windows
