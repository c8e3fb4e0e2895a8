import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.pairing import CANDIDATES, pair

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Dot:
    key: str
    start: datetime
    activity: bytes = b"logic"


def dots(names):
    return st.lists(
        st.builds(
            Dot,
            st.sampled_from(names),
            st.integers(0, 9).map(lambda hours: MONDAY + timedelta(hours=hours)),
            st.sampled_from([b"logic", b"sets"]),
        ),
        max_size=6,
        unique_by=lambda dot: dot.key,
    )


@given(dots("abcdef"), dots("uvwxyz"), st.randoms(use_true_random=False))
def test_the_order_does_not_matter(wanted, known, chance):
    shuffled = [random.Random(chance.random()).sample(side, len(side)) for side in (wanted, known)]
    assert sorted(pair(*shuffled), key=str) == sorted(pair(wanted, known), key=str)


@given(dots("abcdef"), dots("uvwxyz"))
def test_there_are_as_many_pairs_of_an_activity_as_can_be_and_none_of_two(wanted, known):
    pairs = pair(wanted, known)
    assert all(wish.activity == row.activity for wish, row in pairs)
    assert len({wish.key for wish, _ in pairs}) == len({row.key for _, row in pairs}) == len(pairs)
    most = Counter(wish.activity for wish in wanted) & Counter(row.activity for row in known)
    assert Counter(wish.activity for wish, _ in pairs) == most


@given(dots("abcdef"), dots("uvwxyz"))
def test_no_two_that_are_not_paired_are_nearer_to_each_other_than_both_to_their_partners(wanted, known):
    def distance(wish, row):
        return abs(wish.start - row.start), wish.key, row.key

    pairs = pair(wanted, known)
    far = (timedelta.max, "", "")
    of_wish = {wish.key: distance(wish, row) for wish, row in pairs}
    of_row = {row.key: distance(wish, row) for wish, row in pairs}
    for wish in wanted:
        for row in known:
            if wish.activity == row.activity:
                here = distance(wish, row)
                assert here >= min(of_wish.get(wish.key, far), of_row.get(row.key, far))


def test_a_very_large_group_is_paired_in_the_order_of_its_starts():
    count = int(CANDIDATES**0.5) + 1
    wanted = [Dot(f"a{n:04}", MONDAY + timedelta(hours=3 * n)) for n in range(count)]
    known = [Dot(f"z{n:04}", MONDAY + timedelta(hours=2 * n)) for n in range(count + 5)]
    expected = list(zip(wanted, known, strict=False))
    assert pair(wanted[::-1], known[::-1]) == expected
    assert len(expected) == count
