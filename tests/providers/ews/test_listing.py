"""Exchange: answers that are not as they should be, and listings."""

import logging
from datetime import timedelta

import pytest

from providers import base
from providers.base import Marks, Ref, Window

OURS = Marks("carillon-test", "7")
SET = "4c0a5e67-3d58-4e2c-9a2b-6f1c1b1e8d43"
SPACES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" '
    'xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors"'
)


def envelope(body):
    return f"<s:Envelope {SPACES}><s:Body>{body}</s:Body></s:Envelope>"


def message(operation, inner, code="NoError"):
    kind = "Success" if code == "NoError" else "Error"
    told = f'<m:{operation}ResponseMessage ResponseClass="{kind}"><m:ResponseCode>{code}</m:ResponseCode>{inner}'
    whole = f"{told}</m:{operation}ResponseMessage>"
    return envelope(f"<m:{operation}Response><m:ResponseMessages>{whole}</m:ResponseMessages></m:{operation}Response>")


def item(**changes):
    """An event of a listing, with what is said otherwise in place of an element; None leaves it out."""
    elements = {
        "ItemId": '<t:ItemId Id="AAA" ChangeKey="BBB"/>',
        "Subject": "<t:Subject>A</t:Subject>",
        "Instance": named("Instance", "carillon-test"),
        "Synchronization": named("Synchronization", "7"),
        "Key": named("Key", "k"),
        "Start": "<t:Start>2026-11-23T09:00:00Z</t:Start>",
        "End": "<t:End>2026-11-23T10:00:00Z</t:End>",
        "IsAllDayEvent": "<t:IsAllDayEvent>false</t:IsAllDayEvent>",
    }
    return f"<t:CalendarItem>{''.join(each for each in (elements | changes).values() if each)}</t:CalendarItem>"


def named(name, text):
    uri = f'<t:ExtendedFieldURI PropertySetId="{SET}" PropertyName="carillon{name}" PropertyType="String"/>'
    return f"<t:ExtendedProperty>{uri}<t:Value>{text}</t:Value></t:ExtendedProperty>"


def page(*items, total=None, last="true"):
    told = f'TotalItemsInView="{len(items) if total is None else total}" IncludesLastItemInRange="{last}"'
    return message("FindItem", f"<m:RootFolder {told}><t:Items>{''.join(items)}</t:Items></m:RootFolder>")


class TestAListing:
    def test_is_read(self, answering):
        [found] = answering(page(item())).find(OURS)
        assert (found.ref, found.mark.key, found.title) == (Ref("AAA", "BBB"), "k", "A")
        assert found.end - found.start == timedelta(hours=1)

    @pytest.mark.parametrize(
        "odd",
        [
            {"ItemId": None},
            {"ItemId": '<t:ItemId Id="AAA"/>'},
            {"Start": None},
            {"Start": "<t:Start>soon</t:Start>"},
            {"Start": "<t:Start>2026-11-23T09:00:00</t:Start>"},
            {"End": None},
            {"IsAllDayEvent": None},
            {"Instance": None},
        ],
    )
    def test_that_lacks_what_was_asked_for_is_no_listing(self, answering, odd):
        with pytest.raises(base.ContractBroken, match=r"check url\.$"):
            answering(page(item(), item(**odd))).find(OURS)

    @pytest.mark.parametrize(
        "content",
        [
            page(item(), total=2),
            page(total=1),
            page(item(), total="many"),
            page(item())[:-40],
            page(item()).replace("RootFolder", "Root"),
            page(item()).replace("<t:Items>", "").replace("</t:Items>", ""),
            message("GetItem", "<m:Items/>"),
            envelope(""),
            "<html><body>Sign in</body></html>",
            "",
            "{}",
        ],
    )
    def test_that_is_not_whole_is_no_listing(self, answering, content):
        with pytest.raises(base.ContractBroken):
            answering(content).find(OURS)

    @pytest.mark.parametrize("items", [[], [item()]])
    def test_that_a_busy_server_does_not_go_on_with_is_asked_for_later(self, answering, bodies, items):
        with pytest.raises(base.Throttled):
            answering(page(*items, total=5, last="false")).find(OURS)
        assert len(bodies) == len(items) + 1

    def test_without_titles_has_empty_ones(self, answering):
        assert [each.title for each in answering(page(item(Subject=None))).find(OURS)] == [""]

    def test_with_signs_that_no_xml_may_hold_is_read_all_the_same(self, answering):
        odd = item(Subject="<t:Subject>bell &#7; and &#x1F;</t:Subject>")
        assert [each.title for each in answering(page(odd)).find(OURS)] == ["bell ? and ?"]

    def test_of_a_server_that_does_not_mind_case_is_sifted(self, answering):
        items = [
            item(Instance=named("Instance", "Carillon-Test")),
            item(Synchronization=named("Synchronization", "17")),
        ]
        assert answering(page(*items)).find(OURS) == []

    @pytest.mark.parametrize("change", ["one goes", "one moves to the end"])
    def test_that_changes_while_it_is_read_is_read_later(self, provider, office, term, change):
        ref = provider.push(term.creates(1001))[0].ref
        calendar = office.exchange.own("alice@example.org")
        whole, asked = calendar.items, []

        def items():
            asked.append(1)
            if len(asked) == 2 and change == "one goes":
                calendar.remove(whole()[0].id)
            elif len(asked) == 2:
                office.edit(ref, start=term.event(2000).start, end=term.event(2001).start)
            return whole()

        calendar.items = items
        with pytest.raises(base.Unavailable, match="changed while it was read"):
            provider.find(OURS)

    def test_of_a_server_that_gives_fewer_at_a_time_is_whole(self, provider, office, term, monkeypatch):
        provider.push(term.creates(60))
        monkeypatch.setattr("sandbox.ews_listing.MOST_FOUND", 25)
        assert [each.mark.key for each in provider.find(OURS)] == [str(number) for number in range(60)]
        assert office.asked()[-3:] == ["FindItem"] * 3

    def test_of_a_window_finds_all_day_events_at_its_edge(self, provider, term):
        midnight = term.event().start.replace(hour=23, minute=0)
        day = term.create(0, start=midnight, end=midnight + timedelta(days=1), all_day=True)
        provider.push([day, *(term.create(number) for number in range(1, 40))])
        found = provider.find(OURS, Window(midnight, midnight + timedelta(hours=2)))
        assert {each.mark.key for each in found} == {"0", "14", "15"}


