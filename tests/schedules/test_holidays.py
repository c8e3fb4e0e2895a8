"""The public holidays of every country that the package knows."""

from datetime import date

import pytest

from schedules.holidays import COUNTRIES, public_holidays
from schedules.periods import PeriodProblemError, checked

WITHOUT = {"BV", "HM", "IO", "UA"}
"""Three islands without inhabitants, and a country that has none in its years of war."""


@pytest.mark.parametrize("country", sorted(COUNTRIES - WITHOUT))
def test_every_country_has_holidays_with_names_of_their_own(country):
    found = public_holidays(country, 2026)
    assert found == tuple(map(checked, found))
    assert len({each.name for each in found}) == len(found) > 0
    assert all(each.all_day and each.start_day.year == each.stop_day.year == 2026 for each in found)
    assert found == public_holidays(country, 2026)
    assert not {each.name for each in found} & {each.name for each in public_holidays(country, 2025)}


@pytest.mark.parametrize("country", sorted(WITHOUT))
def test_a_year_without_any_is_told(country):
    with pytest.raises(PeriodProblemError, match=f"^year: no public holiday of {country} is known in it$"):
        public_holidays(country, 2026)


def test_two_hundred_and_fifty_countries_are_known():
    assert len(COUNTRIES) >= 250
    assert all(len(each) == 2 and each.isupper() for each in COUNTRIES)


def test_the_documented_call_for_belgium_in_2019():
    found = {each.start_day: each.name for each in public_holidays("BE", 2019)}
    days = [(1, 1), (4, 21), (4, 22), (5, 1), (5, 30), (6, 9), (6, 10), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25)]
    assert list(found) == [date(2019, *day) for day in days]
    assert found[date(2019, 12, 25)] == "Kerstmis 2019"


def test_the_days_of_one_feast_are_one_period():
    feast = next(each for each in public_holidays("TR", 2026) if "Ramazan" in each.name)
    assert (feast.stop_day - feast.start_day).days == 2


def test_a_feast_that_comes_twice_in_a_year_bears_its_day_the_second_time():
    feasts = [each.name for each in public_holidays("TR", 2033) if "Ramazan" in each.name]
    assert len(feasts) == 2
    assert feasts[0].endswith(" 2033")
    assert "2033-12-" in feasts[1]


@pytest.mark.parametrize("language", ["nl", "de_DE.UTF-8", "C"])
def test_names_are_those_of_the_country_and_not_of_the_process(monkeypatch, language):
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(variable, language)
    assert public_holidays("BE", 2019)[0].name == "Nieuwjaar 2019"
    assert public_holidays("FR", 2019)[0].name == "Jour de l'an 2019"


@pytest.mark.parametrize(
    ("country", "year", "field"),
    [("XX", 2026, "country"), ("be", 2026, "country"), ("BEL", 2026, "country"), ("", 2026, "country")]
    + [("BE", year, "year") for year in (0, -1, 1500, 9999, 10**9)],
)
def test_an_unknown_country_or_year_is_refused_by_its_field(country, year, field):
    with pytest.raises(PeriodProblemError) as caught:
        public_holidays(country, year)
    assert caught.value.field == field
