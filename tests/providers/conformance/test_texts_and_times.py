"""What `providers.base.Provider` promises, for every provider against a server: what an event says comes back."""

from datetime import UTC, date, datetime, timedelta

import pytest

from providers.base import Create, Marks, Update

OURS = Marks("carillon-test")


class TestTexts:
    @pytest.mark.parametrize(
        "text",
        [
            "Quotes \"double\", 'single'; commas, semicolons; colons: and \\back\\slashes\\n",
            "Two lines\nand a third\n\nafter an empty one",
            "Ünïcödé, Ελληνικά, 中文, العربية",
            "🎓 emoji 👩🏽‍🏫 and a flag 🇳🇱",
            "<b>markup</b> &amp; &lt;entities&gt; ]]>",
            "BEGIN:VEVENT\nEND:VEVENT\nX-CARILLON-INSTANCE:carillon-test",
            "x" * 5_000,
            "é中🎓 " * 1_250,
        ],
        ids=["quotes", "lines", "scripts", "emoji", "markup", "injection", "long", "long and wide"],
    )
    def test_texts_come_back_as_they_were_written(self, mailbox, lecture, mark, text):
        provider = mailbox.connect()
        line = text.replace("\n", " ").strip()[:250]
        ref = mailbox.put(lecture(title=line, location=line, description=text.strip()), mark())
        entry = mailbox.listing()[ref.id]
        assert (entry.title, entry.location, entry.description) == (line, line, text.strip())
        (found,) = provider.find(OURS)
        assert (found.title, found.mark) == (line, mark())

    def test_a_mark_may_hold_any_printable_sign_and_255_of_them(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        odd = mark("k" * 255, synchronization="a;b,c\\d%e\"f'g:h=i&j", instance="carillon-test")
        mailbox.put(lecture(), odd)
        (found,) = provider.find(Marks(odd.instance, odd.synchronization))
        assert found.mark == odd

    def test_two_equal_events_with_different_keys_stay_two(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        provider.push([Create(lecture(), mark("a")), Create(lecture(), mark("b"))])
        assert len(mailbox.listing()) == 2


class TestTimes:
    @pytest.mark.parametrize("days", [1, 3])
    def test_an_all_day_event_keeps_its_days(self, mailbox, lecture, mark, days):
        provider = mailbox.connect()
        start = datetime(2026, 11, 2, 23, tzinfo=UTC)
        event = lecture(start=start, end=start + timedelta(days=days), all_day=True)
        ref = mailbox.put(event, mark())
        entry = mailbox.listing()[ref.id]
        assert (entry.start, entry.end) == (date(2026, 11, 3), date(2026, 11, 3) + timedelta(days=days))
        (found,) = provider.find(OURS)
        assert (found.start, found.end) == (event.start, event.end)

    def test_an_all_day_event_over_the_change_to_winter_time(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        event = lecture(
            start=datetime(2026, 10, 24, 22, tzinfo=UTC), end=datetime(2026, 10, 25, 23, tzinfo=UTC), all_day=True
        )
        ref = mailbox.put(event, mark())
        assert mailbox.listing()[ref.id].end == date(2026, 10, 26)
        (found,) = provider.find(OURS)
        assert (found.start, found.end) == (event.start, event.end)

    def test_the_hour_that_comes_twice_is_told_apart(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        starts = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
        for number, start in enumerate(starts):
            mailbox.put(lecture(start=start, end=start + timedelta(minutes=15)), mark(f"k{number}"))
        assert sorted(each.start for each in mailbox.listing().values()) == starts
        assert [each.start for each in provider.find(OURS)] == starts

    @pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "UTC"])
    def test_instants_are_exact_in_any_zone_and_season(self, mailbox, lecture, mark, zone):
        provider = mailbox.connect()
        starts = [datetime(2027, month, 28, 23, 45, tzinfo=UTC) for month in (1, 3, 7, 10)]
        provider.push([Create(lecture(start=start, zone=zone), mark(f"k{start.month}")) for start in starts])
        assert [each.start for each in provider.find(OURS)] == starts
        assert sorted(each.start for each in mailbox.listing().values()) == starts

    def test_an_event_can_become_all_day_and_back(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        start = datetime(2026, 11, 2, 23, tzinfo=UTC)
        whole_day = lecture(start=start, end=start + timedelta(days=1), all_day=True)
        for event in (whole_day, lecture()):
            ref = only(provider, Update(event, mark(), ref, frozenset({"time"}), merge=True)).ref
            (found,) = provider.find(OURS)
            assert (found.start, found.end) == (event.start, event.end)
