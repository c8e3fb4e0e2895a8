import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import FIELDS
from schedules.plan import IN_DOUBT, plan

SPECS = st.fixed_dictionaries(
    {
        "hour": st.sampled_from([-30, -1, 0, 1, 2, 5, 99, 100, 130]),
        "title": st.sampled_from(["Logic", "Sets"]),
        "activity": st.sampled_from([b"logic", b"sets"]),
        "location": st.sampled_from(["", "A 1"]),
    }
)
STATES = st.sampled_from(["written", "written", "rejected", "rejected, stands", "dismissed"])
WISHES = st.dictionaries(st.sampled_from("abcdefg"), SPECS, max_size=5)
ROWS = st.dictionaries(st.sampled_from("abcdefg"), st.tuples(SPECS, STATES, st.sampled_from([None, "8"])), max_size=5)


def wishes_of(build, drawn):
    return [build.wish(key, **spec) for key, spec in drawn.items()]


def rows_of(build, drawn):
    rows = []
    for key, (spec, state, marked_by) in drawn.items():
        row = build.row(build.wish(key, **spec), state.partition(",")[0], marked_by=marked_by)
        rows.append(replace(row, ref=None) if state == "rejected" else row)
    return rows


def most_pairs(wishes, rows):
    """By trying everything."""
    if not wishes:
        return 0
    first, *rest = wishes
    ways = [most_pairs(rest, rows)]
    for place, row in enumerate(rows):
        if row.activity == first.activity:
            ways.append(1 + most_pairs(rest, rows[:place] + rows[place + 1 :]))
    return max(ways)


@given(WISHES, ROWS)
def test_carrying_out_a_plan_leaves_the_window_as_wanted(build, wished, drawn):
    wishes, rows = wishes_of(build, wished), rows_of(build, drawn)
    before = {row.key: row for row in rows}
    after = {row.key: row for row in build.after(plan(wishes, rows, build.window), rows)}
    for wish in wishes:
        if wish.start in build.window:
            stays_out = before.get(wish.key)
            refused = stays_out and stays_out.state == "rejected" and stays_out.fingerprint == wish.fingerprint
            if refused or (stays_out and stays_out.state == "dismissed"):
                assert after[wish.key] == stays_out
            else:
                assert replace(after[wish.key], activity=wish.activity) == build.row(wish)
    wished_for = {wish.key for wish in wishes}
    assert not [row for key, row in after.items() if key not in wished_for and row.start in build.window]


@given(WISHES, ROWS)
def test_planning_again_after_carrying_out_finds_nothing_to_do(build, wished, drawn):
    wishes, rows = wishes_of(build, wished), rows_of(build, drawn)
    first = plan(wishes, rows, build.window)
    again = plan(wishes, build.after(first, rows), build.window)
    assert again.empty, again
    assert again.kept == len({row.key for row in build.after(first, rows)} & {wish.key for wish in wishes})


@given(WISHES, ROWS)
def test_a_plan_has_the_fewest_changes(build, wished, drawn):
    wishes, rows = wishes_of(build, wished), rows_of(build, drawn)
    made = plan(wishes, rows, build.window)
    wished_for, there = {wish.key for wish in wishes}, {row.key: row for row in rows}
    new = [wish for wish in wishes if wish.key not in there and wish.start in build.window]
    gone = [row for row in rows if row.key not in wished_for and row.start in build.window and row.ref]
    differing = [
        wish
        for wish in wishes
        if (row := there.get(wish.key))
        and row.state != "dismissed"
        and (row.fingerprint != wish.fingerprint or (row.marked_by and row.state == "written"))
        and (row.ref or wish.start in build.window)
    ]
    fewest = len(differing) + len(new) + len(gone) - most_pairs(new, gone)
    assert len(made.creates) + len(made.updates) + len(made.deletes) == fewest


@given(WISHES, ROWS, st.randoms(use_true_random=False))
def test_the_order_of_wishes_and_rows_does_not_matter(build, wished, drawn, chance):
    sides = wishes_of(build, wished), rows_of(build, drawn)
    shuffled = [random.Random(chance.random()).sample(side, len(side)) for side in sides]
    assert plan(*shuffled, build.window) == plan(*sides, build.window)


@given(WISHES, ROWS)
def test_what_is_outside_the_window_and_not_wanted_is_left_alone(build, wished, drawn):
    made = plan(wishes_of(build, wished), rows_of(build, drawn), build.window)
    touched = [*made.deletes, *made.forgotten, *(each.known for each in made.updates if each.known.key not in wished)]
    assert all(row.start in build.window for row in touched)
    assert all(wish.start in build.window for wish in made.creates)


def test_another_room_is_one_update_of_the_location(build):
    row = build.row(build.wish("a", location="A 1"))
    (update,) = plan([build.wish("a", location="B 2")], [row], build.window).updates
    assert update.fields == {"location"}
    assert update.known == row


