import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from timetables import ics
from timetables.base import ContractBroken, Person, PersonUnknown, Unauthorized, Unavailable

EVENT = ("UID:1", "SUMMARY:Algebra", "DTSTART:20261020T090000", "DTEND:20261020T100000")


def source(**settings):
    return ics.connect(ics.Settings(**settings), "Europe/Amsterdam")


# Files


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


def test_a_persons_file_is_read_and_read_anew_when_it_is_another(exports, alice, span, written):
    (exports / "alice@x.nl.ics").write_bytes(written(EVENT))
    files = source(file=exports / "{username}.ics", username_postfix="@x.nl")
    reading = files.fetch(alice, *span)
    assert [each.description for each in reading.events] == ["Algebra"]
    assert files.fetch(alice, *span, reading.validator) is None
    (exports / "alice@x.nl.ics").write_bytes(written())
    assert files.fetch(alice, *span, reading.validator).events == []
    assert files.check() == f"iCalendar files are read from {exports}."
    assert files.check(alice).endswith("That of alice holds 0 events.")


@pytest.mark.parametrize(
    "username", ["../secret", "a/../../secret", "/secret", "..", ".", ".hidden", "a\x00b", "", "x" * 300, "bob"]
)
def test_no_username_leads_out_of_the_folder(exports, tmp_path, span, written, username):
    for place in (tmp_path / "secret.ics", exports / ".hidden.ics", exports / "..ics"):
        place.write_bytes(written(EVENT))
    with pytest.raises((PersonUnknown, Unavailable)) as raised:
        source(file=exports / "{username}.ics").fetch(Person(username), *span)
    assert "secret" not in str(raised.value)


def test_a_folder_that_is_away_is_nobodys_fault(exports, alice, span):
    exports.rmdir()
    files = source(file=exports / "{username}.ics")
    for ask in (lambda: files.fetch(alice, *span), files.check):
        with pytest.raises(Unavailable, match="is not there: make it, or mount it"):
            ask()


def test_a_pipe_or_a_folder_of_that_name_is_no_file(exports, alice, span):
    os.mkfifo(exports / "alice.ics")
    (exports / "bob.ics").mkdir()
    files = source(file=exports / "{username}.ics")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for each in (alice, Person("bob")):
        with pytest.raises(ContractBroken, match="but something else: look there"):
            files.fetch(each, *span)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_is_too_long_or_half_written_is_refused(exports, alice, span, written):
    files = source(file=exports / "{username}.ics", max_megabytes=1)
    (exports / "alice.ics").write_bytes(written(EVENT)[:-16])
    with pytest.raises(ContractBroken, match="breaks off"):
        files.fetch(alice, *span)
    (exports / "alice.ics").write_bytes(written((*EVENT, "X-LONG:" + "x" * 1_000_000)))
    with pytest.raises(ContractBroken, match="longer than 1 megabytes"):
        files.fetch(alice, *span)


# Feeds that a site tells of


@pytest.fixture
def site(answering, written):
    """A MyTimetable site that tells of a feed, with `{address}` for its own; the source, and the requests it had."""

    def start(told, feed=None, **settings):
        def answer(request):
            if request.url.path != "/api/v0/user":
                return feed or Response(written(EVENT))
            if isinstance(told, Response):
                return told
            return JSONResponse({"username": "x", "feedUrl": told and told.replace("{address}", address)})

        address, had = answering(answer)
        known = {"feed_of": {"url": f"{address}/api/v0", "token": " s3cret\n"}, "allow_private": True, **settings}
        return source(**known), had

    return start


def test_the_feed_is_read_where_the_site_says(site, alice, span):
    feeds, had = site("{address}/ical?eu=1&t=2")
    reading = feeds.fetch(alice, *span)
    assert [each.id for each in reading.events] == ["1"]
    assert feeds.fetch(alice, *span, reading.validator) is None
    assert [each.path for each in had.seen()] == ["/api/v0/user", "/ical"] * 2


@pytest.mark.parametrize(
    "told", ["ftp://x.nl/a", "//x.nl/a", "x", "https:///a", "https://me:s3cret@x.nl/", "http://[x"]
)
def test_a_feed_that_is_no_address_is_refused(site, alice, span, told):
    feeds, _ = site(told)
    with pytest.raises(ContractBroken, match="told of a feed that is no address") as raised:
        feeds.fetch(alice, *span)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("told", ["", None])
def test_a_person_without_a_feed_is_unknown(site, alice, span, told):
    feeds, _ = site(told)
    with pytest.raises(PersonUnknown, match="told of no feed"):
        feeds.fetch(alice, *span)


@pytest.mark.parametrize("told", ["http://8.8.8.8.invalid/ical", "webcal://8.8.8.8.invalid/ical"])
def test_a_feed_is_read_over_tls_whatever_the_site_says(site, alice, span, told):
    feeds, _ = site(told)
    with pytest.raises(Unavailable, match=r"GET https://8\.8\.8\.8\.invalid/… failed"):
        feeds.fetch(alice, *span)


