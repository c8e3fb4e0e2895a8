"""A credential that runs out is told of while there is time, and one that is refused until it is accepted again."""

from datetime import UTC, datetime, timedelta

import pytest
import redis

from provisioning import tokens
from sandbox.certificates import application_certificate
from worker import database as databases
from worker.credential_tables import CredentialVerdict
from worker.dispatch import BEAT_KEY
from worker.installation import install
from worker.ledger import Synchronization, User
from worker.settings import load
from worker.synchronize import synchronize

CERTIFICATE = "sandbox: providers.o365.certificate"
REFUSED = "The certificate is refused since "


@pytest.fixture
def with_certificate(grounds, tmp_path):
    """Settings with a new certificate for Microsoft 365, good for so many days, which nobody knows there."""

    def write(days):
        made = application_certificate(days=days)
        (tmp_path / "graph.pem").write_text(made.private_key + made.certificate)
        config = tmp_path / "carillon.toml"
        config.write_text(
            grounds.config.read_text().replace(f"{grounds.config.parent.resolve()}/graph.pem", "graph.pem")
        )
        return config

    return write


@pytest.fixture
def installed(grounds, database, redis_url):
    """The installation that the commands open, with a person's calendar at Microsoft 365; and that one's number."""
    made = install(load(grounds.config), database, redis_url)
    username = next(each.username for each in grounds.institution.people if "@" in each.username)
    with databases.transaction(made.engine) as session:
        user = User(tenant_id=next(iter(made.tenants)), username=username)
        session.add(user)
        session.flush()
        row = Synchronization(tenant_id=user.tenant_id, user_id=user.id, type="o365", mailbox=username, fields={})
        session.add(row)
        session.flush()
    yield made, row.id
    made.close()


@pytest.fixture
def said_of(carillon):
    """What `carillon doctor` says of one thing: a level, whether it is well, and a sentence each."""

    def said(what, *options):
        findings = carillon("doctor", *options, as_json=True, status=1)["findings"]
        return [(each["level"], each["well"], each["sentence"]) for each in findings if each["what"] == what]

    return said


@pytest.mark.case("peers", 20)
def test_doctor_warns_of_a_certificate_that_runs_out_in_less_than_thirty_days(said_of, with_certificate):
    [(level, well, sentence)] = said_of(CERTIFICATE, "--config", str(with_certificate(12)))
    day = datetime.now(UTC) + timedelta(days=12)
    assert (level, well) == ("warn", True)
    assert sentence.startswith(f"The certificate runs out on {day:%Y-%m-%d}, in 11 day(s)")
    assert "make a new certificate" in sentence
    assert said_of(CERTIFICATE, "--config", str(with_certificate(40))) == []


def test_a_warning_is_no_failure(carillon, with_certificate, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set(BEAT_KEY, str(datetime.now(UTC).timestamp()))
    said = carillon("doctor", "--config", str(with_certificate(12))).output
    assert f"warn {CERTIFICATE} The certificate runs out on" in said
    assert "FAIL" not in said


def test_doctor_tells_of_a_token_that_has_run_out_until_it_is_revoked(carillon, said_of, installed):
    installation, _ = installed
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with databases.transaction(installation.engine) as session:
        tokens.create(session, next(iter(installation.tenants)), "portal", expires_at=yesterday)
    [(level, well, sentence)] = said_of("sandbox: portal")
    assert (level, well) == ("fail", False)
    assert sentence.startswith(f"The api token ran out on {yesterday:%Y-%m-%d}: make a new token with")
    carillon("token", "revoke", "1")
    assert said_of("sandbox: portal") == []


def test_a_refused_certificate_is_told_with_its_reason_until_it_is_accepted_again(
    said_of, installed, with_certificate, database, redis_url
):
    _, ident = installed
    unknown = install(load(with_certificate(400)), database, redis_url)
    report = synchronize(unknown, ident, lambda: datetime.now(UTC))
    unknown.close()
    assert report.outcome == "UNAUTHORIZED"
    [(level, well, sentence)] = said_of(CERTIFICATE, "--config", str(with_certificate(400)))
    assert (level, well) == ("fail", False)
    assert sentence.startswith(REFUSED)
    assert sentence.endswith(report.detail)
    # With the right one doctor's own look at a calendar is the next success.
    assert said_of(CERTIFICATE) == []


@pytest.mark.usefixtures("installed")
def test_doctor_itself_notes_what_it_meets(said_of, grounds, tmp_path):
    config = tmp_path / "carillon.toml"
    config.write_text(grounds.config.read_text().replace("sandbox-elevated", "wrong"))
    [(level, _, sentence)] = said_of("sandbox: timetable.token", "--config", str(config))
    assert level == "fail"
    assert sentence.startswith("The timetable token is refused since ")
    assert "check token" in sentence
    assert said_of("sandbox: timetable.token") == []


def test_a_look_that_showed_no_password_is_no_word_on_it(said_of, grounds, tmp_path, database, redis_url):
    """Nobody is provisioned, so that nobody's feed is asked for."""
    before, _, rest = grounds.config.read_text().partition("[tenants.sandbox.timetable]")
    feeds = (
        f'[tenants.sandbox.timetable]\nsource = "ics"\nurl = "{grounds.url}/ical/{{username}}.ics"\n'
        'username = "carillon"\npassword = "secret"\nallow_private = true\n'
    )
    config = tmp_path / "carillon.toml"
    config.write_text(before + feeds + rest[rest.index("\n[") :])
    [(level, _, _)] = said_of("sandbox: timetable", "--config", str(config))
    assert level == "ok"
    made = install(load(config), database, redis_url)
    with databases.transaction(made.engine) as session:
        assert session.query(CredentialVerdict).count() == 0
    made.close()
