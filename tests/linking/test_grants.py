"""What a consent is used for: renewed when needed, stored before it is used, one renewal at a time, and its end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from providers.base import NotLinked, Unauthorized
from sandbox.faults import Fault
from worker import database as databases
from worker import grants, links
from worker.credentials import Kind, of_institution, of_tenant
from worker.installation import install
from worker.ledger import Synchronization, Tenant, Unlink, UnlinkMode, User
from worker.link_tables import LinkedAccount
from worker.mailbox import calendar
from worker.settings import load
from worker.unlinks import accept, carry_out

DAY = timedelta(days=1)


@pytest.fixture
def linked(way):
    """Consented, and written to once."""
    assert way.link().status_code == 200
    assert way.run().outcome == "OK"
    return way


def bought(way):
    return len(way.wire.faults.seen("*/token", "POST"))


def transaction(way):
    return databases.transaction(way.house.installation.engine)


def test_one_token_serves_all_runs_of_a_process(linked):
    before = bought(linked)
    assert [linked.resync().outcome for _ in range(3)] == ["OK"] * 3
    assert bought(linked) == before


def test_a_refresh_token_that_was_rotated_is_stored(way_of):
    way = way_of("o365")
    way.link()
    seen = [way.refresh_token()]
    for _ in range(3):
        way.forget_access_tokens()
        assert way.resync().outcome == "OK"
        seen.append(way.refresh_token())
    assert len(set(seen)) == 4
    assert way.linked().generation == 4
    assert way.consents.reused == 0


def test_one_that_is_not_rotated_stays(way_of):
    way = way_of("googlecalendar")
    way.link()
    first = way.refresh_token()
    way.resync()
    way.forget_access_tokens()
    assert way.resync().outcome == "OK"
    assert way.refresh_token() == first


def test_workers_that_renew_at_the_same_time_take_turns(way_of):
    """Each of the processes needs a token of its own, and each refresh token is good for one use."""
    way = way_of("o365")
    way.link()
    house, reused = way.house, way.consents.reused
    others = [install(load(house.config), house.database, house.redis_url) for _ in range(3)]
    row, barrier = way.row(), threading.Barrier(8)

    def look(number):
        tenant = [house.installation, *others][number % 4].tenants[1]
        with calendar(tenant, row.type, way.account, row.fields) as provider:
            barrier.wait(20)
            provider.check()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, range(8))) == [True] * 8
    for each in others:
        each.close()
    assert way.consents.reused == reused
    assert way.linked().generation == 1 + 4
    assert way.resync().outcome == "OK"


def test_who_waits_for_a_renewal_in_vain_leaves_no_impatience_behind(linked, monkeypatch):
    monkeypatch.setattr(grants, "PATIENCE_SECONDS", 1)
    linked.forget_access_tokens()
    engine = linked.house.installation.engine
    with engine.connect() as other:
        other.execute(select(func.pg_advisory_xact_lock(grants._RENEWING, linked.linked().id)))
        report = linked.resync()
    assert (report.outcome, "Another run asks for a token" in report.detail) == ("RETRYING", True)
    with engine.connect() as one, engine.connect() as another:
        assert {each.scalar(text("SHOW lock_timeout")) for each in (one, another)} == {"0"}
    assert linked.resync().outcome == "OK"


def test_an_older_refresh_token_never_takes_the_place_of_a_newer_one(way_of, monkeypatch):
    """The person links anew while a run renews what they consented to before."""
    way = way_of("o365")
    way.link()
    consent = way.house.installation.tenants[1].providers["o365"].consent
    renew = consent.renew

    def meanwhile(refresh_token):
        issued = renew(refresh_token)
        monkeypatch.setattr(consent, "renew", renew)
        way.link()
        return issued

    monkeypatch.setattr(consent, "renew", meanwhile)
    report = way.resync()
    assert report.outcome == "RETRYING"
    assert "linked their calendar anew meanwhile" in report.detail
    assert way.resync().outcome == "OK"


def test_who_links_anew_while_the_old_consent_is_refused_is_not_told_to_do_so(linked, monkeypatch):
    linked.withdraw()
    linked.forget_access_tokens()
    consent = linked.house.installation.tenants[1].providers[linked.kind].consent
    renew = consent.renew

    def meanwhile(refresh_token):
        monkeypatch.setattr(consent, "renew", renew)
        try:
            return renew(refresh_token)
        finally:
            linked.link()

    monkeypatch.setattr(consent, "renew", meanwhile)
    assert linked.resync().outcome == "RETRYING"
    assert linked.linked().refused == ""
    assert linked.resync().outcome == "OK"


def test_who_takes_back_their_consent_is_not_linked_until_they_consent_again(linked):
    linked.withdraw()
    linked.forget_access_tokens()
    report = linked.resync()
    assert report.outcome == "NOT_LINKED"
    assert "over or was taken back" in report.detail
    assert "link their calendar again" in report.detail
    row = linked.linked()
    assert row.refused == report.detail
    assert row.refused_at is not None
    assert linked.link().status_code == 200
    assert linked.resync().outcome == "OK"
    assert (linked.linked().refused, linked.linked().refused_at) == ("", None)


def test_an_access_token_that_is_refused_is_followed_by_another(linked):
    for coin in linked.house.purse._coins.values():
        object.__setattr__(coin, "bought_at", coin.bought_at - timedelta(minutes=2))
    before = bought(linked)
    if linked.kind == "o365":
        linked.tokens._tokens.clear()
    else:
        linked.tokens.revoke()
    assert linked.resync().outcome == "OK"
    assert bought(linked) == before + 1


def test_a_refresh_token_that_nobody_used_for_long_is_over(way):
    way.consents.refresh_lifetime = timedelta(seconds=-1)
    try:
        way.link()
    finally:
        way.consents.refresh_lifetime = timedelta(days=90)
    assert way.resync().outcome == "NOT_LINKED"


def test_a_token_endpoint_that_is_away_is_no_word_on_consent(linked):
    linked.forget_access_tokens()
    linked.wire.faults.add(Fault("*/token", "unavailable"))
    linked.wire.faults.add(Fault("*/openid-configuration", "unavailable"))
    assert linked.resync().outcome == "RETRYING"
    linked.wire.faults.clear()
    assert linked.linked().refused == ""
    assert linked.resync().outcome == "OK"


def test_an_application_that_is_refused_is_no_word_on_a_person(linked, monkeypatch):
    linked.forget_access_tokens()
    monkeypatch.setattr(linked.tokens, "client_secret", "another")
    report = linked.resync()
    assert report.outcome == "UNAUTHORIZED"
    assert "invalid_client" in report.detail
    assert linked.linked().refused == ""
    with transaction(linked) as session:
        known = of_institution(session, linked.house.installation, 1)
    (secret,) = (each for each in known if each.name == f"providers.{linked.kind}.client_secret")
    assert secret.refused == report.detail


def test_what_was_encrypted_with_a_key_that_is_gone_is_told(linked):
    with transaction(linked) as session:
        session.execute(update(LinkedAccount).values(refresh_token=b"gAAAA"))
    linked.forget_access_tokens()
    report = linked.resync()
    assert report.outcome == "UNAUTHORIZED"
    assert "CARILLON_SECRET_KEY no longer holds" in report.detail


def unlink(way, mode):
    with transaction(way) as session:
        return accept(session, session.get_one(Synchronization, way.ident), mode, datetime.now(UTC)).id


def test_an_unlink_is_carried_out_before_consent_is_given_back(linked):
    token = linked.refresh_token()
    ident = unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    assert linked.house.tidy() == {"given back": 0}
    assert carry_out(linked.house.installation, ident, lambda: datetime.now(UTC)).state == "DONE"
    assert linked.events() == 0
    assert linked.house.tidy() == {"given back": 1}
    assert linked.linked() is None
    if linked.kind == "googlecalendar":
        with pytest.raises(Exception, match="withdrawn"):
            linked.consents.renew(token)
    assert linked.house.tidy() == {"given back": 0}


def test_what_leaves_no_work_behind_is_given_back_too(linked):
    unlink(linked, UnlinkMode.UNLINK_ONLY)
    assert linked.house.tidy() == {"given back": 1}
    assert linked.linked() is None


def test_another_calendar_of_the_account_keeps_its_consent(way_of):
    way = way_of("googlecalendar")
    way.link()
    way.house.provision("googlecalendar", way.account, calendarId="second@group.calendar.google.com")
    unlink(way, UnlinkMode.UNLINK_ONLY)
    assert way.house.tidy() == {"given back": 0}
    assert way.linked() is not None


def test_an_identity_provider_that_is_away_is_asked_again_for_a_day(way_of):
    way = way_of("googlecalendar")
    way.link()
    unlink(way, UnlinkMode.UNLINK_ONLY)
    way.wire.faults.add(Fault("/revoke", "unavailable"))
    now = datetime.now(UTC)
    assert way.house.tidy(now) == {"given back": 0}
    with pytest.raises(NotLinked), calendar(way.house.installation.tenants[1], way.kind, way.account, {}):
        pass
    assert way.house.tidy(now + DAY) == {"given back": 1}
    assert way.linked() is None


def test_a_semester_of_consents_is_given_back_at_once(house, monkeypatch):
    sealed, now = house.installation.keys.seal("x"), datetime.now(UTC)
    given = {"tenant_id": 1, "username": "x", "refresh_token": sealed, "granted_at": now, "renewed_at": now}
    with databases.transaction(house.installation.engine) as session:
        session.add_all(LinkedAccount(type="o365", account=f"{number}@example.org", **given) for number in range(60))
    with monkeypatch.context() as patch:
        patch.setattr(links, "LONGEST_SECONDS", 0)
        assert house.tidy() == {"given back": 0}
    assert house.tidy() == {"given back": 60}


def test_an_identity_provider_that_is_away_keeps_nobody_else_waiting(way_of):
    ways = [way_of("googlecalendar"), way_of("googlecalendar"), way_of("o365")]
    for way in ways:
        way.link()
        unlink(way, UnlinkMode.UNLINK_ONLY)
    ways[0].wire.faults.add(Fault("/revoke", "unavailable"))
    now = datetime.now(UTC)
    assert ways[0].house.tidy(now) == {"given back": 1}
    assert len(ways[0].wire.faults.seen("/revoke", "POST")) == 1
    assert ways[0].house.tidy(now + DAY) == {"given back": 2}


def test_what_another_tenant_needs_is_not_given_back(way_of):
    """Google ends with one token all that its person consented to."""
    way = way_of("googlecalendar")
    way.link()
    row, token = way.linked(), way.refresh_token()
    with transaction(way) as session:
        other = session.scalar(select(Tenant).where(Tenant.key == "other")) or Tenant(key="other")
        session.add(other)
        session.flush()
        copied = ("type", "account", "username", "refresh_token", "granted_at", "renewed_at")
        session.add(LinkedAccount(tenant_id=other.id, **{name: getattr(row, name) for name in copied}))
        whose = {"tenant_id": other.id, "user": User(tenant_id=other.id, username=way.account)}
        session.add(Synchronization(**whose, type=way.kind, mailbox=way.account, fields={}))
    unlink(way, UnlinkMode.UNLINK_ONLY)
    assert way.house.tidy() == {"given back": 1}
    way.consents.renew(token)


def test_who_unlinked_with_no_consent_left_can_give_it_once_more(linked):
    linked.withdraw()
    linked.forget_access_tokens()
    ident = unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    assert carry_out(linked.house.installation, ident, lambda: datetime.now(UTC)).state == "RETRYING"
    waits = linked.house.one(Unlink, Unlink.id == ident).due_at
    linked.ident = linked.house.provision(linked.kind, linked.account)
    linked.link()
    assert linked.house.one(Unlink, Unlink.id == ident).due_at < waits
    assert carry_out(linked.house.installation, ident, lambda: datetime.now(UTC)).state == "DONE"
    assert linked.events() == 0


def test_addresses_that_ran_out_are_forgotten(way):
    way.address()
    way.house.tidy(datetime.now(UTC) + timedelta(hours=23))
    assert len(way.house.requests()) == 1
    way.house.tidy(datetime.now(UTC) + timedelta(hours=25))
    assert way.house.requests() == []


def test_a_persons_consent_is_among_the_credentials(linked):
    with transaction(linked) as session:
        known = of_tenant(session, linked.house.installation, 1)
    (credential,) = (each for each in known if each.kind is Kind.REFRESH_TOKEN)
    assert (credential.username, credential.name) == (linked.account, f"providers.{linked.kind}.consent")
    assert credential.begins == linked.linked().granted_at
    assert credential.last_accepted_at == linked.linked().renewed_at
    assert (credential.expires, credential.refused) == (None, "")
    linked.withdraw()
    linked.forget_access_tokens()
    linked.resync()
    with transaction(linked) as session:
        again = next(each for each in of_tenant(session, linked.house.installation, 1) if each.id == credential.id)
    assert "taken back" in again.refused
    assert again.refused_at is not None


def test_without_consent_no_provider_is_connected(way):
    with pytest.raises(Unauthorized), calendar(way.house.installation.tenants[1], way.kind, way.account, {}):
        pass
