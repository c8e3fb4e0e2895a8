"""What was written one way into a store and is read another way: ids and versions are spelled otherwise."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Ref
from schedules.fingerprint import FIELDS, changed, forget, titled
from schedules.plan import plan
from schedules.reconcile import reconcile

POLICIES = ("restore", "respect", "keep")


def read(build, key, **given):
    """An event of ours, as the other way spells it."""
    return build.found(key, place=f"other {key}", version='W/"9"', **given)


def one(build, row, found, policy="restore"):
    made = reconcile([row], found, build.ours, policy, carried_over=True)
    assert len(made.known) <= 1
    return made.known[0] if made.known else None


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 5)), st.sampled_from(POLICIES))
def test_what_is_as_we_wrote_it_needs_no_change(build, hours, policy):
    wishes = [build.wish(key, hour) for key, hour in sorted(hours.items())]
    rows = [build.row(wish) for wish in wishes]
    found = [read(build, key, hour=hour) for key, hour in hours.items()]
    made = reconcile(rows, found, build.ours, policy, carried_over=True)
    assert list(made.known) == [replace(row, ref=Ref(f"other {row.key}", 'W/"9"')) for row in rows]
    assert (made.surplus, made.adopted, made.vanished, made.touched) == ((), 0, 0, 0)
    assert plan(wishes, made.known, build.window).empty
    again = reconcile(made.known, found, build.ours, policy, carried_over=True)
    assert again.known == made.known
    assert reconcile(rows[::-1], found[::-1], build.ours, policy, carried_over=True) == made


@pytest.mark.parametrize("policy", POLICIES)
def test_another_start_or_title_is_a_persons_change(build, policy):
    row = build.row(build.wish("a"))
    moved, retitled = read(build, "a", hour=3), replace(read(build, "a"), title="Mine")
    for each in (moved, retitled):
        made = one(build, row, [each], policy)
        assert (made.ref, made.merge) == (each.ref, True)
        left = {"time", "location"} if policy == "keep" else set(FIELDS)
        assert changed(made.fingerprint, row.fingerprint) == left
    made = reconcile([row], [moved], build.ours, policy, carried_over=True)
    assert (made.touched, made.adopted) == (1, 0)


def test_a_version_that_is_the_same_tells_more_than_a_start(build):
    row = build.row(build.wish("a"), fingerprint=b"")
    assert one(build, row, [build.found("a")]) == row


def test_another_persons_event_under_the_key_is_not_the_one_we_know(build):
    row = build.row(build.wish("a"))
    made = one(build, row, [read(build, "a", synchronization="8")])
    assert (made.fingerprint, made.merge, made.marked_by) == (b"", True, "8")


def test_one_that_was_taken_over_and_still_carries_its_old_mark_is_the_one_we_know(build):
    row = build.row(build.wish("a"), marked_by="8")
    made = one(build, row, [read(build, "a", synchronization="8")])
    assert made == replace(row, ref=Ref("other a", 'W/"9"'))


def test_a_change_in_doubt_is_written_again(build):
    fingerprint = forget(build.wish("a").fingerprint, {"location"})
    row = build.row(build.wish("a"), "updating", fingerprint=fingerprint)
    made = one(build, row, [read(build, "a")])
    assert (made.state, made.fingerprint, made.merge) == ("written", b"", True)
    made = one(build, row, [read(build, "a")], "keep")
    assert made.fingerprint == forget(fingerprint, {"time", "location"})


def test_what_was_refused_stays_refused_while_an_older_copy_stands(build):
    row = build.row(build.wish("a"), "rejected")
    made = one(build, row, [read(build, "a")])
    assert (made.state, made.fingerprint) == ("rejected", row.fingerprint)
    assert made.ref.id == "other a"


def test_of_copies_the_one_that_stands_where_it_was_put_is_kept(build):
    row = build.row(build.wish("a", 2))
    copy = replace(read(build, "a", hour=1), ref=Ref("another", "1"))
    made = reconcile([row], [copy, read(build, "a", hour=2)], build.ours, "restore", carried_over=True)
    assert [each.ref.id for each in made.known] == ["other a"]
    assert [each.ref.id for each in made.surplus] == ["another"]


def test_a_title_is_told_by_its_digest(build):
    known = build.wish("a", title="Logic").fingerprint
    assert titled(known, "Logic")
    assert not titled(known, "Sets")
    assert not titled(b"", "Logic")
    assert not titled(forget(known, {"title"}), "Logic")
