from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Found, Mark, Ref
from schedules.fingerprint import FIELDS, SIZE, changed, forget
from schedules.plan import IN_DOUBT, plan
from schedules.reconcile import reconcile

POLICIES = ("restore", "respect", "keep")
KEYS = "abcdef"
HOURS = st.integers(0, 5)
TITLES = st.sampled_from(["Logic", "Sets"])
STORIES = st.sampled_from(
    [
        "written",
        "written, touched",
        "written, gone",
        "creating, not done",
        "creating, done",
        "updating, not done",
        "updating, done",
        "updating, gone",
        "updating, other key",
        "deleting, not done",
        "deleting, done",
        "rejected",
        "rejected, stands",
        "rejected, gone",
        "dismissed",
        "dismissed, back",
    ]
)
LEDGER = st.dictionaries(st.sampled_from(KEYS), st.tuples(STORIES, HOURS, TITLES), max_size=5)
WISHES = st.dictionaries(st.sampled_from(KEYS + "xyz"), st.tuples(HOURS, TITLES), max_size=5)
EXTRA = st.dictionaries(
    st.sampled_from(["at 1", "at 2", "at 3"]),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["7", "8"]), HOURS),
    max_size=3,
)


@dataclass(frozen=True)
class Stored:
    """An event in the calendar, its content told by a fingerprint."""

    key: str
    synchronization: str
    wish: object
    content: bytes
    version: int = 1


class Calendar:
    def __init__(self):
        self.events = {}

    def listing(self):
        return [
            Found(
                Mark("carillon-test", each.synchronization, each.key),
                Ref(place, str(each.version)),
                each.wish.start,
                each.wish.event.end,
                "",
            )
            for place, each in self.events.items()
        ]

    def update(self, pair, ours):
        stored = self.events[pair.known.ref.id]
        assert pair.known.ref.version == str(stored.version), "an update needs the version that the server has"
        content = b"".join(
            (pair.wanted.fingerprint if name in pair.fields else stored.content)[place * SIZE : (place + 1) * SIZE]
            for place, name in enumerate(FIELDS)
        )
        marked = (pair.wanted.key, ours) if "mark" in pair.fields else (stored.key, stored.synchronization)
        self.events[pair.known.ref.id] = Stored(*marked, pair.wanted, content, stored.version + 1)

    def carry_out(self, plan, rows, build):
        """Do as planned and return what the ledger then says."""
        for row in plan.deletes:
            del self.events[row.ref.id]
        for pair in plan.updates:
            self.update(pair, build.ours)
        for wish in plan.creates:
            assert f"at {wish.key}" not in self.events or self.events[f"at {wish.key}"].key != wish.key
            self.events[f"new {wish.key}"] = Stored(wish.key, build.ours, wish, wish.fingerprint)
        places = {stored.key: (place, stored) for place, stored in self.events.items()}
        return [
            replace(row, ref=Ref(places[row.key][0], str(places[row.key][1].version))) if row.ref else row
            for row in build.after(plan, rows)
        ]


def tell(build, calendar, key, story, wish):
    """The row that the ledger has, and what became of its event in the calendar."""
    state, _, fate = story.partition(", ")
    stored = Stored(key, build.ours, wish, wish.fingerprint)
    there = fate not in {"gone", "done"} and story not in {"creating, not done", "rejected", "dismissed"}
    if story in {"creating, done", "updating, done"} or there:
        calendar.events[f"at {key}"] = stored
    if fate == "touched":
        calendar.events[f"at {key}"] = replace(stored, content=b"?" * len(stored.content), version=2)
    if story == "updating, done":
        calendar.events[f"at {key}"] = replace(stored, content=b"!" * len(stored.content), version=2)
    if fate == "other key":
        calendar.events[f"at {key}"] = replace(stored, key="xyz"[KEYS.index(key) % 3], version=2)
    row = build.row(wish, state)
    return replace(row, ref=None) if story == "rejected" else row


def situation(build, ledger, extra):
    calendar = Calendar()
    rows = [
        tell(build, calendar, key, story, build.wish(key, hour, title)) for key, (story, hour, title) in ledger.items()
    ]
    creating = {row.key for row in rows if row.state == "creating"}
    for place, (key, synchronization, hour) in extra.items():
        if key in creating and synchronization == build.ours:
            continue  # an event that is being created was looked for before: there is no other of ours
        wish = build.wish(key, hour)
        calendar.events.setdefault(place, Stored(key, synchronization, wish, b"?" * len(wish.fingerprint)))
    return calendar, rows


