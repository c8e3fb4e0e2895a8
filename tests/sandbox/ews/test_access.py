"""The sandbox's EWS: who may open which mailbox."""

import base64

import pytest
from ews_soap import ALICE, BOB, CALENDAR, appointment, set_subject, version
from requests_ntlm import HttpNtlmAuth

from sandbox.ews import OPERATIONS


def named(address):
    mailbox = f"<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"
    return f'<t:DistinguishedFolderId Id="calendar">{mailbox}</t:DistinguishedFolderId>'


def folder(client, where=CALENDAR):
    shape = "<m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
    return client(f"<m:GetFolder>{shape}<m:FolderIds>{where}</m:FolderIds></m:GetFolder>")


@pytest.fixture
def as_helper(client):
    """The client as a delegate."""
    client.session.auth, client.impersonated = ("helper", "secret"), None
    return client


@pytest.mark.parametrize("auth", [None, ("service", "wrong"), ("nobody", "secret")])
def test_nobody_speaks_without_a_password(client, auth):
    client.session.auth = auth
    refused = folder(client)
    assert refused.status == 401
    assert refused.response.headers["WWW-Authenticate"] == 'NTLM, Basic realm="sandbox", Bearer'


@pytest.mark.parametrize("header", ["Basic ???", "Basic " + base64.b64encode(b"\xff").decode(), "Digest x", "NTLM ?"])
def test_a_header_that_says_nothing_lets_nobody_in(client, header):
    client.session.auth = None
    client.session.headers["Authorization"] = header
    assert folder(client).status == 401


def test_a_service_account_acts_for_the_person_it_names(client, exchange, faults):
    assert client.create(appointment()).codes == ["NoError"]
    assert len(exchange.calendar(ALICE).items()) == 1
    assert exchange.calendar(BOB).items() == []
    assert [each.method for each in faults.seen(OPERATIONS + ALICE, parts=True)] == ["CreateItem"]


@pytest.mark.parametrize("username", ["service", "SANDBOX\\service"])
def test_ntlm_signs_a_connection_in_for_all_its_requests(client, faults, username):
    client.session.auth = HttpNtlmAuth(username, "secret")
    assert folder(client).codes == ["NoError"]
    assert [each.status for each in faults.seen()] == [401, 401, 200]
    assert folder(client).codes == ["NoError"]
    assert [each.status for each in faults.seen()][3:] == [200]


@pytest.mark.parametrize(("username", "password"), [("service", "wrong"), ("nobody", "secret")])
def test_ntlm_lets_nobody_in_without_the_password(client, username, password):
    client.session.auth = HttpNtlmAuth(username, password)
    assert folder(client).status == 401


def test_a_good_token_impersonates_and_can_do_nothing_else(client):
    client.session.auth = None
    client.session.headers["Authorization"] = "Bearer good"
    assert folder(client).codes == ["NoError"]
    client.impersonated = None
    assert folder(client).fault == "ErrorImpersonationRequired"
    client.session.headers["Authorization"] = "Bearer bad"
    assert folder(client).status == 401


def test_impersonation_needs_the_role(client):
    client.session.auth = ("helper", "secret")
    refused = folder(client)
    assert (refused.status, refused.fault) == (500, "ErrorImpersonateUserDenied")


def test_a_mailbox_that_is_not_there_is_told(client, as_helper):
    as_helper.impersonated = None
    assert folder(as_helper, named("nobody@example.org")).codes == ["ErrorNonExistentMailbox"]
    client.session.auth, client.impersonated = ("service", "secret"), "nobody@example.org"
    assert folder(client).fault == "ErrorNonExistentMailbox"


def test_a_mailbox_out_of_scope_cannot_be_opened(client, exchange):
    exchange.add_mailbox("far@example.org")
    exchange.put_out_of_scope("far@example.org")
    client.impersonated = "far@example.org"
    assert folder(client).fault == "ErrorImpersonateUserDenied"
    client.session.auth, client.impersonated = ("helper", "secret"), None
    assert folder(client, named("far@example.org")).codes == ["ErrorAccessDenied"]


def test_a_mailbox_without_a_licence_says_so_in_the_inner_error(client, exchange):
    exchange.add_mailbox("left@example.org")
    exchange.unlicense("left@example.org")
    client.impersonated = "left@example.org"
    for refused in (folder(client), client.create(appointment())):
        assert refused.codes == ["ErrorInternalServerError"]
        assert refused.one("//t:Value[@Name='InnerErrorResponseCode']") == "ErrorInvalidLicense"


