"""CalDAV: what fails on the way."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import Response

from providers import _caldav_ical as ical
from providers import caldav
from providers.base import (
    Ambiguous,
    CalendarGone,
    Create,
    Delete,
    Done,
    Marks,
    Ref,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
)
from sandbox.faults import Fault

OURS = Marks("carillon-test")


class TestWhenTheServerFails:
    def path(self, mailbox, mark):
        return f"/{mailbox.name}/timetable/{ical.uid(mark, 0)}.ics"

    def creates(self, lecture, mark, count=5):
        return [Create(lecture(), mark(f"k{number}")) for number in range(count)]

    @pytest.mark.parametrize("kind", ["lost", "cut_off", "unavailable_after"])
    def test_no_answer_leaves_one_event_in_doubt_and_the_rest_unsent(
        self, caldav_mailbox, provider, lecture, mark, kind
    ):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k2")), kind))
        outcomes = provider.push(self.creates(lecture, mark))
        assert [isinstance(each, Done) for each in outcomes] == [True, True, False, False, False]
        assert isinstance(outcomes[2], Ambiguous)
        assert all(isinstance(each, Unavailable) for each in outcomes[3:])
        assert len(caldav_mailbox.listing()) == (2 if kind == "cut_off" else 3)

    @pytest.mark.parametrize("kind", ["lost", "cut_off"])
    def test_sending_everything_again_puts_it_right(self, caldav_mailbox, provider, lecture, mark, kind):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k2")), kind, times=1))
        provider.push(self.creates(lecture, mark))
        assert all(isinstance(each, Done) for each in provider.push(self.creates(lecture, mark)))
        assert len(caldav_mailbox.listing()) == 5

    @pytest.mark.parametrize("change", ["create", "update", "delete"])
    def test_success_without_a_word_is_believed_once_it_is_seen(self, caldav_mailbox, provider, lecture, mark, change):
        (made,) = provider.push([Create(lecture(), mark("k0"))])
        moved = lecture(location="Elsewhere")
        asked = {
            "create": Create(lecture(), mark("k1")),
            "update": Update(moved, mark("k0"), made.ref, frozenset({"location"})),
            "delete": Delete(mark("k0"), made.ref),
        }[change]
        method = "DELETE" if change == "delete" else "PUT"
        before = caldav_mailbox.listing()
        caldav_mailbox.wire.faults.add(Fault("*", "empty", times=1, method=method))
        with pytest.raises(Unavailable, match="said 200 and did nothing"):
            provider.push([asked])
        assert caldav_mailbox.listing() == before
        (again,) = provider.push([asked])
        assert isinstance(again, Done)

    def test_a_server_that_says_little_and_does_its_work_is_believed(self, scripted, lecture, mark):
        stored = Response(ical.render(lecture(), mark(), "uid", datetime.now(UTC)), headers={"ETag": '"2"'})
        nothing, gone = Response(status_code=200), Response(status_code=404)
        created = scripted(nothing, stored).push([Create(lecture(), mark())])
        ref = Ref(f"{ical.uid(mark(), 0)}.ics", '"1"')
        updated = scripted(nothing, stored).push([Update(lecture(), mark(), ref, frozenset({"title"}))])
        deleted = scripted(nothing, gone).push([Delete(mark(), ref)])
        assert [*created, *updated, *deleted] == [Done(Ref(ref.id, None)), Done(Ref(ref.id, None)), Done()]

    def test_a_failure_within_concerns_one_event(self, caldav_mailbox, provider, lecture, mark):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k0")), "error"))
        first, *others = provider.push(self.creates(lecture, mark))
        assert isinstance(first, Ambiguous)
        assert all(isinstance(each, Done) for each in others)

    def test_a_wait_asked_for_midway_keeps_what_was_done(self, caldav_mailbox, provider, lecture, mark):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k2")), "throttled", seconds=7))
        outcomes = provider.push(self.creates(lecture, mark))
        assert [type(each) for each in outcomes] == [Done, Done, Throttled, Throttled, Throttled]
        # The relay hands on no header but the fault's own.
        assert outcomes[4].retry_after == timedelta(seconds=7)

    def test_rights_lost_midway_are_raised_by_the_next_call(self, scripted, lecture, mark):
        provider = scripted(Response(status_code=201, headers={"ETag": '"1"'}), Response(status_code=401))
        first, *others = provider.push(self.creates(lecture, mark))
        assert first == Done(Ref(f"{ical.uid(mark('k0'), 0)}.ics", '"1"'))
        assert [type(each) for each in others] == [Unavailable] * 4
        assert len(scripted.asked) == 2
        with pytest.raises(Unauthorized):
            provider.push(self.creates(lecture, mark))

    def test_a_server_that_is_not_there_was_told_nothing(self, lecture, mark):
        settings = caldav.Settings(url="http://127.0.0.1:9/{mailbox}/", password="x")
        provider = caldav.connect(settings, caldav.Target(username="a"))
        with pytest.raises(Unavailable):
            provider.push(self.creates(lecture, mark))
        with pytest.raises(Unavailable):
            provider.find(OURS)

    @pytest.mark.parametrize("call", ["find", "check", "push"])
    def test_a_missing_calendar_is_told(self, caldav_mailbox, lecture, mark, call):
        home = caldav_mailbox.template.removesuffix("timetable/").format(mailbox=caldav_mailbox.name)
        target = caldav_mailbox.target(calendarUrl=home + "gone/")
        provider = caldav.connect(caldav_mailbox.settings(), target)
        calls = {
            "find": lambda: provider.find(OURS),
            "check": provider.check,
            "push": lambda: provider.push([Create(lecture(), mark())]),
        }
        with pytest.raises(CalendarGone):
            calls[call]()
        provider.close()
