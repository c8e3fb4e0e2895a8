"""Exchange: service accounts, how they sign in, and whose calendars they reach."""

import base64
import hashlib
import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from spnego.channel_bindings import GssChannelBindings
from starlette.responses import Response
from starlette.routing import Route, Router

from mailboxes.ews import SERVICE, settings
from providers import base, ews
from providers._ews_tokens import Tokens
from providers._ews_wire import Wire
from providers.base import Done, Marks
from sandbox.ews import ENDPOINT
from sandbox.exchange import Exchange
from sandbox.faults import Fault
from sandbox.serve import serve

ALICE = "alice@example.org"
OURS = Marks("carillon-test")


class TestSigningIn:
    @pytest.mark.parametrize("auth", ["ntlm", "basic"])
    def test_by_name_and_password(self, connected, office, term, auth):
        provider = connected(auth=auth)
        assert [type(each) for each in provider.push(term.creates(2))] == [Done] * 2
        assert len(office.there()) == 2

    @pytest.mark.parametrize("auth", ["ntlm", "basic"])
    def test_a_wrong_password_is_told(self, connected, term, auth):
        provider = connected(auth=auth, password="another")
        for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(term.creates(1))):
            with pytest.raises(base.Unauthorized, match="check username and password"):
                call()

    def test_a_handshake_serves_a_connection_for_good(self, connected, office):
        provider = connected(auth="ntlm", connections=1)
        provider.check()
        before = len(office.faults.seen(ENDPOINT))
        for _ in range(3):
            provider.check()
        assert len(office.faults.seen(ENDPOINT)) == before + 3

    @pytest.mark.parametrize(
        ("status", "meaning"), [(503, base.Unavailable), (429, base.Throttled), (302, base.ContractBroken)]
    )
    def test_a_handshake_that_is_cut_short_says_why(self, far_side, known, status, meaning):
        async def answer(request):
            refused = Response(status_code=401, headers={"WWW-Authenticate": "NTLM"})
            return Response("no", status, {"Retry-After": "7"}) if "authorization" in request.headers else refused

        provider = ews.connect(known(auth="ntlm", connections=1), ews.Target(username=ALICE))
        far_side.application = Router(routes=[Route(ENDPOINT, answer, methods=["POST"])])
        for _ in range(2):
            with pytest.raises(meaning, match=str(status)) as caught:
                provider.check()
        assert getattr(caught.value, "retry_after", timedelta(seconds=7)) == timedelta(seconds=7)

    def test_a_server_that_speaks_no_ntlm_is_told(self, far_side, known):
        async def answer(_request):
            return Response(status_code=401, headers={"WWW-Authenticate": "NTLM bm9uc2Vuc2U="})

        provider = ews.connect(known(auth="ntlm"), ews.Target(username=ALICE))
        far_side.application = Router(routes=[Route(ENDPOINT, answer, methods=["POST"])])
        with pytest.raises(base.Unauthorized, match="NTLM"):
            provider.check()


@pytest.fixture
def application_settings(far_side, office, tokens):  # noqa: ARG001  # its application answers there
    def make(**other):
        given = {"directory": tokens.directory, "client_id": tokens.client_id, "client_secret": tokens.client_secret}
        place = {"url": far_side.url + ENDPOINT, "authority": far_side.url, "auth": "oauth2", "timeout": 5}
        return ews.Settings.model_validate(place | given | other)

    return make


def _connect(known, mailbox=ALICE):
    return ews.connect(known, ews.Target(username=mailbox))


