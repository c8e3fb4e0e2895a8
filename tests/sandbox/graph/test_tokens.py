"""The sandbox's Entra: tokens for an application, bought by Microsoft's own library and by hand."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from starlette.routing import Router

from sandbox.certificates import Authority, application_certificate
from sandbox.faults import CutOffError
from sandbox.microsoft_login import routes
from sandbox.microsoft_tokens import MicrosoftTokens
from sandbox.serve import serve

SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate():
    return application_certificate()


@pytest.fixture
def tokens(clock):
    return MicrosoftTokens(now=clock)


@pytest.fixture(scope="session")
def login(authority):
    """One https server for all tests; whose tokens it sells is each test's own choice."""
    playing = {}

    async def app(scope, receive, send):
        await playing["app"](scope, receive, send)

    with serve(app, certificate=authority.server()) as url:
        yield playing, url


@pytest.fixture
def secure(login, tokens, monkeypatch):
    # requests would trust these instead of the authority that it is told to trust.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    playing, url = login
    playing["app"] = Router(routes(tokens))
    return url


@pytest.fixture
def buy(secure, tokens, authority):
    """A token as msal buys it."""

    def bought(credential, directory=None, scope=SCOPE, client_id=None):
        app = msal.ConfidentialClientApplication(
            client_id or tokens.client_id,
            client_credential=credential,
            authority=f"{secure}/{directory or tokens.directory}",
            instance_discovery=False,
            verify=str(authority.ca_file),
        )
        return app.acquire_token_for_client([scope])

    return bought


def test_a_secret_buys_a_token(buy, tokens):
    bought = buy(tokens.client_secret)
    assert (bought["expires_in"], bought["token_type"]) == (3600, "Bearer")
    assert tokens.accepts(bought["access_token"])
    assert tokens.granted == 1


@pytest.mark.parametrize("second", ["thumbprint", "public_certificate"])
def test_what_the_certificates_key_has_signed_buys_a_token(buy, tokens, certificate, second):
    tokens.register(certificate.certificate)
    told = {"thumbprint": fingerprint(certificate).hex(), "public_certificate": certificate.certificate}[second]
    assert tokens.accepts(buy({"private_key": certificate.private_key, second: told})["access_token"])


def test_a_certificate_must_be_registered_and_not_have_ended(buy, tokens, certificate):
    credential = {"private_key": certificate.private_key, "public_certificate": certificate.certificate}
    refused = buy(credential)
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [700027])
    assert "The key was not found" in refused["error_description"]
    old = application_certificate(days=-3)
    tokens.register(old.certificate)
    refused = buy({"private_key": old.private_key, "public_certificate": old.certificate})
    assert refused["error_codes"] == [700027]
    assert "expired" in refused["error_description"]


def test_a_certificate_can_be_taken_away(buy, tokens, certificate):
    tokens.register(certificate.certificate)
    tokens.forget_certificates()
    credential = {"private_key": certificate.private_key, "public_certificate": certificate.certificate}
    assert buy(credential)["error_codes"] == [700027]


def test_another_key_than_the_certificates_is_refused(buy, tokens, certificate):
    tokens.register(certificate.certificate)
    other = application_certificate()
    refused = buy({"private_key": other.private_key, "public_certificate": certificate.certificate})
    assert refused["error_codes"] == [700027]
    assert "does not fit" in refused["error_description"]


def test_a_signature_holds_for_a_while_and_for_one_place(secure, tokens, clock, certificate, authority):
    tokens.register(certificate.certificate)
    endpoint = f"{secure}/{tokens.directory}/oauth2/v2.0/token"

    def sell(aud=endpoint, subject=tokens.client_id):
        signed = msal.oauth2cli.JwtAssertionCreator(
            certificate.private_key, "RS256", headers={"x5t": urlsafe_b64encode(fingerprint(certificate)).decode()}
        ).create_normal_assertion(audience=aud, issuer=tokens.client_id, subject=subject)
        form = {
            "grant_type": "client_credentials",
            "client_id": tokens.client_id,
            "client_assertion": signed.decode() if isinstance(signed, bytes) else signed,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "scope": SCOPE,
        }
        answer = requests.post(endpoint, form, verify=str(authority.ca_file), timeout=5).json()
        return answer.get("error_codes", [])

    assert sell() == []
    assert sell(aud="https://login.microsoftonline.com/") == [700023]
    assert sell(subject="somebody else") == [700021]
    clock.now += timedelta(hours=1)
    assert sell() == [700024]


def fingerprint(certificate):
    return x509.load_pem_x509_certificate(certificate.certificate.encode()).fingerprint(hashes.SHA1())


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_id": "somebody"}, (400, "unauthorized_client", 700016)),
        ({"directory": "elsewhere"}, (400, "invalid_request", 90002)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"scope": "https://graph.microsoft.com/Calendars.ReadWrite"}, (400, "invalid_scope", 1002012)),
        ({"scope": "https://example.org/.default"}, (400, "invalid_resource", 500011)),
        ({"client_assertion": "a.b.c"}, (400, "invalid_request", 900144)),
    ],
)
def test_a_refusal_has_entras_number(client, form, told):
    answer = client.buy(**form)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"][0]) == told
    assert body["error_description"].startswith(f"AADSTS{told[2]}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys()


@pytest.mark.parametrize("assertion", ["", "a.b.c", "e30.e30.e30", "bnVsbA.bnVsbA.", "é.é.é"])
def test_what_is_no_assertion_is_refused(client, assertion):
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    answer = client.buy(client_assertion=assertion, client_assertion_type=kind)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_secret_can_end(client, graph, clock):
    graph.tokens.secret_expires = clock.now + timedelta(days=1)
    assert client.buy().status_code == 200
    clock.now += timedelta(days=1)
    assert client.buy().json()["error_codes"] == [7000222]


def test_a_directory_that_is_not_there_has_no_endpoints(buy, client):
    with pytest.raises(ValueError, match="tenant name or GUID"):
        buy("secret", directory="elsewhere")
    answer = requests.get(f"{client.url}/elsewhere/v2.0/.well-known/openid-configuration", timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")


def test_a_client_that_does_not_trust_the_authority_gets_nowhere(secure, tokens):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{secure}/{tokens.directory}/v2.0/.well-known/openid-configuration", timeout=5)


def test_a_connection_can_be_cut_off_over_https_too(login, secure, authority):
    async def cut_off(_scope, _receive, _send):
        raise CutOffError

    login[0]["app"] = cut_off
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(secure, verify=str(authority.ca_file), timeout=5)


def test_the_endpoints_stand_where_they_were_asked_for(secure, tokens, authority):
    url = f"{secure}/{tokens.directory}/v2.0/.well-known/openid-configuration"
    told = json.loads(requests.get(url, verify=str(authority.ca_file), timeout=5).text)
    assert told["token_endpoint"] == f"{secure}/{tokens.directory}/oauth2/v2.0/token"
    assert told["issuer"].startswith(secure)
