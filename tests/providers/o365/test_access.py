"""Microsoft 365: accounts, rights and colours."""

import pytest

from providers import base
from providers.base import Create, Delete, Done, Marks, Ref, Update
from sandbox.faults import Fault

ALICE = "alice@example.org"
CATEGORIES = "/v1.0/users/alice@example.org/outlook/masterCategories"
OURS = Marks("carillon-test", "7")


@pytest.fixture
def every_call(provider, creates, mark):
    """Whatever can be asked of a mailbox."""
    return (
        provider.check,
        lambda: provider.find(OURS),
        lambda: provider.push(creates(2)),
        lambda: provider.push([Delete(mark(0), Ref("AAkALgx", '"1"'))]),
        lambda: provider.push([Delete(mark(0), Ref("AAkALgx"))]),
    )


def _told(every_call, error, advice):
    for call in every_call:
        with pytest.raises(error, match=advice) as raised:
            call()
        assert ALICE not in str(raised.value)


def test_an_account_that_does_not_exist_is_told(graph, every_call):
    graph.exchange.remove_mailbox(ALICE)
    _told(every_call, base.MailboxGone, "ErrorInvalidUser: .* check provisioning_smtpAddress")


def test_an_account_without_a_licence_is_told(graph, every_call):
    graph.exchange.unlicense(ALICE)
    _told(every_call, base.MailboxGone, "MailboxNotEnabledForRESTAPI: .* give it a licence")


def test_a_mailbox_outside_the_applications_scope_is_told(graph, every_call):
    graph.exchange.put_out_of_scope(ALICE)
    _told(every_call, base.Unauthorized, "ErrorAccessDenied: .*Calendars.ReadWrite")


def test_an_application_without_its_permission_is_told(graph, every_call):
    graph.roles.clear()
    _told(every_call, base.Unauthorized, "grant it Calendars.ReadWrite")


def test_other_mailboxes_are_not_concerned(graph, connected, creates):
    graph.exchange.put_out_of_scope(ALICE)
    assert all(isinstance(each, Done) for each in connected("bob@example.org").push(creates(2)))


def test_a_calendar_that_may_only_be_read_is_told(answering):
    with pytest.raises(base.Unauthorized, match="may only be read"):
        answering({"id": "x", "canEdit": False}).check()


@pytest.mark.parametrize("body", [{}, {"canEdit": None}, {"canEdit": "true"}])
def test_a_server_that_does_not_say_whether_we_may_write_does_not_pass(answering, body):
    with pytest.raises(base.ContractBroken):
        answering(body).check()


class TestColours:
    @pytest.fixture
    def settings(self, make_settings):
        return make_settings(categories={"Lecture": "blue", "Exam": "dark red"})

    def test_a_category_is_made_in_its_colour_once_for_all_runs(self, connected, calendar, graph, lecture, mark):
        events = [lecture(number, category=name) for number, name in enumerate(("Lecture", "Exam", "Lecture", "Else"))]
        connected().push([Create(event, mark(number)) for number, event in enumerate(events)])
        assert calendar.colours == {"Lecture": "preset7", "Exam": "preset15"}
        assert graph.batches == [2, 4]
        connected().push([Create(lecture(category="Lecture"), mark("more"))])
        assert graph.batches == [2, 4, 1]

    def test_each_mailbox_has_its_own(self, connected, graph, lecture, mark):
        for name in (ALICE, "bob@example.org"):
            connected(name).push([Create(lecture(category="Exam"), mark(0))])
            assert graph.exchange.own(name).colours == {"Exam": "preset15"}

    def test_one_that_the_person_has_keeps_its_colour(self, connected, calendar, graph, lecture, mark):
        calendar.colours["Exam"] = "preset3"
        for number in range(2):
            connected().push([Create(lecture(category="Exam"), mark(number))])
        assert calendar.colours == {"Exam": "preset3"}
        assert graph.batches == [1, 1, 1]

    def test_only_a_change_of_the_category_needs_it(self, connected, calendar, lecture, mark):
        provider = connected()
        [done] = provider.push([Create(lecture(), mark(0))])
        [done] = provider.push([Update(lecture(category="Exam"), mark(0), done.ref, frozenset({"title"}))])
        assert calendar.colours == {}
        provider.push([Update(lecture(category="Exam"), mark(0), done.ref, frozenset({"category"}))])
        assert calendar.colours == {"Exam": "preset15"}

    @pytest.mark.parametrize("kind", ["throttled", "error", "lost", "html"])
    def test_a_failure_keeps_no_event_back_and_is_tried_again(
        self, connected, calendar, faults, lecture, mark, *, kind
    ):
        faults.add(Fault(CATEGORIES, kind, times=1))
        for number in range(2):
            assert isinstance(connected().push([Create(lecture(category="Exam"), mark(number))])[0], Done)
        assert calendar.colours == {"Exam": "preset15"}

    def test_a_missing_permission_is_told_by_a_check_and_keeps_no_event_back(self, connected, graph, lecture, mark):
        graph.roles.discard("MailboxSettings.ReadWrite")
        with pytest.raises(base.Unauthorized, match=r"grant it MailboxSettings\.ReadWrite"):
            connected().check()
        assert isinstance(connected().push([Create(lecture(category="Exam"), mark(0))])[0], Done)

    def test_with_the_permission_a_check_passes(self, connected, calendar):
        connected().check()
        assert calendar.colours == {}
