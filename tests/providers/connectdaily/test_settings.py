"""Connect Daily: what is said beforehand."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from providers import connectdaily
from providers.base import Unauthorized

WORDS = {"url": "https://cal.example.org/cd", "user_id": "11", "token": "S3CRET", "calendar_id": 3}


def settings(**other):
    return connectdaily.Settings.model_validate({**WORDS, **other})


def test_an_address_ends_with_a_slash_however_it_is_written():
    assert settings().url == settings(url="https://cal.example.org/cd/").url == "https://cal.example.org/cd/"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("url", "http://cal.example.org/cd/", "must begin with https://"),
        ("user_id", "11&x=1", "user_id"),
        ("token", "S3CRET&x", "one word of ASCII"),
        ("token", "S3CRET x", "one word of ASCII"),
        ("calendar_id", 0, "calendar_id"),
        ("time_zone", "Mars/Olympus", "IANA time zone"),
        ("title_length", 9, "title_length"),
        ("item_types", {"Exam": 0}, "item_types"),
        ("item_types", {"Exam": 9}, "item_type_id"),
        ("fields", {"titel": "x"}, "titel"),
        ("fields", {"title": ""}, "title must name a field"),
        ("fields", {"title": "cal_item_id"}, "must be the name of a field"),
        ("fields", {"title": "a b"}, "must be the name of a field"),
        ("fields", {"location": "description"}, "one field twice"),
        ("colour", "red", "colour"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(name, value, said):
    with pytest.raises(ValidationError, match=said) as raised:
        settings(**{name: value})
    assert "S3CRET" not in str(raised.value)


def test_the_token_is_a_credential_whose_end_may_be_said():
    (held,) = settings(token_expires="2027-05-01").credentials
    assert (held.name, held.expires) == ("token", datetime(2027, 5, 1, tzinfo=UTC))
    assert "S3CRET" not in repr(settings())


def test_a_calendar_that_is_named_is_a_mailbox_and_that_of_the_settings_is_one():
    target = connectdaily.Target.model_validate
    assert target({"username": "alice", "calendarId": "7"}).mailbox == "no. 7"
    assert target({"username": "alice"}).mailbox == target({"username": "bob"}).mailbox == "everybody"
    with pytest.raises(ValidationError, match="calendarId"):
        target({"username": "alice", "calendarId": "x"})


def test_the_calendar_of_the_settings_has_no_second_name():
    target = connectdaily.Target.model_validate({"username": "alice", "calendarId": 3})
    with pytest.raises(Unauthorized, match="leave it out"):
        connectdaily.connect(settings(), target)
