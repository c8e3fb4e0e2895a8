"""The sandbox's EWS and Exchange's schemas."""

import pytest
from ews_soap import ALICE, CALENDAR, SPACES, appointment, version
from lxml import etree

from sandbox.ews_soap import EwsError, answer, done, fault, m, refused, written


@pytest.fixture
def breaches(ews_contract):
    """What is outside the schemas in an envelope, as it is written."""
    if ews_contract is None:
        pytest.skip("Exchange's schemas are not there: ../shared/contracts/ews")
    return lambda envelope: ews_contract.breaches(etree.fromstring(written(envelope)))


@pytest.mark.parametrize(
    "body",
    [
        "<m:FindItem/>",
        f'<m:FindItem Traversal="Sideways"><m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>',
        "<m:CreateItem><m:Items><t:CalendarItem><t:Start>soon</t:Start></t:CalendarItem></m:Items></m:CreateItem>",
        "<m:CreateItem><m:Items><t:CalendarItem><t:Location/><t:Subject/></t:CalendarItem></m:Items></m:CreateItem>",
        "<m:Unknown/>",
    ],
)
def test_a_request_outside_the_schemas_is_refused_and_remembered(client, breaches, violations, body):
    refused = client(body)
    assert (refused.status, refused.fault) == (500, "ErrorSchemaValidation")
    assert len(violations()) == 1
    assert breaches(answer("DeleteItem", [done("DeleteItem")])) == []


def test_a_header_outside_the_schemas_is_refused(client, breaches, violations):
    shape = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    body = f"<m:GetFolder>{shape}<m:FolderIds>{CALENDAR}</m:FolderIds></m:GetFolder>"
    assert client(body, '<t:RequestServerVersion Version="Exchange2016"/>').codes == ["NoError"]
    assert client(body, '<t:RequestServerVersion Version="Exchange2077"/>').fault == "ErrorSchemaValidation"
    assert "Exchange2077" in violations()[0]
    assert breaches(fault(EwsError("ErrorServerBusy", "x"))) == []


@pytest.mark.parametrize(
    "content",
    [
        "no XML",
        f"<s:Envelope {SPACES}><s:Body/></s:Envelope>",
        f"<s:Envelope {SPACES}><s:Body><Other/></s:Body></s:Envelope>",
        f"<s:Envelope {SPACES}><s:Body><m:GetFolder>&#11;</m:GetFolder></s:Body></s:Envelope>",
    ],
)
def test_what_is_no_message_is_refused(client, violations, content):
    assert client.post(content).fault == "ErrorSchemaValidation"
    assert len(violations()) == 1


def test_an_operation_that_is_not_played_is_said_aloud(client, violations):
    assert client("<m:GetServerTimeZones/>").fault in {"ErrorInvalidRequest", "ErrorSchemaValidation"}
    assert len(violations()) == 1


@pytest.mark.parametrize("operation", ["CreateItem", "UpdateItem", "DeleteItem", "GetItem", "FindItem", "GetFolder"])
def test_a_refusal_is_within_the_schemas(breaches, operation):
    error = EwsError("ErrorServerBusy", "Later.", {"BackOffMilliseconds": "5"})
    assert breaches(answer(operation, [refused(operation, error)])) == []


def test_an_answer_outside_the_schemas_is_noticed(breaches):
    assert breaches(answer("DeleteItem", [m("DeleteItemResponseMessage", [m("ResponseCode", "Fine")])])) != []
    assert breaches(answer("GetItem", [done("GetItem", [m("Nothing")])])) != []


def test_every_property_is_told_within_the_schemas(client, exchange, breaches):
    (made,) = client.make(appointment(key="k", more="<t:Location>X</t:Location>"))
    item = exchange.calendar(ALICE).items()[0]
    exchange.calendar(ALICE).change(item.id, {"categories": ("one",), "attendees": ("guest@example.org",), "body": "B"})
    told = client.get(made[0], body="HTML")
    assert told.one("//t:RequiredAttendees//t:EmailAddress") == "guest@example.org"
    assert told.one("//t:Categories/t:String") == "one"
    assert breaches(told.root) == []
    assert client.delete(version(made)).codes == ["NoError"]
