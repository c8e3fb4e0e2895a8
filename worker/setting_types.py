"""How lengths of time, zones, names and addresses are written in `carillon.toml`."""

import re
from datetime import timedelta
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from providers._address import safe
from schedules.periods import PeriodProblemError, check_name

_DURATION = re.compile(r"(\d+)\s*(s|min|h|d)")
_MARK = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> timedelta:
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else _no_duration()
    except OverflowError:
        return _no_duration()


def _no_duration() -> timedelta:
    raise ValueError('expected a number and s, min, h or d, like "15min"')


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError('expected an IANA time zone, like "Europe/Amsterdam"')
    return value


def _mark(value: str) -> str:
    if not _MARK.fullmatch(value):
        raise ValueError("expected lower-case letters, digits, '.', '_' and '-', at most 63, none of .-_ the first")
    return value


def _alternatives(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _group_name(value: str) -> str:
    try:
        check_name(value)
    except PeriodProblemError as error:
        raise ValueError(error.problem) from error
    return value


def _without_slash(url: str) -> str:
    return safe(url).rstrip("/")


def _exact(url: str) -> str:
    safe(url.partition("?")[0])
    if "#" in url:
        raise ValueError("must hold no fragment: we add our word to the query")
    return url


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Minutes = Annotated[Duration, Field(ge=timedelta(seconds=5), le=timedelta(days=7))]
Days = Annotated[Duration, Field(ge=timedelta(), le=timedelta(days=800))]
GroupName = Annotated[str, AfterValidator(_group_name)]
PublicUrl = Annotated[str, AfterValidator(_without_slash)]
ReturnUrl = Annotated[str, AfterValidator(_exact)]
Mark = Annotated[str, AfterValidator(_mark)]
Zone = Annotated[str, AfterValidator(_zone)]
Alternatives = Annotated[tuple[str, ...], BeforeValidator(_alternatives)]
