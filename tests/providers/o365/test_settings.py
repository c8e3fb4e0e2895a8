"""Microsoft 365: what is said beforehand."""

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from providers import o365
from providers._o365_certificate import read
from providers._o365_colours import COLOURS
from sandbox.certificates import application_certificate

SAID = {"directory": "example.onmicrosoft.com", "client_id": "carillon"}


@pytest.fixture(scope="module")
def certificate():
    return application_certificate()


def _refusal(**other):
    with pytest.raises(ValidationError) as raised:
        o365.Settings.model_validate({**SAID, **other})
    return str(raised.value)


def test_a_certificate_and_its_key_may_stand_in_any_order_and_beside_others(certificate):
    other = application_certificate()
    for parts in (
        [certificate.private_key, certificate.certificate],
        [certificate.certificate, certificate.private_key],
        ["# a note\n", other.certificate, certificate.certificate, "more\n", certificate.private_key],
    ):
        found = read("".join(parts))
        assert found.public_certificate.strip() == certificate.certificate.strip()
        assert found.private_key.strip() == certificate.private_key.strip()
        assert certificate.private_key.strip() not in repr(found)


def _encrypted(certificate):
    key = load_pem_private_key(certificate.private_key.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


def _half(pem):
    lines = pem.splitlines()
    return "\n".join([*lines[: len(lines) // 2], lines[-1], ""])


def _other_kind():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda _: "file:away.pem", "must be PEM text"),
        (lambda _: "", "must be PEM text"),
        (lambda it: it.certificate, "must hold one private key"),
        (lambda it: it.private_key * 2 + it.certificate, "must hold one private key"),
        (lambda it: it.private_key, "holds a private key and no certificate"),
        (lambda it: it.private_key + application_certificate().certificate, "do not belong together"),
        (lambda it: _encrypted(it) + it.certificate, "must be whole and not encrypted"),
        (lambda it: _half(it.private_key) + it.certificate, "must be whole and not encrypted"),
        (lambda it: it.private_key + _half(it.certificate), "a certificate that cannot be read"),
        (lambda it: _other_kind().decode() + it.certificate, "of another kind than RSA"),
    ],
)
def test_what_is_no_certificate_is_told_and_never_quoted(certificate, make, advice):
    pem = make(certificate)
    said = _refusal(certificate=pem)
    assert advice in said
    assert not any(line and line in said for line in pem.splitlines()[1:4])


def test_one_of_certificate_and_secret_is_needed(certificate):
    pem = certificate.certificate + certificate.private_key
    for given in ({}, {"certificate": pem, "client_secret": "secret"}):
        said = _refusal(**given)
        assert "give either certificate or client_secret" in said
        assert "secret'" not in said
    assert "must not be empty" in _refusal(client_secret=" ")


@pytest.mark.parametrize("directory", ["", "common", "Organizations", "a/b", "https://example.org", "a b"])
def test_a_directory_is_one_institutions(directory):
    assert "must be the id of a directory" in _refusal(client_secret="s", directory=directory)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("root_url", "localhost"),
        ("root_url", "ftp://example.org"),
        ("authority", "http://localhost"),
        ("scope", "https://graph.microsoft.com/Calendars.Read"),
        ("batch", 0),
        ("batch", 21),
        ("timeout", 0),
        ("reminder", -1),
        ("client_id", ""),
        ("categories", {"Lecture": "mauve"}),
        ("root_uri", "https://graph.microsoft.com"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(name, value):
    said = _refusal(client_secret="s3cr3t", **{name: value})
    assert name in said
    assert "s3cr3t" not in said


def test_an_unknown_colour_is_told_with_those_there_are():
    said = _refusal(client_secret="s", categories={"Lecture": "mauve"})
    assert '"mauve" is no colour of Outlook' in said
    assert "dark cranberry" in said


def test_the_page_names_every_colour():
    page = (Path(__file__).parents[3] / "docs/microsoft365.md").read_text()
    chapter = page.partition("## Colours")[2].partition("\n## ")[0].replace("\n", " ")
    assert re.findall(r"`([a-z ]+)`", chapter.partition("The colours are")[2]) == list(COLOURS)


def test_the_settings_name_microsoft_when_nothing_else_is_said():
    settings = o365.Settings.model_validate({**SAID, "client_secret": "s"})
    assert settings.root_url == "https://graph.microsoft.com/"
    assert settings.authority == "https://login.microsoftonline.com/"
    assert settings.scope == f"{settings.root_url}.default"
    assert settings.verify is True


def test_a_target_is_the_address_given_or_a_username_that_is_one():
    target = o365.Target.model_validate
    assert target({"username": "Alice@Example.org"}).mailbox == "alice@example.org"
    assert target({"username": "alice", "smtpAddress": "alice@example.org"}).mailbox == "alice@example.org"
    for fields in ({"username": "alice"}, {"username": "alice", "smtpAddress": "a b@c.d"}):
        with pytest.raises(ValidationError, match="must be the account"):
            target(fields)
    with pytest.raises(ValidationError, match="calendarId"):
        target({"username": "alice@example.org", "calendarId": "x"})