def test_a_mailbox_is_referred_to_by_its_first_address(client, exchange):
    exchange.add_mailbox("old@example.org")
    exchange.rename("old@example.org", "new@example.org", keep_old=True)
    client.impersonated = "old@example.org"
    refused = folder(client)
    assert refused.fault == "ErrorNonPrimarySmtpAddress"
    assert refused.one("//t:Value[@Name='Primary']") == "new@example.org"
    client.impersonated = "new@example.org"
    assert folder(client).codes == ["NoError"]
    client.session.auth, client.impersonated = ("helper", "secret"), None
    assert folder(client, named("old@example.org")).codes == ["ErrorNonPrimarySmtpAddress"]


def test_impersonation_is_by_address(client, violations):
    client.impersonated = None
    who = "<t:ConnectingSID><t:{0}>{1}</t:{0}></t:ConnectingSID>".format
    header = "<t:ExchangeImpersonation>{}</t:ExchangeImpersonation>".format
    body = f"<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>{CALENDAR}"
    body += "</m:FolderIds></m:GetFolder>"
    assert client(body, header(who("SmtpAddress", ALICE))).codes == ["NoError"]
    assert client(body, header(who("PrincipalName", ALICE))).fault == "ErrorInvalidRequest"
    assert len(violations()) == 1


def test_an_account_without_a_mailbox_must_name_one(as_helper):
    assert folder(as_helper).codes == ["ErrorMissingEmailAddress"]
    assert folder(as_helper, named(ALICE)).codes == ["NoError"]


def test_a_delegate_writes_into_the_mailbox_it_names(as_helper, faults):
    where = f"<m:SavedItemFolderId>{named(ALICE)}</m:SavedItemFolderId>"
    made = as_helper.create(appointment(), where=where)
    (item,) = zip(made.ids, made.keys, strict=True)
    assert as_helper.find(where=named(ALICE)).ids == [item[0]]
    assert as_helper.update((version(item), set_subject("B"))).codes == ["NoError"]
    assert as_helper.get(item[0]).one("//t:Subject") == "B"
    assert as_helper.delete(version(item)).codes == ["NoError"]
    assert {each.path for each in faults.seen(OPERATIONS + "*", parts=True)} == {OPERATIONS + ALICE}


def test_a_person_opens_their_own_mailbox_and_nobody_elses(client):
    client.session.auth, client.impersonated = (BOB, "secret"), None
    (own,) = client.make(appointment())
    assert folder(client, named(ALICE)).codes == ["ErrorItemNotFound"]
    client.session.auth, client.impersonated = ("service", "secret"), ALICE
    assert folder(client, named(BOB)).codes == ["ErrorItemNotFound"]
    assert client.get(own[0]).codes == ["ErrorItemNotFound"]


def test_folders_are_told_by_name_and_by_id(client):
    client.make(appointment())
    told = folder(
        client, '<t:DistinguishedFolderId Id="root"/><t:DistinguishedFolderId Id="msgfolderroot"/>' + CALENDAR
    )
    assert told.all("//t:DisplayName") == ["Root", "Top of Information Store", "Calendar"]
    assert told.all("//t:TotalCount") == ["0", "0", "1"]
    root, top, calendar = told.all("//t:FolderId/@Id")
    assert told.all("//t:ParentFolderId/@Id") == [root, top]
    again = folder(client, f'<t:FolderId Id="{calendar}"/>')
    assert again.one("//t:FolderId/@Id") == calendar
    assert again.one("//t:FolderClass") == "IPF.Appointment"
    assert folder(client, '<t:DistinguishedFolderId Id="inbox"/>').codes == ["ErrorFolderNotFound"]


def test_names_are_addresses(client):
    entry = "<m:UnresolvedEntry>{}</m:UnresolvedEntry>"
    ask = f'<m:ResolveNames ReturnFullContactData="false">{entry}</m:ResolveNames>'.format
    assert client(ask("smtp:Bob@example.org")).one("//t:Mailbox/t:EmailAddress") == BOB
    assert client(ask("somebody")).codes == ["ErrorNameResolutionNoResults"]


def test_ids_can_be_told_in_hex(client):
    ((item, _),) = client.make(appointment())

    def convert(source, text, destination):
        alternate = f'<t:AlternateId Format="{source}" Id="{text}" Mailbox="{ALICE}"/>'
        inner = f"<m:SourceIds>{alternate}</m:SourceIds>"
        return client(f'<m:ConvertId DestinationFormat="{destination}">{inner}</m:ConvertId>')

    spelled = convert("EwsId", item, "HexEntryId").one("//m:AlternateId/@Id")
    assert bytes.fromhex(spelled) == base64.b64decode(item)
    assert convert("HexEntryId", spelled, "EwsId").one("//m:AlternateId/@Id") == item
    assert convert("EwsId", "DUMMY", "EwsId").codes == ["ErrorInvalidIdMalformed"]
    assert convert("HexEntryId", "no hex", "EwsId").codes == ["ErrorInvalidIdMalformed"]
