import pytest

from schedules.sameness import leads_here


def there(build, keys, place="at"):
    return [build.found(key, place=f"{place} {key}") for key in keys]


@pytest.mark.parametrize(("met", "same"), [("", False), ("a", False), ("ab", True), ("abcd", True)])
def test_half_of_the_events_to_come_must_be_there(build, met, same):
    rows = [build.row(build.wish(key, 5)) for key in "abcd"] + [build.row(build.wish(key, 1)) for key in "xyz"]
    assert leads_here(rows, there(build, met), build.ours, build.at(2), by_id=True) is same
    assert leads_here(rows, there(build, met, "other"), build.ours, build.at(2), by_id=False) is same
    assert not leads_here(rows, there(build, met, "other"), build.ours, build.at(2), by_id=True)
    assert not leads_here(rows, there(build, "xyz"), build.ours, build.at(2), by_id=True), "those are past"


def test_where_none_is_to_come_past_ones_tell(build):
    rows = [build.row(build.wish(key, 1)) for key in "abcd"]
    assert leads_here(rows, there(build, "ab"), build.ours, build.at(2), by_id=True)
    assert not leads_here(rows, there(build, "a"), build.ours, build.at(2), by_id=True)


def test_what_stands_nowhere_tells_nothing(build):
    rows = [build.row(build.wish("a"), ref=None, state="dismissed"), build.row(build.wish("b"), "creating")]
    assert not leads_here(rows, there(build, "ab"), build.ours, build.at(0), by_id=False)
    assert not leads_here([], there(build, "ab"), build.ours, build.at(0), by_id=False)
