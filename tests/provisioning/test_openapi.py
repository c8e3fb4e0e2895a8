"""The OpenAPI document is true: whatever is sent, what comes back stands in it. And the page needs nobody else."""

import html
import re
from hashlib import sha256
from secrets import token_bytes

import described
import pytest
import requests
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

from provisioning.tokens import Capability
from worker import credentials

CALLS = 28
ELSEWHERE = "/api/v1/tenants/"
"""These calls are tried in test_openapi_of_schedules.py."""
NO_TOKEN = ["/health", "/calendars/{secret}"]
MORE_THAN_A_SCHEMA_SAYS = [
    "POST /api/v0/synchronizations/{id}/link",  # the places to return to are those of the settings
    "PUT /api/v0/synchronizations",  # what makes a good address is the provider's knowledge
    "DELETE /api/v0/users/{username}/synchronizations/{type}",  # 422 is an answer to a call without fault
]
MAY_ASK_FOR_MORE_THAN_JSON = [("get", "/api/v0/notifications/calendars/{name}")]
EXAMPLES = 10
MOM_ID = "ZHUSaUXHYkqmk0dtDEgIYeMbvcsIXNMVZCV4OQHLyUw"


def operations(document):
    return [each for each in described.operations(document) if not each[0].startswith(ELSEWHERE)]


@pytest.fixture
def api(api):
    """A caller who may do everything."""
    return api.with_token(capabilities=[Capability.NOTIFY])


@pytest.fixture
def document(api):
    return api.get("/openapi.json").json()


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_whatever_is_sent_what_comes_back_is_described(api, mode):
    api.synchronize("alice")
    api.synchronize("bob", "caldav")
    api.delete(f"/synchronizations/{api.synchronize('carol')['id']}?unlinkMode=CLEANUP")
    document = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    every = [each.ok() for each in document.get_all_operations()]
    found = [each for each in every if not each.path.startswith(ELSEWHERE)]
    assert len(found) == CALLS
    for operation in found:
        excluded = [positive_data_acceptance] if operation.label in MORE_THAN_A_SCHEMA_SAYS else []
        described.tried(operation, mode, EXAMPLES, headers=api.headers, session=api.session, excluded_checks=excluded)


def test_every_call_names_its_errors_and_the_two_ways_to_show_a_token(document):
    always, json = {"400", "401", "403", "503"}, {"406"}
    reference = {"$ref": "#/components/schemas/ErrorBody"}
    for path, method, operation in operations(document):
        if path in NO_TOKEN:
            assert "security" not in operation
            continue
        assert {"apiToken": []} in operation["security"]
        assert {"bearer": []} in operation["security"]
        errors = always if (method, path) in MAY_ASK_FOR_MORE_THAN_JSON else always | json
        assert errors <= operation["responses"].keys()
        assert "requestedAuth" in [each["name"] for each in operation["parameters"]]
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"] == {"application/json": {"schema": reference}}


def test_what_has_a_body_takes_forms_and_json(document):
    bodies = {
        (method, path): list(operation["requestBody"]["content"])
        for path, method, operation in operations(document)
        if "requestBody" in operation
    }
    both = ["application/x-www-form-urlencoded", "application/json"]
    assert bodies == {
        ("post", "/api/v0/users"): both,
        ("put", "/api/v0/users/{username}"): both,
        ("put", "/api/v0/synchronizations"): both,
        ("patch", "/api/v0/synchronizations/{id}"): both,
        ("post", "/api/v0/synchronizations/{id}/link"): both,
        ("post", "/api/v0/notifications/calendars"): both,
        ("post", "/api/v0/notifications/calendars/{name}"): both,
    }


def test_every_type_that_is_configured_is_described_with_its_fields(document):
    schema = document["paths"]["/api/v0/synchronizations"]["put"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    fields = {each["properties"]["type"]["const"]: set(each["properties"]) for each in schema["oneOf"]}
    common = {"username", "type", "provisioning_smtpAddress", "smtpAddress"}
    assert fields == {"memory": common, "caldav": {*common, "provisioning_calendarUrl"}}


def test_the_framework_s_own_422_stands_nowhere(document):
    assert "HTTPValidationError" not in document["components"]["schemas"]
    described = [path for path, _, operation in operations(document) if "422" in operation["responses"]]
    assert described == ["/api/v0/users/{username}/synchronizations/{type}"]


def test_every_call_says_in_a_few_words_what_it_does(document):
    summaries = [operation["summary"] for _, _, operation in operations(document)]
    assert len(set(summaries)) == CALLS
    assert all(0 < len(each) <= 80 for each in summaries)


def test_the_page_lists_every_call_with_its_parameters_and_answers(api, document):
    answer = requests.get(f"{api.url}/docs", timeout=5)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = html.unescape(answer.text)
    for path, method, operation in operations(document):
        chapter = page.partition(f"<h3>{method.upper()} {path}</h3>")[2].partition("<h3>")[0]
        assert operation["description"] in chapter
        for parameter in operation.get("parameters", []):
            assert f"<td>{parameter['name']}" in chapter
        for status in operation["responses"]:
            assert f"<td>{status}<td>" in chapter


def test_the_page_loads_nothing_from_elsewhere(api):
    answer = requests.get(f"{api.url}/docs", timeout=5)
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", answer.text)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_example_of_the_page_is_a_call_that_works(api):
    """Each is made as it stands, but for a shell and for the type, which this installation has another one of."""
    examples = [each for each in described.curls(api.url) if ELSEWHERE not in each]
    assert len(examples) == CALLS
    for example in examples:
        api.sql("TRUNCATE users CASCADE")
        api.sql("TRUNCATE synchronizations, unlinks RESTART IDENTITY CASCADE")
        warn_of_renewals(api)
        api.synchronize("alice@example.org")
        ident = api.synchronize("bob")["id"]
        api.delete(f"/synchronizations/{ident}?unlinkMode=UNLINK_ONLY")
        line = example.replace("=ews", "=memory").replace("/ews", "/memory").replace(MOM_ID, ending(api))
        # There is such a user already; and nothing of hers is held.
        well = {200, 201, 202, 204, *([409] if "POST" in example or "/release" in example else [])}
        assert described.sent(api, line).status_code in well, example


def warn_of_renewals(api):
    """A notification calendar of the example's name and address."""
    secret = "Every0Calendar0Has0Another0End01"
    given = {"tenant": api.tenant(), "secret": secret, "digest": sha256(secret.encode()).digest()}
    api.sql("TRUNCATE notification_calendars CASCADE")
    api.sql(
        "INSERT INTO notification_calendars (tenant_id, name, secret, digest)"
        " VALUES (:tenant, 'Renewals', :secret, :digest)",
        **given,
    )


def ending(api):
    """The id of a token that ends."""
    [(number,)] = api.sql(
        "INSERT INTO tokens (tenant_id, name, digest, roles, expires_at)"
        " VALUES (:tenant, 'portal', :digest, '[]', '2030-01-01') RETURNING id",
        tenant=api.tenant(),
        digest=token_bytes(32),
    )
    tenant = api.installation.tenants[api.tenant()]
    return credentials.identify(tenant, credentials.Kind.API_TOKEN, str(number))
