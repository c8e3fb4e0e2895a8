"""What is secret stands in no error about settings, and not in the traceback of a defect."""

import logging

import pytest

from providers import caldav
from providers.base import Marks
from sandbox.certificates import application_certificate
from worker import database, queue
from worker.settings import SettingsError, load

SECRET = "S3CRET"
TENANT = """
[tenants.example]
name = "Example University"
time_zone = "Europe/Amsterdam"
instance = "carillon-example"
"""
TIMETABLE = """
[tenants.example.timetable]
source = "mytimetable"
urls = ["https://timetable.example.org/api/v0/"]
token = "good"
"""
SECTIONS = {
    "caldav": ['url = "https://dav.example.org/{mailbox}/"', 'password = "good"'],
    "connectdaily": ['url = "https://cal.example.org/cd/"', 'user_id = "11"', 'token = "good"', "calendar_id = 3"],
    "ews": ['url = "https://mail.example.org/EWS/Exchange.asmx"', 'username = "svc"', 'password = "good"'],
    "googlecalendar": ["service_account = 'good'"],
    "o365": ['directory = "d"', 'client_id = "c"', 'client_secret = "good"'],
}
VALUES = [
    f'["{SECRET}"]',
    f'{{ value = "{SECRET}" }}',
    f'"{SECRET}\\nsecond line"',
    f'"{SECRET} é \\u0000"',
    f'"{SECRET}',
    f'"""{{"type": "service_account", "private_key": "{SECRET}", "token_uri": "https://x/"}}"""',
    f'"""-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"""',
    f'"https://user:{SECRET}@example.org/{{mailbox}}/"',
    f'"https://example.org/?token={SECRET}"',
    f'"https://:{SECRET}@example.org/{{mailbox}}/"',
    f'"https://user:{SECRET}/x@example.org/{{mailbox}}/api/v0/"',
    f'"https://user:x[{SECRET}]@example.org/{{mailbox}}/"',
    f'"https://user:{SECRET}℀@example.org/{{mailbox}}/"',
]
NAMES = {
    "caldav": ["password", "passwrod", "url", "timeout"],
    "connectdaily": ["token", "url", "user_id", "fields", "tokn"],
    "ews": ["password", "client_secret", "url", "authority", "version"],
    "googlecalendar": ["service_account", "root_url", "password"],
    "o365": ["client_secret", "certificate", "root_url", "authority"],
    "timetable": ["token", "urls", "tokn", "pool"],
}


def told(tmp_path, text):
    """Everything that is said of such settings; nothing if they are right after all."""
    file = tmp_path / "carillon.toml"
    file.write_text(text)
    try:
        return repr(load(file))
    except SettingsError as error:
        return f"{error} {error!r} {error.__cause__}"


def changed(lines, name, value):
    """The lines of a section with another value of this name."""
    return "\n".join([*(each for each in lines if not each.startswith(f"{name} ")), f"{name} = {value}"])


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("section", "name"), [(section, name) for section, names in NAMES.items() for name in names])
def test_a_secret_that_is_refused_is_not_repeated(tmp_path, section, name, value):
    if section == "timetable":
        lines = TIMETABLE.strip().splitlines()
        text = f"{TENANT}\n{changed(lines, name, value)}\n[tenants.example.providers.memory]\n"
    else:
        head = f"[tenants.example.providers.{section}]"
        text = f"{TENANT}{TIMETABLE}\n{head}\n{changed(SECTIONS[section], name, value)}\n"
    assert SECRET not in told(tmp_path, text)


@pytest.mark.parametrize("key", ["api.calls_per_minute", "api.token", "token", "tenants.example.token"])
def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path, key):
    text = f'{key} = "{SECRET}"\n{TENANT}{TIMETABLE}\n[tenants.example.providers.memory]\n'
    assert SECRET not in told(tmp_path, text)


def test_a_private_key_without_its_certificate_is_not_repeated(tmp_path):
    key = application_certificate().private_key
    lines = changed(SECTIONS["o365"][:2], "certificate", f'"""{key}"""')
    said = told(tmp_path, f"{TENANT}{TIMETABLE}\n[tenants.example.providers.o365]\n{lines}\n")
    assert "tenants.example.providers.o365" in said
    assert key.splitlines()[3] not in said


@pytest.mark.parametrize(
    "address",
    [
        f"redis://:{SECRET}@127.0.0.1:port/0",
        f"http://:{SECRET}@127.0.0.1/0",
        f"rediss://:{SECRET}/x@127.0.0.1/0",
        f"rediss://:x[{SECRET}]@127.0.0.1/0",
        f"rediss://:{SECRET}℀@127.0.0.1/0",
    ],
)
def test_what_is_no_address_of_a_redis_is_not_repeated(address):
    with pytest.raises(queue.QueueAddressError, match="CARILLON_REDIS_URL") as refused:
        queue.connection(address)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("address", [f"postgresql://u:{SECRET}@127.0.0.1:port/x", f"mysql://u:{SECRET}@127.0.0.1/x"])
def test_what_is_no_address_of_a_database_is_not_repeated(address):
    with pytest.raises(database.DatabaseUnreachableError, match="CARILLON_DATABASE_URL") as refused:
        database.engine(address)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("address", [f"u:{SECRET}@127.0.0.1:1/x", f"u@127.0.0.1:1/x?password={SECRET}"])
def test_the_password_of_a_database_that_is_away_is_not_repeated(address):
    engine = database.engine(f"postgresql://{address}")
    with pytest.raises(database.DatabaseUnreachableError, match=r"127\.0\.0\.1:1/x") as away:
        database.migrate(engine)
    assert SECRET not in str(away.value)


def test_the_traceback_of_a_defect_holds_no_secret_and_nobody(world, caplog, monkeypatch):
    """It shows lines of code, and no values."""
    ident = world.link(world.people[0])
    settings = caldav.Settings(url="http://127.0.0.1:9/{mailbox}/", password=SECRET)

    class Broken:
        def __init__(self, _settings, target):
            self.calendar = caldav.connect(settings, caldav.Target(username=target.mailbox))
            self.capabilities = self.calendar.capabilities
            self.close = self.calendar.close

        def find(self, _marks, _window=None):
            monkeypatch.setattr("requests.Session.request", lambda *_, **__: 1 / 0)
            return self.calendar.find(Marks("x"))

    monkeypatch.setattr("providers.memory.connect", Broken)
    world.set(ident, resync_asked_at=world.now)
    with caplog.at_level(logging.INFO):
        report = world.run(ident)
    said = caplog.text + report.detail + world.row(ident).status_detail
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in said
    assert world.people[0] not in said
