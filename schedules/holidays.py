"""The public holidays of a country in a year, as periods of whole days. They come from the package `holidays`."""

import datetime as dt
from collections.abc import Iterator

import holidays
from holidays import HolidayBase

from schedules.periods import DAY, LONGEST_NAME, Period, PeriodProblemError

COUNTRIES = frozenset(holidays.list_supported_countries(include_aliases=False))
"""ISO 3166-1 alpha-2 codes."""


def public_holidays(country: str, year: int) -> tuple[Period, ...]:
    """One period for each, by day, in the country's own words; of several languages, in the package's choice. Each
    bears its year, so that those of several years may stand in one schedule; one that lasts several days is one.

    The same call always gives the same names. Raises: PeriodProblemError.
    """
    if country not in COUNTRIES:
        raise PeriodProblemError("country", "unknown; expected two letters of ISO 3166-1, like BE")
    known = holidays.country_holidays(country)
    first, last = known.start_year, known.end_year
    if not first <= year <= last:
        raise PeriodProblemError("year", f"the holidays of {country} are known from {first} to {last}")
    # Without a language the package takes that of the process, and the names would differ from one worker to the next.
    found = tuple(
        _named(_merged(holidays.country_holidays(country, years=year, language=known.default_language)), year)
    )
    if not found:
        raise PeriodProblemError("year", f"no public holiday of {country} is known in it")
    return found


def _merged(known: HolidayBase) -> list[tuple[str, dt.date, dt.date]]:
    """Name, first and last day; days that follow one another under one name are one."""
    runs: list[tuple[str, dt.date, dt.date]] = []
    for name, day in sorted((name, each) for each in known for name in known.get_list(each)):
        if runs and runs[-1][0] == name and day - runs[-1][2] <= DAY:
            runs[-1] = (name, runs[-1][1], day)
        else:
            runs.append((name, day, day))
    return sorted(runs, key=lambda run: (run[1], run[0]))


def _named(runs: list[tuple[str, dt.date, dt.date]], year: int) -> Iterator[Period]:
    """The second of a name in a year, as where the moon counts the months, bears its day."""
    seen: set[str] = set()
    for holiday, first, last in runs:
        name = _titled(holiday, str(year))
        name = _titled(holiday, first.isoformat()) if name in seen else name
        seen.add(name)
        yield Period(name, first, last)


def _titled(holiday: str, when: str) -> str:
    return f"{holiday[: LONGEST_NAME - len(when) - 1]} {when}"