def test_another_day_under_another_id_is_one_update_that_moves_the_mark(build):
    known = [build.row(build.wish("monday", 1)), build.row(build.wish("other", 1, activity=b"sets"))]
    wanted = [build.wish("tuesday", 25), build.wish("other", 1, activity=b"sets")]
    made = plan(wanted, known, build.window)
    assert made.counts == {"creates": 0, "updates": 1, "deletes": 0, "kept": 1}
    assert made.updates[0].known.key == "monday"
    assert made.updates[0].fields == {"time", "mark"}


def test_another_activity_is_another_event(build):
    known = [build.row(build.wish("logic", 1))]
    made = plan([build.wish("sets", 1, activity=b"sets")], known, build.window)
    assert made.counts == {"creates": 1, "updates": 0, "deletes": 1, "kept": 0}


def test_an_event_that_leaves_the_window_under_its_id_is_moved(build):
    made = plan([build.wish("a", 200)], [build.row(build.wish("a", 1))], build.window)
    assert [each.fields for each in made.updates] == [{"time"}]


def test_the_window_holds_its_first_moment_and_not_its_last(build):
    known = [build.row(build.wish(f"known {hour}", hour)) for hour in (-1, 0, 99, 100)]
    assert [row.key for row in plan([], known, build.window).deletes] == ["known 0", "known 99"]
    wanted = [build.wish(f"wish {hour}", hour) for hour in (-1, 0, 99, 100)]
    assert [wish.key for wish in plan(wanted, [], build.window).creates] == ["wish 0", "wish 99"]


def test_nothing_wanted_and_nothing_known_is_an_empty_plan(build):
    assert plan([], [], build.window).empty


def test_an_adopted_orphan_gets_our_mark(build):
    wish = build.wish("a")
    (update,) = plan([wish], [build.row(wish, marked_by="8")], build.window).updates
    assert update.fields == {"mark"}


def test_an_unknown_content_is_written_whole(build):
    wish = build.wish("a")
    (update,) = plan([wish], [build.row(wish, fingerprint=b"", merge=True)], build.window).updates
    assert update.fields == set(FIELDS) - {"mark"}


def test_what_was_refused_is_tried_again_only_when_it_changes(build):
    refused, changed = build.wish("a"), build.wish("a", title="Logic I")
    never_stood = build.row(refused, "rejected", ref=None)
    assert plan([refused], [never_stood], build.window).empty
    assert plan([changed], [never_stood], build.window).creates == (changed,)
    stands = build.row(refused, "rejected")
    assert plan([refused], [stands], build.window).empty
    (update,) = plan([changed], [stands], build.window).updates
    assert update.fields == set(FIELDS), "what stands is older than what was refused"


def test_a_dismissed_event_is_not_made_again_whatever_changes(build):
    row = build.row(build.wish("a"), "dismissed")
    made = plan([build.wish("a", 5, title="Logic I")], [row], build.window)
    assert made.empty
    assert made.kept == 1


@pytest.mark.parametrize("state", ["dismissed", "rejected"])
def test_what_does_not_stand_and_is_not_wanted_is_only_forgotten(build, state):
    row = build.row(build.wish("a"), state, ref=None)
    made = plan([build.wish("b")], [row], build.window)
    assert made.forgotten == (row,)
    assert [wish.key for wish in made.creates] == ["b"]
    assert not made.deletes
    assert not made.updates
    assert not made.empty


@pytest.mark.parametrize("state", sorted(IN_DOUBT))
def test_a_row_in_doubt_cannot_be_planned_with(build, state):
    with pytest.raises(ValueError, match="in doubt"):
        plan([], [build.row(build.wish("a"), state)], build.window)


def test_a_written_row_without_a_place_cannot_be_planned_with(build):
    with pytest.raises(ValueError, match="no ref"):
        plan([], [build.row(build.wish("a"), ref=None)], build.window)


def test_a_key_cannot_be_there_twice(build):
    wish = build.wish("a")
    for wanted, known in (([wish, wish], []), ([], [build.row(wish), build.row(wish)])):
        with pytest.raises(ValueError, match="same key"):
            plan(wanted, known, build.window)


def test_a_plan_can_be_read_by_a_person(build):
    known = [build.row(build.wish("a", 1)), build.row(build.wish("b", 2)), build.row(build.wish("c", 3, activity=b"x"))]
    wanted = [build.wish("a", 1, location="A 1"), build.wish("b", 26), build.wish("d", 4, title="Sets", activity=b"y")]
    made = plan(wanted, known, build.window)
    assert list(made.lines("Europe/Amsterdam")) == [
        "+ 2026-11-23 14:00 Sets",
        "~ 2026-11-23 11:00 Logic (location)",
        "~ 2026-11-24 12:00 Logic (time; was 2026-11-23 12:00)",
        "- 2026-11-23 13:00 c",
    ]
    assert str(made).startswith("+ 2026-11-23 13:00 Sets\n~ ")
