"""What `providers.base.Provider` promises, for every provider against a server: what stays as it was."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from providers.base import FIELDS, Delete, Marks, Update

OURS = Marks("carillon-test")
NEW = {
    "title": {"title": "New title"},
    "time": {"start": datetime(2026, 11, 5, 13, tzinfo=UTC), "end": datetime(2026, 11, 5, 14, tzinfo=UTC)},
    "location": {"location": "New room"},
    "description": {"description": "New description"},
}


class TestMerge:
    """With `merge`, and wherever the server can, an update leaves everything alone that is not named in `fields`."""

    @pytest.mark.parametrize("field", NEW)
    def test_only_the_named_field_changes(self, mailbox, lecture, mark, field, only):
        provider = mailbox.connect()
        mailbox.put(lecture(), mark())
        (found,) = provider.find(OURS)
        mailbox.touch(found.ref, "The person's title")
        (found,) = provider.find(OURS)
        before = mailbox.listing()[found.ref.id]
        everything_else = {name: value for news in NEW.values() for name, value in news.items()}
        change = Update(lecture(**everything_else), mark(), found.ref, frozenset({field}), merge=True)
        only(provider, change)
        assert mailbox.listing()[found.ref.id] == replace(before, **NEW[field])

    def test_a_field_can_become_empty(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        bare = lecture(location="", description="", category="")
        change = Update(bare, mark(), ref, frozenset({"location", "description", "category"}), merge=True)
        only(provider, change)
        entry = mailbox.listing()[ref.id]
        assert (entry.title, entry.location, entry.description) == ("Networks", "", "")

    def test_an_event_can_be_handed_to_another_key(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark("old"))
        for key, merge in (("new", False), ("newer", True)):
            ref = only(provider, Update(lecture(), mark(key), ref, frozenset({"mark"}), merge)).ref
            assert [each.mark for each in provider.find(OURS)] == [mark(key)]

    def test_a_category_alone_is_an_update_like_any_other(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        change = Update(lecture(category="Practical"), mark(), ref, frozenset({"category"}))
        assert only(provider, change).ref.id == ref.id

    @pytest.mark.parametrize("merge", [False, True])
    def test_all_fields_at_once(self, mailbox, lecture, mark, merge, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        start = datetime(2026, 11, 9, tzinfo=UTC) - timedelta(hours=1)
        event = lecture(title="Exam week", start=start, end=start + timedelta(days=5), all_day=True, location="Hall")
        only(provider, Update(event, mark(), ref, frozenset(FIELDS), merge))
        entry = mailbox.listing()[ref.id]
        assert (entry.title, entry.location) == ("Exam week", "Hall")
        assert (entry.start, entry.end) == (date(2026, 11, 9), date(2026, 11, 14))


def test_nobody_is_invited_notified_or_reminded(mailbox, lecture, mark, only):
    provider = mailbox.connect()
    ref = mailbox.put(lecture(), mark())
    entry = mailbox.listing()[ref.id]
    assert (entry.reminder, entry.guests) == (None, 0)
    ref = only(provider, Update(lecture(title="Other"), mark(), ref, frozenset({"title"}))).ref
    assert mailbox.listing()[ref.id].reminder is None
    only(provider, Delete(mark(), ref))
    assert mailbox.notices() == 0