@given(LEDGER, WISHES, EXTRA, st.sampled_from(POLICIES))
def test_one_pass_leads_from_any_doubt_to_what_is_wanted(build, ledger, wished, extra, policy):
    calendar, rows = situation(build, ledger, extra)
    wanted = [build.wish(key, *spec) for key, spec in wished.items()]
    first = reconcile(rows, calendar.listing(), build.ours, policy)
    for each in first.surplus:
        del calendar.events[each.ref.id]
    after = calendar.carry_out(plan(wanted, first.known, build.window), first.known, build)

    again = reconcile(after, calendar.listing(), build.ours, policy)
    assert (again.surplus, again.adopted, again.vanished, again.touched) == ((), 0, 0, 0)
    assert sorted(again.known, key=str) == sorted(after, key=str)
    assert plan(wanted, again.known, build.window).empty

    stored = {each.key: each for each in calendar.events.values()}
    assert len(stored) == len(calendar.events)
    assert stored.keys() <= wished.keys()
    said = {row.key: row for row in first.known}
    for wish in wanted:
        before = said.get(wish.key)
        if before and before.state == "dismissed":
            assert wish.key not in stored
        elif not (before and before.state == "rejected" and before.fingerprint == wish.fingerprint):
            assert stored[wish.key].synchronization == build.ours
            differing = changed(stored[wish.key].content, wish.fingerprint)
            assert not differing & ({"time", "location"} if policy == "keep" else set(FIELDS))


@given(LEDGER, EXTRA, st.sampled_from(POLICIES))
def test_no_row_stays_in_doubt_and_no_key_is_there_twice(build, ledger, extra, policy):
    calendar, rows = situation(build, ledger, extra)
    found = calendar.listing()
    made = reconcile(rows, found, build.ours, policy)
    assert not [row for row in made.known if row.state in IN_DOUBT]
    assert len({row.key for row in made.known}) == len(made.known)
    standing = [row.ref.id for row in made.known if row.ref]
    assert sorted([*standing, *(each.ref.id for each in made.surplus)]) == sorted(each.ref.id for each in found)
    assert reconcile(rows[::-1], found[::-1], build.ours, policy) == made


def one(build, row, found, policy="restore"):
    made = reconcile([row], found, build.ours, policy)
    assert len(made.known) <= 1
    return made.known[0] if made.known else None


def test_a_create_that_was_done_is_known_with_its_content(build):
    wish = build.wish("a")
    row = build.row(wish, "creating", generation=3)
    assert one(build, row, [build.found("a")]) == build.row(wish, generation=3)


@pytest.mark.parametrize("found", [{"start": timedelta(hours=3)}, {"title": "Mine"}], ids=["moved", "renamed"])
@pytest.mark.parametrize("policy", POLICIES)
def test_what_a_person_did_to_a_create_in_doubt_is_noticed(build, found, policy):
    row, there = build.row(build.wish("a"), "creating"), build.found("a")
    there = replace(there, start=there.start + found.get("start", timedelta()), title=found.get("title", there.title))
    settled = one(build, row, [there], policy)
    assert (settled.state, settled.merge) == ("written", True)
    assert settled.fingerprint == (forget(row.fingerprint, {"time", "location"}) if policy == "keep" else b"")


def test_a_create_that_was_not_done_is_made_anew(build):
    assert one(build, build.row(build.wish("a"), "creating"), []) is None


def test_an_orphan_is_not_taken_for_the_event_that_was_being_created(build):
    orphan = build.found("a", synchronization="8")
    made = one(build, build.row(build.wish("a"), "creating"), [orphan])
    assert (made.fingerprint, made.merge, made.marked_by) == (b"", True, "8")


@pytest.mark.parametrize("state", ["updating", "deleting"])
def test_an_event_whose_change_is_in_doubt_is_written_again_and_merged(build, state):
    row = build.row(build.wish("a"), state)
    made = one(build, row, [build.found("a", version="2")])
    assert made == replace(row, state="written", ref=Ref("at a", "2"), fingerprint=b"", merge=True)


def test_an_update_that_met_a_persons_change_leaves_to_keep_what_is_theirs(build):
    wish = build.wish("a", location="B 2")
    row = build.row(build.wish("a"), "updating", fingerprint=forget(build.wish("a").fingerprint, {"location"}))
    made = one(build, row, [build.found("a", version="2")], "keep")
    (update,) = plan([wish], [made], build.window).updates
    assert update.fields == {"time", "location"}
    made = one(build, row, [build.found("a", version="2")], "restore")
    (update,) = plan([wish], [made], build.window).updates
    assert update.fields == set(FIELDS)


def test_an_update_in_doubt_is_found_under_the_old_key_and_the_new_one(build):
    row = build.row(build.wish("old"), "updating")
    for key in ("old", "new"):
        made = reconcile([row], [build.found(key, place="at old")], build.ours, "restore")
        assert [(each.key, each.ref.id) for each in made.known] == [(key, "at old")]
        assert made.adopted == 0


def test_a_delete_that_was_done_is_over(build):
    for policy in POLICIES:
        assert one(build, build.row(build.wish("a"), "deleting"), [], policy) is None


