"""`GET /metrics`, read by Prometheus' own parser."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError

from provisioning.app import application
from worker import counts
from worker.credential_tables import CredentialVerdict
from worker.credentials import of_tenant
from worker.database import transaction
from worker.dispatch import BEAT_KEY
from worker.settings import ApiSettings

TOKEN = "a token of twenty letters"


@pytest.fixture
def watched(api, listening):
    """The same installation where a token is configured; with that token."""
    settings = api.installation.settings
    opened = replace(settings, api=settings.api.model_copy(update={"metrics_token": SecretStr(TOKEN)}))
    installation = replace(api.installation, settings=opened)
    with listening(application(installation, api.clock)) as url:
        yield replace(api, url=url, installation=installation, headers={"Authorization": f"Bearer {TOKEN}"})


def measured(api, name):
    """The values of a metric, by its labels but for the id."""
    text = api.get("/metrics").text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples if each.name == name]
    return {
        tuple(value for label, value in sorted(each.labels.items()) if label != "id"): each.value for each in samples
    }


def test_without_a_configured_token_there_is_nothing(api, refused):
    refused(api.get("/metrics"), 404, "metrics_token")
    refused(api.get("/metrics", headers={"Authorization": "Bearer "}), 404, "metrics_token")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer ÿ"])
def test_it_is_told_to_nobody_else(watched, refused, header):
    watched.headers = {"Authorization": header.encode("latin-1")} if header else {"apiToken": watched.token()}
    answer = watched.get("/metrics")
    refused(answer, 401, "metrics_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_guesses_are_counted(watched, refused, listening):
    settings = watched.installation.settings
    few = replace(settings, api=settings.api.model_copy(update={"wrong_tokens_per_minute": 5}))
    with listening(application(replace(watched.installation, settings=few), watched.clock)) as url:
        guesser = replace(watched, url=url, headers={"Authorization": "Bearer guess"})
        for _ in range(5):
            assert guesser.get("/metrics").status_code == 401
        refused(guesser.get("/metrics"), 429, "Too many wrong tokens")


def test_who_guesses_beside_it_keeps_prometheus_not_out(watched, listening):
    settings = watched.installation.settings
    few = replace(settings, api=settings.api.model_copy(update={"wrong_tokens_per_minute": 5}))
    with listening(application(replace(watched.installation, settings=few), watched.clock)) as url:
        prometheus = replace(watched, url=url)
        assert prometheus.get("/metrics").status_code == 200
        guesser = replace(watched, url=url, headers={"Authorization": "Bearer guess"})
        assert [guesser.get("/metrics").status_code for _ in range(6)] == [401] * 5 + [429]
        assert prometheus.get("/metrics").status_code == 200


def test_a_token_may_hold_any_letters(api, listening):
    settings = api.installation.settings
    foreign = settings.api.model_copy(update={"metrics_token": SecretStr("ein Schlüssel für Prometheus")})
    installation = replace(api.installation, settings=replace(settings, api=foreign))
    with listening(application(installation, api.clock)) as url:
        header = {"Authorization": "Bearer ein Schlüssel für Prometheus".encode()}
        assert replace(api, url=url, headers=header).get("/metrics").status_code == 200


def test_a_token_that_could_be_guessed_is_no_setting():
    with pytest.raises(ValidationError):
        ApiSettings(metrics_token="short")
    assert TOKEN not in repr(ApiSettings(metrics_token=TOKEN))


def test_it_is_what_prometheus_reads(watched):
    answer = watched.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"


def test_each_credential_tells_its_end_and_whether_it_is_refused(watched):
    watched.token(expires_at=watched.clock.now + timedelta(days=2))
    with transaction(watched.installation.engine) as session:
        ident = of_tenant(session, watched.installation, watched.tenant())[1].id
        said = {"refused": "Wrong.", "refused_at": watched.clock.now}
        session.add(CredentialVerdict(tenant_id=watched.tenant(), credential=ident, **said))
    ends = measured(watched, "carillon_credential_expires_seconds")
    assert ends == {("API_TOKEN", "a test", "example"): 172_800}
    refused = measured(watched, "carillon_credential_refused")
    assert refused["PASSWORD", "providers.caldav.password", "example"] == 1
    assert refused["TIMETABLE_TOKEN", "timetable.token", "example"] == 0
    assert refused["TIMETABLE_TOKEN", "timetable.token", "other"] == 0


def test_two_tokens_of_one_name_are_two(watched):
    for days in (1, 2):
        watched.token(expires_at=watched.clock.now + timedelta(days=days))
    text = watched.get("/metrics").text
    assert text.count("\ncarillon_credential_expires_seconds{") == 2


def test_synchronizations_are_counted_by_status_with_those_due_and_late(watched, api):
    for name in ("alice", "bob", "carol", "dave"):
        api.synchronize(name)
    late = f"now() - interval '{counts.LATE_SECONDS + 5} seconds'"
    for number, values in enumerate(
        (
            "due_at = now() + interval '1 hour'",
            "due_at = now()",
            f"due_at = {late}",
            f"due_at = {late}, enabled = false",
        ),
        start=1,
    ):
        api.sql(f"UPDATE synchronizations SET {values}, status = 'OK' WHERE id = {number}")
    api.sql("UPDATE synchronizations SET status = 'DISABLED' WHERE id = 4")
    assert measured(watched, "carillon_synchronizations") == {
        ("OK", "example", "memory"): 3,
        ("DISABLED", "example", "memory"): 1,
    }
    assert measured(watched, "carillon_synchronizations_due")["OK", "example", "memory"] == 2
    assert measured(watched, "carillon_synchronizations_late")["OK", "example", "memory"] == 1
    assert measured(watched, "carillon_synchronizations_late")["DISABLED", "example", "memory"] == 0


def test_unlinks_that_are_not_done_are_counted(watched, api):
    for name, mode in (("alice", "CLEANUP"), ("bob", "DELETE_ALL_EVENTS"), ("carol", "UNLINK_ONLY")):
        api.delete(f"/synchronizations/{api.synchronize(name)['id']}?unlinkMode={mode}")
    assert measured(watched, "carillon_unlinks_open") == {("example", "memory"): 2}


def test_the_beats_age_is_told_and_without_a_beat_nothing(watched):
    assert measured(watched, "carillon_beat_age_seconds") == {}
    watched.installation.redis.set(BEAT_KEY, str(watched.clock.now.timestamp() - 7))
    assert measured(watched, "carillon_beat_age_seconds") == {(): 7}


def test_nobody_is_named(watched, api):
    api.synchronize("alice@example.org")
    api.delete(f"/synchronizations/{api.synchronize('bob')['id']}?unlinkMode=CLEANUP")
    said = watched.get("/metrics").text
    assert "alice" not in said
    assert "bob" not in said
