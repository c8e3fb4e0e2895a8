"""Exchange: what is said beforehand."""

import pytest
from pydantic import ValidationError

from providers import ews

URL = "https://mail.example.org/EWS/Exchange.asmx"
ACCOUNT = {"url": URL, "username": "service", "password": "secret-1"}
APPLICATION = {"url": URL, "auth": "oauth2", "directory": "d", "client_id": "c", "client_secret": "secret-2"}


def test_an_address_and_an_account_are_enough():
    known = ews.Settings.model_validate(ACCOUNT)
    assert (known.access, known.auth, known.connections, known.reminder) == ("impersonation", "ntlm", 10, None)
    assert known.wire is known.wire
    assert known.wire.service_endpoint == URL


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": URL}, 'auth = "ntlm" needs username and password'),
        ({"url": URL, "username": "service"}, 'auth = "ntlm" needs password'),
        ({"url": URL, "auth": "basic", "password": "secret-1"}, 'auth = "basic" needs username'),
        ({"url": URL, "auth": "oauth2"}, 'auth = "oauth2" needs directory and client_id and client_secret'),
        ({**APPLICATION, "username": "service"}, 'auth = "oauth2" has no use for username'),
        ({**ACCOUNT, "client_id": "c"}, 'auth = "ntlm" has no use for client_id'),
        ({**APPLICATION, "access": "delegate"}, 'needs access = "impersonation"'),
        ({**ACCOUNT, "auth": "kerberos"}, "'ntlm', 'basic' or 'oauth2'"),
        ({**ACCOUNT, "access": "owner"}, "'impersonation' or 'delegate'"),
        ({**ACCOUNT, "version": "2010"}, "'2013', '2016' or '2019'"),
        ({**ACCOUNT, "urls": URL}, "urls"),
        ({**ACCOUNT, "connections": 0}, "connections"),
        ({**ACCOUNT, "timeout": 0}, "timeout"),
        ({**ACCOUNT, "reminder": -1}, "reminder"),
    ],
)
def test_what_does_not_fit_together_is_told_and_no_secret_is(fields, said):
    with pytest.raises(ValidationError) as raised:
        ews.Settings.model_validate(fields)
    assert said in str(raised.value)
    assert "secret-" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mail.example.org", "must begin with https://"),
        ("http://mail.example.org/EWS/Exchange.asmx", "must begin with https://"),
        ("https://service:word@mail.example.org/EWS/Exchange.asmx", "no user name"),
        ("https://mail.example.org/", "ends in /EWS/Exchange.asmx"),
        ("https://mail.example.org/EWS/Exchange.asmx?wsdl", "no user name, query"),
    ],
)
def test_the_address_must_be_that_of_the_service(url, said):
    with pytest.raises(ValidationError, match=said):
        ews.Settings.model_validate({**ACCOUNT, "url": url})


def test_the_authority_is_microsofts_unless_another_is_named():
    assert ews.Settings.model_validate(APPLICATION).authority == "https://login.microsoftonline.com/"
    other = ews.Settings.model_validate({**APPLICATION, "authority": "https://login.example.org/adfs"})
    assert other.authority == "https://login.example.org/adfs/"


@pytest.mark.parametrize(
    ("version", "words"), [("2013", "Exchange2013_SP1"), ("2016", "Exchange2016"), ("2019", "Exchange2016")]
)
def test_the_version_is_what_requests_say(version, words):
    assert ews.Settings.model_validate({**ACCOUNT, "version": version}).wire.version.api_version == words


def test_a_target_is_the_address_given_or_a_username_that_is_one():
    target = ews.Target.model_validate
    assert target({"username": "Alice@Example.org"}).mailbox == "alice@example.org"
    assert target({"username": "alice", "smtpAddress": "Alice@example.org"}).mailbox == "alice@example.org"
    for address in ("alice", "a b@c.d", "a@b@c.d", "a\x00@c.d", "жанна@example.org"):
        fields = {"username": "alice@example.org", "smtpAddress": address}
        with pytest.raises(ValidationError, match="must be the account's e-mail address"):
            target(fields)
    with pytest.raises(ValidationError, match="must be the account's e-mail address"):
        target({"username": "alice"})
    with pytest.raises(ValidationError, match="smtpAdress"):
        target({"username": "alice@example.org", "smtpAdress": "alice@example.org"})
