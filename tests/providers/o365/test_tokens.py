"""Microsoft 365: tokens, and what they are bought with."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from providers import base
from providers.base import Delete, Done, Mark, Marks, Ref
from sandbox.certificates import Authority, application_certificate
from sandbox.faults import Fault

BATCH = "/v1.0/$batch"
TOKEN = "*/oauth2/v2.0/token"
CONFIGURATION = "*/.well-known/openid-configuration"
OURS = Marks("carillon-test", "7")


@pytest.fixture(scope="module")
def certificate():
    return application_certificate()


@pytest.fixture
def signing(make_settings):
    """Settings with a certificate in the place of a secret."""

    def make(certificate):
        pem = certificate.certificate + certificate.private_key
        return make_settings(client_secret=None, certificate=pem)

    return make


def test_a_certificate_buys_a_token(connected, signing, graph, certificate, creates):
    graph.tokens.register(certificate.certificate)
    provider = connected(settings=signing(certificate))
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert graph.tokens.granted == 1


def test_tokens_are_bought_anew_for_weeks(provider, graph, faults, clock, creates):
    provider.push(creates(1))
    for bought in range(2, 5):
        clock.ahead += timedelta(days=7)
        assert len(provider.find(OURS)) == 1
        assert isinstance(provider.push(creates(1))[0], Done)
        assert graph.tokens.granted == bought
    assert {each.status for each in faults.seen("/v1.0/*")} == {200}


def test_a_certificate_signs_for_every_token_anew(connected, signing, graph, certificate):
    graph.tokens.register(certificate.certificate)
    settings = signing(certificate)
    provider = connected(settings=settings)
    for hours in range(3):
        # msal signs by the machine's own clock, which the far side goes by too.
        settings.tokens.clock = lambda ahead=timedelta(hours=hours): datetime.now(UTC) + ahead
        provider.check()
        assert graph.tokens.granted == hours + 1


def test_a_token_is_bought_anew_before_it_runs_out(provider, graph, faults, clock):
    provider.check()
    clock.ahead += timedelta(minutes=54)
    provider.check()
    assert graph.tokens.granted == 1
    clock.ahead += timedelta(minutes=2)
    provider.check()
    assert graph.tokens.granted == 2
    assert {each.status for each in faults.seen("/v1.0/*")} == {200}, "nothing met a refusal on the way"


def test_a_token_with_a_short_life_is_used_all_the_same(provider, graph):
    graph.tokens.lifetime = timedelta(seconds=30)
    provider.check()
    provider.check()
    assert graph.tokens.granted == 2


def test_a_token_that_was_revoked_is_bought_anew_and_what_was_refused_sent_again(
    provider, graph, faults, clock, creates
):
    for _ in range(2):
        provider.check()
        graph.tokens.revoke()
        clock.ahead += timedelta(minutes=2)
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(provider.find(OURS)) == 3
    assert graph.tokens.granted == 3
    assert [each.status for each in faults.seen(BATCH)] == [401, 200]


@pytest.fixture
def spoilt(far_side):
    """Lets a Graph take the place of the other one, which says `answer` to each batch."""

    def spoil(answer):
        whole, asked = far_side.application, []

        async def batch(request):
            asked.append(request.headers["authorization"])
            parts = (await request.json())["requests"]
            return JSONResponse({"responses": [answer(each, len(asked)) for each in parts]})

        far_side.application = Router(routes=[Route(BATCH, batch, methods=["POST"])], default=whole)
        return asked

    return spoil


def _refused(part, _time):
    return {"id": part["id"], "status": 401, "body": {"error": {"code": "InvalidAuthenticationToken"}}}


def _made(part):
    return {"id": part["id"], "status": 201, "body": {"id": part["id"], "@odata.etag": "1"}}


def test_a_batch_of_which_every_part_refuses_the_token_is_sent_once_more(provider, spoilt, clock, creates):
    provider.check()
    clock.ahead += timedelta(minutes=2)
    asked = spoilt(lambda part, time: _refused(part, time) if time == 1 else _made(part))
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(set(asked)) == len(asked) == 2


def test_a_token_that_is_refused_as_soon_as_it_is_bought_is_not_bought_again_at_once(provider, graph, spoilt, creates):
    asked = spoilt(_refused)
    for pushes in range(1, 3):
        with pytest.raises(base.Unauthorized, match="check the app registration"):
            provider.push(creates(3))
        assert len(asked) == graph.tokens.granted == pushes


def test_a_new_token_that_is_refused_too_is_told(provider, spoilt, clock, creates):
    provider.check()
    clock.ahead += timedelta(minutes=2)
    asked = spoilt(_refused)
    with pytest.raises(base.Unauthorized, match="check the app registration"):
        provider.push(creates(3))
    assert len(asked) == 2


def test_a_part_that_refuses_the_token_does_not_hide_what_was_done(provider, spoilt, creates):
    asked = spoilt(lambda part, time: _refused(part, time) if part["id"] == "1" else _made(part))
    assert [type(each) for each in provider.push(creates(3))] == [Done, base.Unavailable, Done]
    assert len(asked) == 1


def test_two_who_ask_at_once_buy_one_token(connected, graph, faults):
    faults.add(Fault(TOKEN, "slow", seconds=0.2))
    assert _all_at_once([connected() for _ in range(8)]) == [None] * 8
    assert len(faults.seen("/v1.0/*")) == 8
    assert graph.tokens.granted == 1


def test_those_who_wait_for_a_token_that_does_not_come_do_not_each_ask_again(connected, far_side, graph):
    whole, asked = far_side.application, []

    async def token(_request):
        asked.append(1)
        await asyncio.sleep(0.3)
        return Response("", 503)

    route = Route("/{directory}/oauth2/v2.0/token", token, methods=["POST"])
    far_side.application = Router(routes=[route], default=whole)
    assert _all_at_once([connected() for _ in range(8)]) == [base.Unavailable] * 8
    assert len(asked) < 8
    far_side.application = whole
    connected().check()
    assert graph.tokens.granted == 1


def _all_at_once(providers):
    """What each was told, None for nothing."""
    at_once = threading.Barrier(len(providers))

    def told(provider):
        at_once.wait()
        try:
            return provider.check()
        except base.ProviderError as error:
            return type(error)

    with ThreadPoolExecutor(len(providers)) as threads:
        return list(threads.map(told, providers))


@pytest.mark.parametrize(
    ("path", "kind", "error"),
    [
        (path, kind, error)
        for path in (TOKEN, CONFIGURATION)
        for kind, error in [
            ("throttled", base.Throttled),
            ("error", base.Unavailable),
            ("unavailable", base.Unavailable),
            ("lost", base.Unavailable),
            ("html", base.ContractBroken),
            ("truncated", base.ContractBroken),
            ("empty", base.ContractBroken),
        ]
    ],
)
def test_without_a_token_nothing_was_done_and_nobody_asks_twice(provider, faults, creates, path, kind, *, error):
    faults.add(Fault(path, kind, seconds=17))
    for asked in (1, 2):
        with pytest.raises(error) as raised:
            provider.push(creates(1))
        assert len(faults.seen(path)) == asked
    assert error is not base.Throttled or raised.value.retry_after == timedelta(seconds=17)
    assert faults.seen("/v1.0/*") == []
    faults.clear()
    assert isinstance(provider.push(creates(1))[0], Done)


def test_a_sign_in_whose_certificate_is_not_trusted_is_told(connected, make_settings, tmp_path):
    other = Authority(tmp_path)
    with pytest.raises(base.Unavailable, match="sign-in is not trusted: check authority and ca_file"):
        connected(settings=make_settings(ca_file=other.ca_file)).check()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_does_not_choose_whom_we_trust(connected, monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, str(Authority(tmp_path).ca_file))
    connected().check()


def test_a_netrc_does_not_take_the_place_of_the_token(connected, monkeypatch, tmp_path, graph):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    provider = connected()
    provider.check()
    provider.check()
    assert graph.tokens.granted == 1


@pytest.mark.parametrize(
    ("other", "advice"),
    [
        ({"client_secret": "wrong"}, "AADSTS7000215.*must be the secret's value"),
        ({"client_id": "wrong"}, "AADSTS700016.*check client_id and directory"),
        ({"directory": "wrong.example"}, "AADSTS90002.*check directory and authority"),
        ({"scope": "https://graph.example/.default"}, "AADSTS500011.*check scope and root_url"),
    ],
)
def test_what_is_wrong_with_the_settings_is_told(connected, make_settings, other, advice):
    with pytest.raises(base.Unauthorized, match=advice) as raised:
        connected(settings=make_settings(**other)).check()
    assert "wrong" not in str(raised.value).replace("is wrong", "")


@pytest.mark.case("peers", 20)
def test_a_secret_that_has_expired_is_told(provider, graph):
    graph.tokens.secret_expires = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(base.Unauthorized, match=r"AADSTS7000222.*has expired; make a new one\."):
        provider.check()


def test_a_certificate_that_was_not_uploaded_is_told(connected, signing, certificate):
    with pytest.raises(base.Unauthorized, match=r"AADSTS700027.*upload it to the app registration\."):
        connected(settings=signing(certificate)).check()


def test_an_expired_certificate_is_told_with_its_day_and_without_a_request(connected, signing, faults):
    expired = application_certificate(days=-3)
    provider = connected(settings=signing(expired))
    with pytest.raises(base.Unauthorized, match=f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"):
        provider.push([Delete(Mark("a", "b", "c"), Ref("abcde"))])
    assert faults.seen() == []


@pytest.mark.case("peers", 20)
def test_a_certificate_that_runs_out_while_we_run_is_told(connected, signing, graph, clock):
    brief = application_certificate(days=30)
    graph.tokens.register(brief.certificate)
    provider = connected(settings=signing(brief))
    provider.check()
    clock.ahead = timedelta(days=30, minutes=5)
    with pytest.raises(base.Unauthorized, match="make a new one"):
        provider.check()


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        ({"error": "temporarily_unavailable"}, base.Unavailable),
        ({"error": "server_error"}, base.Unavailable),
        ({"error": "unauthorized_client", "error_codes": [7000112]}, base.Unauthorized),
        ({"error": "invalid_client", "error_codes": "7000215"}, base.Unauthorized),
        ({"error": {"code": 400}}, base.ContractBroken),
        ({"message": "?"}, base.ContractBroken),
        ({"access_token": "t", "expires_in": "soon"}, base.ContractBroken),
        ([], base.ContractBroken),
    ],
)
def test_a_refused_grant_says_what_the_caller_shall_do(far_side, provider, creates, told, meaning):
    whole = far_side.application

    async def token(_request):
        return JSONResponse(told, 400)

    route = Route("/{directory}/oauth2/v2.0/token", token, methods=["POST"])
    far_side.application = Router(routes=[route], default=whole)
    with pytest.raises(meaning):
        provider.push(creates(1))


@pytest.mark.parametrize(
    ("status", "wait", "meaning"),
    [(429, None, base.Throttled), (503, "17", base.Throttled), (503, "soon", base.Unavailable)],
)
def test_a_token_endpoint_may_ask_for_a_wait(far_side, provider, status, wait, meaning):
    whole = far_side.application

    async def token(_request):
        return Response("{}", status, {"Retry-After": wait} if wait else {})

    route = Route("/{directory}/oauth2/v2.0/token", token, methods=["POST"])
    far_side.application = Router(routes=[route], default=whole)
    for call in (provider.check, lambda: provider.find(OURS)):
        with pytest.raises(meaning) as raised:
            call()
        if meaning is base.Throttled:
            assert raised.value.retry_after == (timedelta(seconds=17) if wait else None)