class TestOddAnswers:
    @pytest.mark.parametrize(
        "content", ["<html/>", "", envelope(""), message("FindItem", ""), page(item())[:-40], "<a>&#7;</a>"]
    )
    def test_to_a_write_leave_doubt(self, answering, term, content):
        with pytest.raises(base.Ambiguous):
            answering(content).push([term.update(Ref("AAA", "BBB"), title="New")])

    @pytest.mark.parametrize("inner", ["<m:Items/>", "<m:Items><t:CalendarItem/></m:Items>", ""])
    def test_without_the_id_of_what_was_written_leave_doubt(self, answering, term, inner):
        provider = answering(message("UpdateItem", inner))
        try:
            [outcome] = provider.push([term.update(Ref("AAA", "BBB"), title="New")])
        except base.ProviderError as error:
            outcome = error
        assert isinstance(outcome, base.Ambiguous)

    def test_with_a_code_that_nobody_knows_refuse_that_event(self, answering, term):
        provider = answering(message("UpdateItem", "<m:Items/>", "ErrorOfTomorrow"))
        [outcome] = provider.push([term.update(Ref("AAA", "BBB"), title="New")])
        assert isinstance(outcome, base.Rejected)
        assert "ErrorOfTomorrow" in str(outcome)

    @pytest.mark.parametrize(
        "case",
        [
            ("ErrorInvalidRequest", base.ContractBroken),
            ("ErrorSchemaValidation", base.ContractBroken),
            ("ErrorInvalidServerVersion", base.ContractBroken),
            ("ErrorServerBusy", base.Throttled),
            ("ErrorOfTomorrow", base.Ambiguous),
        ],
    )
    def test_that_refuse_the_whole_request_are_met_with_no_other(self, answering, bodies, term, case):
        code, meaning = case
        detail = f"<detail><e:ResponseCode>{code}</e:ResponseCode><e:Message>no</e:Message></detail>"
        fault = f"<s:Fault><faultcode>a</faultcode><faultstring>b</faultstring>{detail}</s:Fault>"
        provider = answering(envelope(fault), 500)
        with pytest.raises(meaning):
            provider.push([term.update(Ref("AAA", "BBB"), title="New")])
        assert len(bodies) == 1

    @pytest.mark.parametrize(
        ("rights", "meaning"),
        [
            ("<t:EffectiveRights><t:CreateContents>false</t:CreateContents></t:EffectiveRights>", base.Unauthorized),
            ("<t:EffectiveRights/>", base.Unauthorized),
            ("", base.ContractBroken),
        ],
    )
    def test_to_a_check_are_no_leave_to_write(self, answering, rights, meaning):
        folder = f'<m:Folders><t:CalendarFolder><t:FolderId Id="A"/>{rights}</t:CalendarFolder></m:Folders>'
        with pytest.raises(meaning):
            answering(message("GetFolder", folder)).check()


def test_no_title_and_no_text_of_an_event_reaches_the_log(answering, term, caplog):
    caplog.set_level(logging.INFO)
    for content, status in (("<html/>", 200), ("", 503), (envelope(""), 200), (message("FindItem", "x"), 200)):
        with pytest.raises(base.ProviderError) as caught:
            answering(content, status).push([term.update(Ref("AAA", "BBB"), title="Confidential")])
        assert "Confidential" not in str(caught.value)
    assert "Confidential" not in caplog.text
