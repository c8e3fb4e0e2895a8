"""`carillon.toml`: what is right is read, and everything that is wrong is told at once."""

import re
from datetime import timedelta

import pytest

from worker.settings import SettingsError, load

GOOD = """
[tenants.example]
name = "Example University"
time_zone = "Europe/Amsterdam"
instance = "carillon-example"

[tenants.example.timetable]
source = "mytimetable"
urls = ["https://timetable.example.org/api/v0/"]
token = "env:TIMETABLE_TOKEN"

[tenants.example.providers.caldav]
url = "https://dav.example.org/{mailbox}/timetable/"
password = "file:dav.txt"
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a carillon.toml, with the secrets that GOOD names in their places."""
    monkeypatch.setenv("TIMETABLE_TOKEN", "t0ken")
    (tmp_path / "dav.txt").write_text("pass word\n")

    def write(text):
        file = tmp_path / "carillon.toml"
        file.write_text(text)
        return file

    return write


def problems(file):
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert all(str(file) in line for line in str(caught.value).splitlines())
    return caught.value.problems


def test_defaults_are_those_of_the_design(written):
    tenant = load(written(GOOD)).tenants["example"]
    assert tenant.settings.policy == "restore"
    assert tenant.settings.interval == timedelta(minutes=15)
    assert tenant.settings.resync_interval == timedelta(days=7)
    assert tenant.settings.window.past == timedelta(days=14)
    assert tenant.settings.window.future == timedelta(days=180)
    assert tenant.settings.guard.limits().floor == 10


def test_a_secret_stands_in_the_environment_or_in_a_file_beside_the_settings(written):
    tenant = load(written(GOOD)).tenants["example"]
    assert tenant.source[1].token.get_secret_value() == "t0ken"
    assert tenant.providers["caldav"].password.get_secret_value() == "pass word"


def test_no_secret_is_shown_when_settings_are_printed(written):
    shown = repr(load(written(GOOD)))
    assert "t0ken" not in shown
    assert "pass word" not in shown


def test_the_first_tenant_of_the_file_stays_the_first(written):
    other = GOOD.replace("tenants.example", "tenants.another").replace("carillon-example", "carillon-another")
    assert list(load(written(GOOD + other)).tenants) == ["example", "another"]


def test_every_problem_is_told_at_once_with_its_key_and_what_was_expected(written, monkeypatch):
    monkeypatch.delenv("TIMETABLE_TOKEN")
    text = (
        GOOD.replace("Europe/Amsterdam", "Europe/Amsterdm")
        .replace('instance = "carillon-example"', 'instance = "Carillon"\ninterval = "15 minuts"\ncolour = "red"')
        .replace("file:dav.txt", "file:nowhere.txt")
        .replace("https://dav", "ftp://dav")
    )
    said = "\n".join(problems(written(text)))
    assert "tenants.example.time_zone: expected an IANA time zone" in said
    assert "tenants.example.instance: expected lower-case letters, digits, '.', '_' and '-', at most 63" in said
    assert 'tenants.example.interval: expected a number and s, min, h or d, like "15min"' in said
    assert "tenants.example.colour: unknown key; known here: name, time_zone" in said
    assert "tenants.example.timetable.token: the environment variable 'TIMETABLE_TOKEN' is not set" in said
    assert "tenants.example.providers.caldav.password: the file cannot be read" in said
    assert "tenants.example.providers.caldav.url: must begin with https://" in said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "Example University"\n', "", "tenants.example.name: missing"),
        ('source = "mytimetable"', 'source = "untis"', 'no source is called "untis"; there are ics, mytimetable'),
        ("providers.caldav", "providers.exchange", 'no provider is called "exchange"; there are caldav'),
        ('name = "Example University"', 'name = "Example University"\ninterval = "1s"', "tenants.example.interval: "),
        (
            "[tenants.example.providers.caldav]",
            "[tenants.example.provider.caldav]",
            "providers: missing; expected at least",
        ),
        ("[tenants.example.timetable]", "[tenants.example.timetabel]", "link_return_urls, timetable, providers"),
        ("[tenants.example]", "[tenant.example]", "tenant: unknown key; expected [tenants.NAME]"),
        ("[tenants.example]", "[tenants.example", "it cannot be read: "),
    ],
)
def test_each_mistake_has_its_sentence(written, before, after, said):
    assert any(said in problem for problem in problems(written(GOOD.replace(before, after))))


def test_the_public_address_is_one_of_tls_and_ends_without_a_slash(written):
    api = '[api]\npublic_url = "{}"\n'
    address = "https://carillon.example.org/in"
    assert load(written(api.format(f"{address}/") + GOOD)).api.public_url == address
    assert load(written(GOOD)).api.public_url is None
    [said] = problems(written(api.format("http://carillon.example.org") + GOOD))
    assert said.startswith("api.public_url: must begin with https://")


def test_a_group_has_a_rule_and_a_name_that_can_stand_in_a_path(written):
    group = "\n[tenants.example.groups.{}]\n{}\n"
    tenant = load(written(GOOD + group.format('"A/B"', 'attributes = { faculty = "Arts" }'))).tenants["example"]
    assert tenant.settings.groups["A/B"].attributes == {"faculty": ("Arts",)}
    for name, rule in (("empty", ""), ("empty", "attributes = { faculty = [] }"), ('".."', 'roles = ["x"]')):
        [said] = problems(written(GOOD + group.format(name, rule)))
        assert re.search(rf"tenants\.example\.groups\.{re.escape(name.strip(chr(34)))}.*: expected", said)


def test_a_template_that_cannot_be_rendered_is_a_start_up_error(written):
    text = GOOD + '\n[tenants.example.render]\nsubject = ["{{ module_cod }}"]\n'
    [problem] = problems(written(text))
    assert problem.startswith("tenants.example.render: ")
    assert "module_cod" in problem


def test_a_missing_file_says_how_to_name_another(tmp_path):
    [problem] = problems(tmp_path / "carillon.toml")
    assert "--config" in problem


def test_a_value_that_was_refused_is_not_quoted(written):
    text = GOOD.replace('password = "file:dav.txt"', "password = 12345678")
    assert "12345678" not in "\n".join(problems(written(text)))


def test_two_tenants_cannot_share_an_instance(written):
    twice = GOOD + GOOD.replace("tenants.example", "tenants.another")
    [problem] = problems(written(twice))
    assert problem.startswith("tenants.another.instance: tenants.example has the same")


def test_a_duration_beyond_all_time_is_told_as_one(written):
    text = GOOD.replace('instance = "', 'interval = "99999999999999d"\ninstance = "')
    assert any("tenants.example.interval: expected a number" in each for each in problems(written(text)))