class TestTokens:
    def test_one_serves_all_mailboxes_of_a_process(self, application_settings, tokens, term):
        known = application_settings()
        assert [type(each) for each in _connect(known).push(term.creates(2))] == [Done] * 2
        _connect(known, "bob@example.org").check()
        assert tokens.granted == 1

    def test_one_that_was_revoked_is_bought_anew(self, application_settings, tokens, term, office):
        provider = _connect(application_settings())
        provider.check()
        tokens.revoke()
        assert [type(each) for each in provider.push(term.creates(1))] == [Done]
        assert tokens.granted == 2
        assert len(office.there()) == 1

    @pytest.mark.parametrize(("lifetime", "bought"), [(timedelta(hours=1), 6), (timedelta(minutes=4), 10)])
    def test_one_that_runs_out_is_bought_anew_in_time(self, application_settings, tokens, lifetime, bought):
        moment = datetime.now(UTC)
        known, tokens.lifetime = application_settings(), lifetime
        clock = [moment]
        kept = Tokens(
            f"{known.authority}{tokens.directory}/oauth2/v2.0/token",
            tokens.client_id,
            tokens.client_secret,
            known.scope,
            timeout=5,
            now=lambda: clock[0],
        )
        for _ in range(100):
            kept.get()
            clock[0] += lifetime / 20
        assert tokens.granted == bought

    @pytest.mark.parametrize(
        ("wrong", "word"),
        [
            ({"client_secret": "another"}, "invalid_client"),
            ({"client_id": "another"}, "unauthorized_client"),
            ({"directory": "another"}, "invalid_request"),
        ],
    )
    def test_an_application_that_is_refused_is_told_with_the_reason(self, application_settings, term, wrong, word):
        with pytest.raises(base.Unauthorized, match=word) as caught:
            _connect(application_settings(**wrong)).push(term.creates(1))
        assert "another" not in str(caught.value)

    @pytest.mark.parametrize(
        ("kind", "meaning"),
        [
            ("throttled", base.Throttled),
            ("error", base.Unavailable),
            ("lost", base.Unavailable),
            ("html", base.ContractBroken),
            ("empty", base.ContractBroken),
        ],
    )
    def test_without_one_nothing_was_done(self, application_settings, office, term, kind, meaning):
        office.faults.add(Fault("*/token", kind, seconds=9))
        with pytest.raises(meaning) as caught:
            _connect(application_settings()).push(term.creates(1))
        if meaning is base.Throttled:
            assert caught.value.retry_after == timedelta(seconds=9)
        assert len(office.faults.seen()) == 1

    def test_one_for_something_else_is_refused(self, application_settings, tokens):
        with pytest.raises(base.Unauthorized):
            _connect(application_settings(scope="https://graph.microsoft.com/.default")).check()
        assert tokens.granted == 2


class TestReach:
    def test_a_delegate_reaches_what_is_shared_with_it(self, connected, office, term):
        provider = connected(access="delegate", username="EXAMPLE\\helper", password="secret")
        provider.check()
        assert [type(each) for each in provider.push(term.creates(2))] == [Done] * 2
        assert len(provider.find(OURS)) == len(office.there()) == 2

    def test_what_is_not_shared_is_told(self, connected, office, term):
        (done,) = connected().push(term.creates(1))
        provider = connected(access="delegate", username="EXAMPLE\\nobody", password="secret")
        changes = [term.create(2), term.update(done.ref, title="New"), term.delete(done.ref)]
        calls = [provider.check, lambda: provider.find(OURS), *(lambda c=each: provider.push([c]) for each in changes)]
        for call in calls:
            with pytest.raises((base.CalendarGone, base.Unauthorized), match="share it"):
                call()
        assert [each.subject for each in office.there()] == ["Lecture 0"]

    def test_what_is_gone_from_a_shared_calendar_is_gone(self, connected, office, term):
        provider = connected(access="delegate", username="EXAMPLE\\helper", password="secret")
        first, second = (each.ref for each in provider.push(term.creates(2)))
        provider.push([term.delete(first), term.delete(second, 1)])
        office.faults.forget()
        outcomes = provider.push([term.update(first, title="New"), term.delete(second, 1)])
        assert [type(each) for each in outcomes] == [base.EventGone, Done]
        assert office.asked() == ["UpdateItem", "GetFolder"]

    def test_impersonation_that_is_refused_says_what_to_do(self, connected, term):
        provider = connected(username="EXAMPLE\\helper", password="secret")
        for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(term.creates(1))):
            with pytest.raises(base.Unauthorized, match="role ApplicationImpersonation"):
                call()

    def test_a_mailbox_that_does_not_exist_is_told(self, connected, term):
        provider = connected("never@example.org")
        for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(term.creates(1))):
            with pytest.raises(base.MailboxGone, match="provisioning_smtpAddress"):
                call()

    def test_an_address_beside_the_primary_one_is_told(self, connected, office):
        office.exchange.rename(ALICE, "alice.jones@example.org", keep_old=True)
        with pytest.raises(base.MailboxGone, match="primary address"):
            connected().check()
        connected("alice.jones@example.org").check()

    def test_a_person_without_a_licence_is_told(self, connected, office, term):
        office.exchange.unlicense(ALICE)
        for call in (connected().check, lambda: connected().push(term.creates(1))):
            with pytest.raises(base.MailboxGone):
                call()

    def test_a_mailbox_outside_the_scope_is_told(self, connected, office, term):
        office.exchange.put_out_of_scope(ALICE)
        for call in (connected().check, lambda: connected().push(term.creates(1))):
            with pytest.raises(base.Unauthorized):
                call()

    def test_a_check_asks_once_and_leaves_nothing_behind(self, provider, office):
        provider.check()
        assert office.asked() == ["GetFolder"]
        assert office.there() == []