def test_a_moved_event_follows_the_policy(build):
    row = build.row(build.wish("a"))
    moved = [build.found("a", hour=3, version="2")]
    for policy, fields in (("restore", set(FIELDS)), ("respect", set(FIELDS)), ("keep", {"time", "location"})):
        made = one(build, row, moved, policy)
        assert (made.state, made.merge, made.ref) == ("written", True, moved[0].ref)
        assert changed(made.fingerprint, row.fingerprint) == fields
        assert made.start == row.start, "where we wrote it decides whether it is in the window"
    assert reconcile([row], moved, build.ours, "keep").touched == 1


def test_where_there_are_no_versions_a_move_is_seen_by_its_start(build):
    row = build.row(build.wish("a"), ref=Ref("at a"))
    assert not one(build, row, [build.found("a", version=None)]).merge
    assert one(build, row, [build.found("a", hour=1, version=None)]).merge


def test_a_version_that_was_not_known_is_learnt(build):
    row = build.row(build.wish("a"), ref=Ref("at a"))
    assert one(build, row, [build.found("a", version="5")]) == replace(row, ref=Ref("at a", "5"))


@pytest.mark.parametrize("state", ["written", "updating", "rejected"])
def test_a_deleted_event_follows_the_policy(build, state):
    row = build.row(build.wish("a"), state)
    for policy in ("restore", "keep"):
        assert one(build, row, [], policy) is None
    assert one(build, row, [], "respect") == replace(row, state="dismissed", ref=None)
    assert reconcile([row], [], build.ours, "respect").vanished == 1


def test_a_dismissed_event_that_is_back_is_written_again(build):
    made = one(build, build.row(build.wish("a"), "dismissed"), [build.found("a")], "respect")
    assert (made.state, made.fingerprint, made.ref.id) == ("written", b"", "at a")


@pytest.mark.parametrize("state", ["rejected", "dismissed"])
def test_what_does_not_stand_stays_as_it_is(build, state):
    row = build.row(build.wish("a"), state, ref=None)
    for policy in POLICIES:
        assert one(build, row, [], policy) == row


def test_what_was_refused_stays_refused_while_an_older_copy_stands(build):
    row = build.row(build.wish("a"), "rejected")
    assert one(build, row, [build.found("a")]) == row
    assert one(build, row, [build.found("a", version="2")]) == replace(row, ref=Ref("at a", "2"), merge=True)


def test_of_copies_the_one_we_know_is_kept_then_ours_then_the_smallest_id(build):
    row = build.row(build.wish("a"))
    orphan, copy = build.found("a", place="0", synchronization="8"), build.found("a", place="1")
    made = reconcile([row], [orphan, copy, build.found("a")], build.ours, "restore")
    assert [each.ref.id for each in made.known] == ["at a"]
    assert {each.ref.id for each in made.surplus} == {"0", "1"}
    made = reconcile([], [orphan, copy, build.found("a", place="2")], build.ours, "restore")
    assert [each.ref.id for each in made.known] == ["1"]
    assert {each.ref.id for each in made.surplus} == {"0", "2"}


def test_of_copies_that_we_both_know_the_one_known_by_this_key_is_kept(build):
    rows = [build.row(build.wish("a")), build.row(build.wish("b"))]
    made = reconcile(rows, [build.found("b", place="at a"), build.found("b")], build.ours, "restore")
    assert [(row.key, row.ref.id) for row in made.known] == [("b", "at b")]
    assert [each.ref.id for each in made.surplus] == ["at a"]


def test_an_id_decides_before_a_key(build):
    found = [build.found("a", place="0"), build.found("b", place="at a")]
    made = reconcile([build.row(build.wish("a"))], found, build.ours, "restore")
    assert [(row.key, row.ref.id) for row in made.known] == [("a", "0"), ("b", "at a")]
    assert made.known[0].fingerprint == b"", "a stranger's content is not known"
    assert made.known[1].fingerprint == build.wish("a").fingerprint


@pytest.mark.parametrize("policy", POLICIES)
def test_the_content_of_another_event_with_our_mark_is_not_known(build, policy):
    made = one(build, build.row(build.wish("a")), [build.found("a", place="elsewhere")], policy)
    assert (made.state, made.fingerprint, made.merge) == ("written", b"", True)


def test_what_is_found_and_not_known_is_adopted(build):
    found = [build.found("a", hour=2), build.found("b", hour=3, synchronization="8")]
    made = reconcile([], found, build.ours, "restore")
    assert made.adopted == 2
    assert [(row.key, row.state, row.fingerprint, row.merge, row.marked_by) for row in made.known] == [
        ("a", "written", b"", True, None),
        ("b", "written", b"", True, "8"),
    ]
    assert [row.start for row in made.known] == [build.at(2), build.at(3)]


def test_a_calendar_that_is_as_we_left_it_changes_nothing_we_know(build):
    rows = [build.row(build.wish("a")), build.row(build.wish("b", 1))]
    made = reconcile(rows, [build.found("b", 1), build.found("a")], build.ours, "restore")
    assert list(made.known) == rows
    assert (made.surplus, made.adopted, made.vanished, made.touched) == ((), 0, 0, 0)