def test_a_feed_that_the_site_says_is_on_a_private_network_is_refused(site, alice, span):
    feeds, had = site("{address}/ical", allow_private=False)
    with pytest.raises(ContractBroken, match="allow_private"):
        feeds.fetch(alice, *span)
    assert [each.path for each in had.seen()] == ["/api/v0/user"]


def test_a_site_that_refuses_or_does_not_know_somebody_says_so(site, alice, span):
    feeds, _ = site(Response(status_code=401))
    with pytest.raises(Unauthorized):
        feeds.fetch(alice, *span)
    feeds, _ = site(JSONResponse({"errorType": "NotFound", "errorMessage": "x"}, 404))
    with pytest.raises(PersonUnknown):
        feeds.fetch(alice, *span)


def test_a_check_asks_the_site_and_shows_it_the_token(site):
    feeds, had = site("{address}/ical")
    assert feeds.check().startswith("iCalendar feeds are those that http://127.0.0.1:")
    assert [each.path for each in had.seen()] == ["/api/v0/databasedetails"]
    feeds, _ = site("", Response(status_code=401))
    with pytest.raises(Unauthorized, match="check token"):
        feeds.check()


# Settings


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/{username}.ics",
        "ftp://example.org/{username}.ics",
        "https://example.org/feed.ics",
        "https://{username}.example.org/feed.ics",
        "https://me:s3cret@example.org/{username}.ics",
        "https://example.org/feed.ics#{username}",
        "https:///{username}.ics",
        "https://[s3cret/{username}",
    ],
)
def test_an_address_that_is_no_persons_is_refused_with_an_example_and_without_secrets(url):
    with pytest.raises(ValidationError, match=r"like https://example\.org/ical/\{username\}\.ics") as raised:
        ics.Settings(url=url)
    assert "s3cret" not in str(raised.value)


def test_an_address_without_tls_is_refused_but_on_this_machine():
    with pytest.raises(ValidationError, match="must begin with https://"):
        ics.Settings(url="http://example.org/{username}.ics")
    assert ics.Settings(url="http://127.0.0.1/{username}.ics").url


def test_webcal_is_read_over_tls_and_no_secret_is_printed():
    settings = ics.Settings(url="webcal://example.org/s3cret/{username}.ics", username="u", password="hush")
    assert settings.url.get_secret_value() == "https://example.org/s3cret/{username}.ics"
    assert "s3cret" not in repr(settings)
    assert "hush" not in repr(settings)
    assert all(field.description for field in ics.Settings.model_fields.values())


URL = "https://example.org/{username}.ics"
SITE = {"url": "https://example.org/api/v0/", "token": "t"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "one of url, file and feed_of"),
        ({"url": URL, "file": "/exports/{username}.ics"}, "one of url, file and feed_of"),
        ({"url": URL, "username": "u"}, "username and password together"),
        ({"url": URL, "password": "p"}, "username and password together"),
        ({"feed_of": SITE, "username": "u", "password": "p"}, "and beside url"),
        ({"feed_of": {**SITE, "url": "http://example.org/api/v0/"}}, "must begin with https://"),
        ({"feed_of": {**SITE, "url": "https://example.org/"}}, "expected the address of the API"),
        ({"feed_of": {**SITE, "token": "tö"}}, "one line of ASCII"),
        ({"file": "exports/{username}.ics"}, "an absolute path"),
        ({"file": "/exports/all.ics"}, "an absolute path"),
        ({"file": "/{username}/{username}.ics"}, "an absolute path"),
        ({"url": URL, "patterns": {"SUMMARY": "("}}, "SUMMARY is no regular expression"),
        ({"url": URL, "patterns": {"SUMMARY": ".*"}}, "needs groups like"),
        ({"url": URL, "patterns": {"SUMMARY": "(?P<title>.*)"}}, "needs groups like"),
        ({"url": URL, "patterns": {"ATTENDEE": "(?P<staff>.*)"}}, "ATTENDEE is no property that is read"),
        ({"url": URL, "max_megabytes": 0}, "max_megabytes"),
        ({"url": URL, "timeout": 0}, "timeout"),
        ({"url": URL, "source": "x"}, "source"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(settings, words):
    with pytest.raises(ValidationError, match=words):
        ics.Settings(**settings)


def test_the_credentials_are_known():
    (password,) = ics.Settings(url=URL, username="u", password="p", password_expires="2027-05-01").credentials
    assert (password.kind, password.name, password.expires.year) == ("PASSWORD", "password", 2027)
    (token,) = ics.Settings(feed_of={**SITE, "token_expires": "2028-01-01"}).credentials
    assert (token.kind, token.name, token.expires.year) == ("TIMETABLE_TOKEN", "feed_of.token", 2028)
    assert ics.Settings(url=URL).credentials == ()


def test_connecting_makes_no_request():
    source(url="http://127.0.0.1:9/{username}.ics")
