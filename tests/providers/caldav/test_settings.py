"""CalDAV: what is said beforehand."""

import base64

import pytest
from pydantic import ValidationError

from providers import caldav
from providers.base import (
    Marks,
    Unauthorized,
)

OURS = Marks("carillon-test")


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "http://dav.example.org/{mailbox}/",
            "ftp://dav.example.org/{mailbox}/",
            "https:///{mailbox}/",
            "https://{mailbox}.example.org/",
            "https://dav.example.org/everybody/",
            "https://me:secret@dav.example.org/{mailbox}/",
            "https://dav.example.org/{mailbox}/?x=1",
        ],
    )
    def test_an_address_that_cannot_be_meant_is_refused_without_telling_secrets(self, url):
        with pytest.raises(ValidationError) as caught:
            caldav.Settings(url=url, password="pass-word")
        assert "must" in str(caught.value)
        assert "pass-word" not in str(caught.value)

    def test_unknown_names_are_refused(self):
        with pytest.raises(ValidationError):
            caldav.Settings(url="https://dav.example.org/{mailbox}/", password="x", pasword="x")
        with pytest.raises(ValidationError):
            caldav.Target.model_validate({"username": "a", "calendarId": "x"})

    def test_the_mailbox_is_the_username_unless_another_account_or_a_calendar_is_named(self):
        def target(**fields):
            return caldav.Target.model_validate({"username": "alice", **fields})

        url = "https://dav.example.org/team/calendar/"
        assert target().mailbox == target().account == "alice"
        assert target(smtpAddress="a@example.org").mailbox == "a@example.org"
        assert target(calendarUrl=url).mailbox == url
        both = target(calendarUrl=url, smtpAddress="a@example.org")
        assert (both.mailbox, both.account) == (url, "a@example.org")

    @pytest.mark.parametrize(
        ("url", "one"),
        [
            ("https://DAV.Example.org:443/c", "https://dav.example.org/c/"),
            ("https://dav.example.org/c//", "https://dav.example.org/c/"),
            ("https://dav.example.org:8443/C/", "https://dav.example.org:8443/C/"),
            ("HTTP://[::1]:5232/c/", "http://[::1]:5232/c/"),
            ("http://[::1]/c/", "http://[::1]/c/"),
        ],
    )
    def test_one_calendar_is_one_mailbox_however_its_address_is_spelled(self, url, one):
        assert caldav.Target.model_validate({"username": "alice", "calendarUrl": url}).mailbox == one

    def test_a_named_calendar_is_still_reached_with_the_accounts_login(self, stage, listing):
        stage.asked, stage.answers = [], [listing()]
        settings = caldav.Settings(url=stage.url + "/{mailbox}/", password="x", username="{mailbox}!")
        target = caldav.Target.model_validate({"username": "a", "calendarUrl": stage.url + "/team/"})
        provider = caldav.connect(settings, target)
        assert provider.find(OURS) == []
        provider.close()
        (asked,) = stage.asked
        assert asked.headers["Authorization"] == f"Basic {base64.b64encode(b'a!:x').decode()}"

    @pytest.mark.parametrize("name", ["..", ".", "", "a\nb"])
    def test_a_name_that_would_lead_to_another_place_is_refused(self, name):
        with pytest.raises(ValidationError):
            caldav.Target(username=name)

    @pytest.mark.parametrize(
        ("name", "path"), [("a@b.nl", "/a@b.nl/"), ("DOM\\ü ser", "/DOM%5C%C3%BC%20ser/"), ("a/../b", "/a%2F..%2Fb/")]
    )
    def test_any_other_name_becomes_one_part_of_the_address(self, scripted, name, path, listing):
        settings = caldav.Settings(url=scripted.url + "/{mailbox}", password="x")
        scripted(listing())
        assert caldav.connect(settings, caldav.Target(username=name)).find(OURS) == []
        assert scripted.asked[-1].scope["raw_path"].decode() == path

    @pytest.mark.parametrize(
        "url", ["https://other.example.org/c/", "https://dav.example.org:444/c/", "https://dav.example.org.evil.org/c/"]
    )
    def test_our_password_goes_to_no_other_host(self, url):
        settings = caldav.Settings(url="https://dav.example.org/{mailbox}/", password="x")
        target = caldav.Target.model_validate({"username": "a", "calendarUrl": url})
        with pytest.raises(Unauthorized, match="provisioning_calendarUrl"):
            caldav.connect(settings, target)

    def test_a_calendar_of_ones_own_choice_is_used(self, scripted, listing):
        settings = caldav.Settings(url=scripted.url + "/{mailbox}/", password="x")
        target = caldav.Target.model_validate({"username": "a", "calendarUrl": scripted.url + "/my/own"})
        scripted(listing())
        assert caldav.connect(settings, target).find(OURS) == []
        assert scripted.asked[-1].url.path == "/my/own/"

    def test_nothing_of_the_surroundings_comes_between(self, scripted, monkeypatch, tmp_path, listing):
        (tmp_path / "netrc").write_text("default login eve password eves")
        for name, value in {"NETRC": str(tmp_path / "netrc"), "HTTP_PROXY": "http://127.0.0.1:9"}.items():
            monkeypatch.setenv(name, value)
        provider = scripted(listing(), username="{mailbox}@example.org")
        provider.find(OURS)
        (asked,) = scripted.asked
        login = base64.b64encode("a@example.org:sécret".encode()).decode()
        assert asked.headers["Authorization"] == f"Basic {login}"
