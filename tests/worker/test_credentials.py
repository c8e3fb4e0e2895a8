"""Every credential that the settings and the ledger hold is known, by an id that stays, with the end that it has."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import ews, o365
from sandbox.certificates import application_certificate
from worker import credentials, modules
from worker.credentials import ADVICE, Credential, Kind, State
from worker.settings import SettingsError, load

NOW = datetime(2026, 10, 14, 8, tzinfo=UTC)
TENANT = """
[tenants.uni]
name = "University"
time_zone = "Europe/Amsterdam"
instance = "{instance}"

[tenants.uni.timetable]
source = "mytimetable"
urls = ["https://timetable.example.org/api/v0/"]
token = "secret"
{token_expires}

[tenants.uni.providers.caldav]
url = "https://dav.example.org/{{mailbox}}/timetable/"
password = "{password}"
{password_expires}
"""


@pytest.fixture
def configured(tmp_path):
    """What a tenant with these words in its settings holds."""

    def of(**words):
        file = tmp_path / "carillon.toml"
        empty = {"token_expires": "", "password_expires": "", "password": "secret", "instance": "uni"}
        file.write_text(TENANT.format(**empty | words))
        return list(credentials.configured(load(file).tenants["uni"]))

    return of


def test_what_the_settings_hold_is_named_after_its_place(configured):
    assert [(each.kind, each.name, each.expires) for each in configured()] == [
        (Kind.TIMETABLE_TOKEN, "timetable.token", None),
        (Kind.PASSWORD, "providers.caldav.password", None),
    ]


def test_an_id_is_opaque_and_stays_when_the_credential_is_renewed(configured):
    before, after = configured(), configured(password="another", password_expires="password_expires = 2027-05-01")
    assert [each.id for each in before] == [each.id for each in after]
    assert all(len(each.id) == 43 and each.id.replace("-", "").replace("_", "").isalnum() for each in before)
    assert len({each.id for each in before + configured(instance="other")}) == 4


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2027-05-01", datetime(2027, 5, 1, tzinfo=UTC)),
        ('"2027-05-01"', datetime(2027, 5, 1, tzinfo=UTC)),
        ("2027-05-01T12:00:00", datetime(2027, 5, 1, 12, tzinfo=UTC)),
        ("2027-05-01T12:00:00+02:00", datetime(2027, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_an_end_that_cannot_be_read_can_be_configured(configured, written, meant):
    token, password = configured(token_expires=f"token_expires = {written}", password_expires="")
    assert (token.expires, password.expires) == (meant, None)
    _, password = configured(token_expires="", password_expires=f"password_expires = {written}")
    assert password.expires == meant


@pytest.mark.parametrize("written", ['"next year"', "20270501", "true", "12:00:00"])
def test_an_end_that_is_no_day_is_told_with_its_setting(configured, written):
    with pytest.raises(SettingsError) as caught:
        configured(token_expires=f"token_expires = {written}", password_expires=f"password_expires = {written}")
    places = [problem.partition(": ")[0] for problem in caught.value.problems]
    assert places == ["tenants.uni.timetable.token_expires", "tenants.uni.providers.caldav.password_expires"]


def test_a_certificate_tells_its_begin_and_its_end_itself():
    made = application_certificate(days=12)
    pem = made.private_key + made.certificate
    settings = o365.Settings(directory="example.org", client_id="1", certificate=pem)
    (held,) = settings.credentials
    # To read a private key takes as long as a run: it is done once.
    assert settings.credentials[0] is held
    assert (held.kind, held.name) == ("CERTIFICATE", "certificate")
    assert held.expires - datetime.now(UTC) < timedelta(days=12)
    assert held.begins < datetime.now(UTC)


def test_the_credential_that_is_used_is_the_one_that_is_held():
    secret = o365.Settings(directory="example.org", client_id="1", client_secret="x", client_secret_expires=NOW)
    assert [(each.kind, each.expires) for each in secret.credentials] == [("CLIENT_SECRET", NOW)]
    url = "https://mail.example.org/EWS/Exchange.asmx"
    account = ews.Settings(url=url, username="svc", password="x", password_expires=NOW)
    assert [(each.kind, each.expires) for each in account.credentials] == [("PASSWORD", NOW)]
    application = {"auth": "oauth2", "directory": "d", "client_id": "c", "client_secret": "x"}
    (held,) = ews.Settings(url=url, **application, client_secret_expires=NOW).credentials
    assert (held.kind, held.expires) == ("CLIENT_SECRET", NOW)


def test_an_end_without_its_credential_is_refused():
    made = application_certificate()
    pem = made.private_key + made.certificate
    with pytest.raises(ValueError, match="goes with client_secret"):
        o365.Settings(directory="example.org", client_id="1", certificate=pem, client_secret_expires=NOW)
    with pytest.raises(ValueError, match="no use for client_secret_expires"):
        ews.Settings(url="https://x.org/a.asmx", username="svc", password="x", client_secret_expires=NOW)


@pytest.mark.parametrize("name", modules.provider_names())
def test_an_end_makes_no_calendar_be_read_anew(name):
    """What is written down of a provider's settings says where a mailbox is."""
    ends = [field for key, field in modules.provider(name).Settings.model_fields.items() if key.endswith("_expires")]
    assert all(field.exclude for field in ends)
    assert bool(ends) == (name != "memory")


@pytest.mark.parametrize(
    ("kind", "expires", "refused", "state", "days"),
    [
        (Kind.PASSWORD, None, "", State.UNKNOWN, None),
        (Kind.API_TOKEN, None, "", State.OK, None),
        (Kind.CERTIFICATE, NOW + timedelta(days=30), "", State.OK, 30),
        (Kind.CERTIFICATE, NOW + timedelta(days=29, hours=23), "", State.EXPIRING, 29),
        (Kind.CERTIFICATE, NOW, "", State.EXPIRED, 0),
        (Kind.CERTIFICATE, NOW - timedelta(hours=1), "", State.EXPIRED, -1),
        (Kind.CERTIFICATE, NOW + timedelta(days=99), "It is not known.", State.REFUSED, 99),
        (Kind.CERTIFICATE, NOW - timedelta(days=1), "It is expired.", State.REFUSED, -1),
    ],
)
def test_how_a_credential_is(kind, expires, refused, state, days):
    credential = Credential("id", kind, "name", expires=expires, refused=refused)
    assert (credential.state(NOW), credential.days_left(NOW)) == (state, days)


def test_there_is_advice_for_every_kind():
    assert ADVICE.keys() == set(Kind)
