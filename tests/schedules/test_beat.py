from schedules.beat import BEAT


def test_what_is_due_is_looked_for_every_few_seconds():
    (dispatch,) = (each for each in BEAT if each.task == "dispatch")
    assert 1 <= dispatch.seconds <= 10


def test_every_entry_has_a_name_of_its_own():
    assert len({each.name for each in BEAT}) == len(BEAT)
