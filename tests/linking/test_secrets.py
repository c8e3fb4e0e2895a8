"""The keys of what is kept encrypted: made, changed over to, missing; and what the settings ask for."""

import json
import logging

import pytest
from click.testing import CliRunner

from carillon.cli import main
from worker.link_tables import LinkedAccount
from worker.secret_keys import VARIABLE, Keyring, LostKeyError, SecretKeyError, keyring, new_key
from worker.settings import SettingsError, load


def carillon(house, *arguments, **environment):
    given = {"CARILLON_CONFIG": str(house.config), "CARILLON_DATABASE_URL": house.database}
    given |= {"CARILLON_REDIS_URL": house.redis_url, **environment}
    level = logging.getLogger("carillon").level
    result = CliRunner(env=given).invoke(main, arguments)
    logging.getLogger("carillon").setLevel(level)
    return result


def stored(house, way):
    return bytes(house.one(LinkedAccount, LinkedAccount.account == way.account).refresh_token)


def test_a_key_is_made_for_the_environment(house):
    said = json.loads(carillon(house, "secrets", "key", "--json").stdout)["key"]
    assert keyring({VARIABLE: said}).open(keyring({VARIABLE: said}).seal("x")) == "x"
    assert said != carillon(house, "secrets", "key").stdout.strip()


def test_everything_is_encrypted_anew_under_the_newest_key(house, way):
    way.link()
    token, before = way.refresh_token(), stored(house, way)
    newer = new_key()
    result = carillon(house, "secrets", "rotate", "--json", **{VARIABLE: f"{newer},{house.key}"})
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"rotated": 1})
    assert stored(house, way) != before
    assert Keyring([newer]).open(stored(house, way)) == token
    with pytest.raises(LostKeyError):
        Keyring([house.key]).open(stored(house, way))
    # And back, so that the installation of these tests can go on.
    assert carillon(house, "secrets", "rotate", **{VARIABLE: f"{house.key},{newer}"}).exit_code == 0
    assert way.run().outcome == "OK"


def test_what_cannot_be_read_is_told_and_left_as_it_is(house, way):
    way.link()
    before = stored(house, way)
    result = carillon(house, "secrets", "rotate", **{VARIABLE: new_key()})
    assert result.exit_code == 1
    assert "1 of 1 refresh tokens are encrypted with a key that CARILLON_SECRET_KEY does not hold" in result.stderr
    assert stored(house, way) == before


def test_an_address_stays_good_while_keys_change(house, way):
    address = way.address()
    installation = house.installation
    newer = Keyring([new_key(), house.key])
    before = installation.keys
    object.__setattr__(installation, "keys", newer)
    try:
        assert way.browser.get(address).status_code == 302
    finally:
        object.__setattr__(installation, "keys", before)


@pytest.mark.parametrize("text", ["x", ",", "file:/nowhere/at/all", "A" * 40])
def test_what_is_no_key_is_refused_and_not_repeated(text):
    with pytest.raises(SecretKeyError) as caught:
        keyring({VARIABLE: text})
    assert str(caught.value).startswith(VARIABLE)
    assert "`carillon secrets key` makes one" in str(caught.value)
    assert len(text) < 2 or text not in str(caught.value)


def test_keys_may_stand_in_a_file(tmp_path):
    first, second = new_key(), new_key()
    (tmp_path / "keys").write_text(f"{first}\n{second}\n")
    found = keyring({VARIABLE: f"file:{tmp_path / 'keys'}"})
    assert found.open(Keyring([second]).seal("x")) == "x"
    assert Keyring([first]).open(found.seal("x")) == "x"
    assert keyring({}) is None


def problems(house, monkeypatch, key, change=lambda text: text):
    config = house.config.with_name("changed.toml")
    config.write_text(change(house.config.read_text()))
    if key is None:
        monkeypatch.delenv(VARIABLE)
    else:
        monkeypatch.setenv(VARIABLE, key)
    with pytest.raises(SettingsError) as caught:
        load(config)
    return caught.value.problems


def test_people_cannot_consent_without_a_key_and_an_address_of_ours(house, monkeypatch):
    def without_address(text):
        return "\n".join(line for line in text.splitlines() if not line.startswith("public_url"))

    place = "tenants.uni.providers.googlecalendar.access"
    assert problems(house, monkeypatch, None, without_address) == [
        f"api.public_url: missing; people come back to it from where they consent, as {place} says",
        f"{VARIABLE} is not set, and {place} needs it; `carillon secrets key` makes one",
    ]


def test_a_key_that_is_none_is_a_problem_of_the_settings(house, monkeypatch):
    (problem,) = problems(house, monkeypatch, "nonsense")
    assert problem.startswith(f"{VARIABLE} holds no key")
    assert "nonsense" not in problem


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('client_secret = "GOCSPX', 'other = "GOCSPX', "googlecalendar.other: unknown key"),
        (
            'sign_in_url = "http',
            'service_account = "{}"\nsign_in_url = "http',
            "service_account: must be the JSON text",
        ),
        ('access = "delegated"\nclient_id', "client_id", 'access = "application" needs service_account'),
        ('access = "delegated"\ndirectory', 'access = "nobody"\ndirectory', "o365.access: Input should be"),
        ('["https://portal', '["http://portal', "link_return_urls.0: must begin with https://"),
        ("tab=links", "tab=links#top", "link_return_urls.0: must hold no fragment"),
    ],
)
def test_what_does_not_go_together_is_told(house, monkeypatch, before, after, said):
    found = problems(house, monkeypatch, house.key, lambda text: text.replace(before, after, 1))
    assert said in "\n".join(found)


def test_a_delegated_section_needs_its_client(house, monkeypatch):
    def without_client(text):
        begin, end = text.index("client_id"), text.index("sign_in_url")
        return text[:begin] + text[end:]

    (problem,) = problems(house, monkeypatch, house.key, without_client)
    assert problem.endswith('access = "delegated" needs client_id and client_secret')


def test_what_is_renewed_while_keys_change_is_stored(house, way, monkeypatch):
    way.link()
    before = stored(house, way)
    consent = house.installation.tenants[1].providers[way.kind].consent
    renew = consent.renew

    def meanwhile(refresh_token):
        assert carillon(house, "secrets", "rotate").exit_code == 0
        assert stored(house, way) != before
        return renew(refresh_token)

    monkeypatch.setattr(consent, "renew", meanwhile)
    assert way.run().outcome == "OK"
    way.forget_access_tokens()
    assert way.resync().outcome == "OK"
