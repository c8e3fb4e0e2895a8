"""Exchange Web Services spoken by hand, for tests of the sandbox's."""

import requests
from lxml import etree

ALICE, BOB = "alice@example.org", "bob@example.org"
NAMES = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "e": "http://schemas.microsoft.com/exchange/services/2006/errors",
}
SPACES = " ".join(f'xmlns:{name}="{uri}"' for name, uri in NAMES.items() if name != "e")
SET = 'PropertySetId="4C0A5E67-3D58-4E2C-9A2B-6F1C1B1E8D43" PropertyName="key" PropertyType="String"'
KEY = f"<t:ExtendedFieldURI {SET}/>"
CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'


class Answer:
    """An answer's status and what stands in it."""

    def __init__(self, response):
        self.response = response
        self.status = response.status_code
        self.root = etree.fromstring(response.content) if response.content.startswith(b"<?xml") else None

    def all(self, path):
        """Texts, or attributes where the path ends in one, of all that match."""
        return [each if isinstance(each, str) else each.text or "" for each in self.root.xpath(path, namespaces=NAMES)]

    def one(self, path):
        (only,) = self.all(path)
        return only

    @property
    def codes(self):
        return self.all("//m:ResponseCode")

    @property
    def fault(self):
        return self.one("//e:ResponseCode")

    @property
    def ids(self):
        return self.all("//t:ItemId/@Id")

    @property
    def keys(self):
        return self.all("//t:ItemId/@ChangeKey")


class Client:
    """A program that speaks SOAP by hand."""

    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = ("service", "secret")
        self.impersonated = ALICE
        self.zone = None

    def __call__(self, body, header=""):
        if self.impersonated:
            who = f"<t:ConnectingSID><t:PrimarySmtpAddress>{self.impersonated}</t:PrimarySmtpAddress></t:ConnectingSID>"
            header += f"<t:ExchangeImpersonation>{who}</t:ExchangeImpersonation>"
        if self.zone:
            header += f'<t:TimeZoneContext><t:TimeZoneDefinition Id="{self.zone}"/></t:TimeZoneContext>'
        envelope = f"<s:Envelope {SPACES}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        return self.post(envelope)

    def post(self, content):
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        return Answer(self.session.post(self.url, content.encode(), headers=headers, timeout=20))

    def create(self, *items, sends='SendMeetingInvitations="SendToNone"', where=""):
        inner = "".join(f"<t:CalendarItem>{each}</t:CalendarItem>" for each in items)
        return self(f"<m:CreateItem {sends}>{where}<m:Items>{inner}</m:Items></m:CreateItem>")

    def make(self, *items):
        """The id and the change key of each new item."""
        answer = self.create(*items)
        assert set(answer.codes) == {"NoError"}
        return list(zip(answer.ids, answer.keys, strict=True))

    def get(self, *ids, base="AllProperties", more="", body="Text"):
        asked = "".join(f'<t:ItemId Id="{each}"/>' for each in ids)
        kind = f"<t:BodyType>{body}</t:BodyType>"
        more = f"<t:AdditionalProperties>{more}</t:AdditionalProperties>" if more else ""
        shape = f"<m:ItemShape><t:BaseShape>{base}</t:BaseShape>{kind}{more}</m:ItemShape>"
        return self(f"<m:GetItem>{shape}<m:ItemIds>{asked}</m:ItemIds></m:GetItem>")

    def update(self, *changes, how="NeverOverwrite", sends='SendMeetingInvitationsOrCancellations="SendToNone"'):
        """Each change is an ItemId's attributes and the updates."""
        inner = "".join(
            f"<t:ItemChange><t:ItemId {who}/><t:Updates>{updates}</t:Updates></t:ItemChange>"
            for who, updates in changes
        )
        attributes = f'ConflictResolution="{how}" {sends}'
        return self(f"<m:UpdateItem {attributes}><m:ItemChanges>{inner}</m:ItemChanges></m:UpdateItem>")

    def delete(self, *ids, sends='SendMeetingCancellations="SendToNone"'):
        inner = "".join(f"<t:ItemId {each}/>" for each in ids)
        attributes = f'DeleteType="SoftDelete" {sends}'
        return self(f"<m:DeleteItem {attributes}><m:ItemIds>{inner}</m:ItemIds></m:DeleteItem>")

    def find(self, restriction="", *, view="", order="", more="", base="IdOnly", where=CALENDAR):
        more = f"<t:AdditionalProperties>{more}</t:AdditionalProperties>" if more else ""
        restriction = f"<m:Restriction>{restriction}</m:Restriction>" if restriction else ""
        order = f"<m:SortOrder>{order}</m:SortOrder>" if order else ""
        shape = f"<m:ItemShape><t:BaseShape>{base}</t:BaseShape>{more}</m:ItemShape>"
        folders = f"<m:ParentFolderIds>{where}</m:ParentFolderIds>"
        return self(f'<m:FindItem Traversal="Shallow">{shape}{view}{restriction}{order}{folders}</m:FindItem>')


def appointment(subject="A", start="2026-11-23T09:00:00Z", end="2026-11-23T10:00:00Z", *, key=None, more=""):
    """The inside of a CalendarItem; `more` follows the location."""
    marked = f"<t:ExtendedProperty>{KEY}<t:Value>{key}</t:Value></t:ExtendedProperty>" if key is not None else ""
    return f"<t:Subject>{subject}</t:Subject>{marked}<t:Start>{start}</t:Start><t:End>{end}</t:End>{more}"


def set_field(uri, element):
    """An update of one property; `element` is the XML of its new value."""
    item = f"<t:CalendarItem>{element}</t:CalendarItem>"
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/>{item}</t:SetItemField>'


def set_subject(text):
    return set_field("item:Subject", f"<t:Subject>{text}</t:Subject>")


def version(made):
    """The attributes of an ItemId with a change key."""
    return f'Id="{made[0]}" ChangeKey="{made[1]}"'