class TestTheWay:
    @pytest.fixture
    def secure(self, authority, application):
        with serve(application(Exchange([ALICE])), 0, authority.server()) as url:
            yield url

    @pytest.mark.parametrize("auth", ["ntlm", "basic"])
    def test_an_authority_of_our_own_is_trusted_when_named(self, secure, authority, monkeypatch, auth):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
        _connect(settings(secure, ca_file=authority.ca_file, auth=auth)).check()

    def test_ntlm_is_bound_to_the_tls_connection(self, authority, application):
        """Exchange's Extended Protection refuses whoever leaves that out. See: RFC 5929, 4."""
        whole, sent, certificate = application(Exchange([ALICE])), [], authority.server()

        async def listening(scope, receive, send):
            sent.append(dict(scope["headers"]).get(b"authorization", b""))
            await whole(scope, receive, send)

        with serve(listening, 0, certificate) as url:
            _connect(settings(url, ca_file=authority.ca_file, auth="ntlm")).check()
        own = ssl.PEM_cert_to_DER_cert(certificate.chain.read_text())
        bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + hashlib.sha256(own).digest())
        assert hashlib.md5(bindings.pack()).digest() in base64.b64decode(sent[-1].removeprefix(b"NTLM "))

    def test_one_that_is_not_named_is_not(self, secure, term):
        with pytest.raises(base.Unavailable, match="ca_file"):
            _connect(settings(secure)).push(term.creates(1))

    def test_two_tenants_trust_each_their_own(self, secure, authority):
        _connect(settings(secure, ca_file=authority.ca_file)).check()
        with pytest.raises(base.Unavailable, match="certificate"):
            _connect(settings(secure)).check()

    def test_no_proxy_and_no_password_of_the_environment_is_used(self, provider, monkeypatch, tmp_path):
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        provider.check()

    def test_nobody_there_is_told(self, term):
        provider = _connect(settings("http://127.0.0.1:9"))
        for call in (provider.check, lambda: provider.push(term.creates(1))):
            with pytest.raises(base.Unavailable, match="cannot be reached"):
                call()

    def test_a_server_elsewhere_gets_nothing(self, answering):
        provider = answering("", 302, {"Location": "http://127.0.0.1:9/EWS/Exchange.asmx"})
        with pytest.raises(base.ContractBroken, match="check url"):
            provider.check()

    def test_a_connection_is_not_waited_for_without_end(self, known, monkeypatch):
        monkeypatch.setattr("providers._ews_wire.PATIENCE", 0.01)
        narrow = known(connections=1)
        held = narrow.wire.get_session()
        with pytest.raises(base.Unavailable, match="raise connections"):
            _connect(narrow).check()
        narrow.wire.release_session(held)
        _connect(narrow).check()

    def test_no_password_and_no_token_is_shown(self, known):
        shown = repr(known()) + str(known().wire.__dict__) + json.dumps(known().model_dump(mode="json"))
        assert SERVICE["password"] not in shown
        assert isinstance(known().wire, Wire)
