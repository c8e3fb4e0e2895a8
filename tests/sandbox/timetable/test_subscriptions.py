import pytest


@pytest.fixture
def mine(ask):
    """Anna's subscriptions by key."""
    return lambda: {each["key"]: each for each in ask("/subscriptions").json()}


@pytest.fixture
def choices(ask, key_of):
    """The key of a course, and the ids of its two options."""
    key = key_of("module", "Algorithms")
    return key, [each["id"] for each in ask(f"/timetables/{key}/options").json()["options"]]


def sets(events):
    """For which student sets the events are, each as one or as several."""
    named = [[each if isinstance(each, str) else each["name"] for each in event["studentSets"]] for event in events]
    return {tuple(each) for each in named}


def shown(ask):
    return ask("/timetable?type=module&type=pos").json()


def test_subscriptions_are_told_by_type_each_with_its_database(ask, mine, key_of):
    ask(f"/subscriptions/{key_of('module')}", "POST")
    assert {(each["type"], each["database"]) for each in mine().values()} == {
        ("studentset", "2026"),
        ("studentset", "2027"),
        ("user", "2026"),
        ("user", "2027"),
        ("module", "2026"),
    }
    assert [each["key"] for each in ask("/subscriptions?type=module").json()] == [key_of("module")]
    assert len(ask("/subscriptions?type=module&type=user").json()) == 3
    assert ask("/subscriptions?type=tag").json() == []


def test_a_subscription_switched_off_stays_and_shows_nothing(ask, mine, key_of):
    key = key_of("module", "Optics")
    ask(f"/subscriptions/{key}", "POST")
    assert {event["moduleCode"] for event in shown(ask)} == {"PHY102"}
    assert ask(f"/subscriptions/{key}", "PUT").status_code == 204
    assert (shown(ask), mine()[key]["enabled"]) == ([], False)
    assert ask(f"/subscriptions/{key}?state=true", "PUT").status_code == 204
    assert {event["moduleCode"] for event in shown(ask)} == {"PHY102"}
    assert ask(f"/subscriptions/{key}", "PUT", data={"state": "maybe"}).status_code == 400


def test_a_persons_own_timetable_cannot_be_removed_but_switched_off(ask, mine):
    key = next(key for key, each in mine().items() if not each["removable"])
    assert mine()[key]["type"] == "user"
    assert ask(f"/subscriptions/{key}", "DELETE").status_code == 403
    assert ask("/subscriptions", "DELETE").status_code == 204
    assert {each["type"] for each in mine().values()} == {"user"}
    assert ask(f"/subscriptions/{key}", "PUT").status_code == 204
    assert mine()[key]["enabled"] is False


def test_chosen_options_leave_out_what_is_for_other_student_sets(ask, choices):
    key, (first, _) = choices
    ask(f"/subscriptions/{key}", "POST")
    assert sets(shown(ask)) == {("INF 1A",), ("INF 1B",), ("INF 1A", "INF 1B")}
    assert ask(f"/subscriptions/{key}/options", "PUT", data={"option": first}).status_code == 200
    assert sets(shown(ask)) == {("INF 1A",), ("INF 1A", "INF 1B")}
    assert ask(f"/subscriptions/{key}/options", "DELETE").status_code == 204
    assert sets(shown(ask)) == {("INF 1A",), ("INF 1B",), ("INF 1A", "INF 1B")}


def test_options_can_be_chosen_while_subscribing(ask, mine, choices):
    key, (_, second) = choices
    assert ask(f"/subscriptions/{key}", "POST", data={"option": second}).status_code == 204
    assert [each["id"] for each in mine()[key]["enabledOptions"]] == [second]
    assert sets(shown(ask)) == {("INF 1B",), ("INF 1A", "INF 1B")}


def test_all_options_are_the_same_as_none(ask, mine, choices):
    key, both = choices
    ask(f"/subscriptions/{key}", "POST", data={"option": both})
    assert mine()[key]["enabledOptions"] == []
    ask(f"/subscriptions/{key}/options", "PUT", data={"option": both[:1]})
    assert len(mine()[key]["enabledOptions"]) == 1
    ask(f"/subscriptions/{key}/options", "PUT", data={"option": both})
    assert mine()[key]["enabledOptions"] == []


def test_what_another_subscription_shows_is_shown_whatever_options_are_chosen(ask, choices):
    key, (_, second) = choices
    before = {event["id"] for event in ask("/timetable").json()}
    ask(f"/subscriptions/{key}", "POST", data={"option": second})
    assert before < {event["id"] for event in ask("/timetable").json()}


def test_a_parent_shows_its_children_and_each_of_them_can_be_switched_off(ask, mine, key_of):
    parent, key = key_of("pos", "Physics"), key_of("module", "Optics 1")
    ask(f"/subscriptions/{parent}", "POST")
    every = {event["moduleCode"] for event in shown(ask)}
    assert len(every) == len(mine()[parent]["childSubscriptions"]) == 12
    assert ask(f"/subscriptions/{parent}/{key}", "PUT").status_code == 204
    assert {event["moduleCode"] for event in shown(ask)} == every - {"PHY102"}
    assert ask(f"/subscriptions/{parent}", "PUT").status_code == 204
    assert shown(ask) == []
    assert ask(f"/subscriptions/{parent}", "PUT", data={"state": "true"}).status_code == 204
    assert ask(f"/subscriptions/{parent}/{key.split('!')[2]}", "PUT", data={"state": "true"}).status_code == 204
    assert {event["moduleCode"] for event in shown(ask)} == every


def test_options_of_a_child_leave_out_what_is_for_others(ask, choices, key_of):
    key, (first, second) = choices
    parent = key_of("pos", "Informatics")
    ask(f"/subscriptions/{parent}", "POST")

    def algorithms():
        return sets(event for event in shown(ask) if event["moduleCode"] == "INF101")

    assert len(algorithms()) == 3
    path = f"/subscriptions/{parent}/{key}/options"
    assert ask(path, "PUT", data={"option": first}).status_code == 200
    assert algorithms() == {("INF 1A",), ("INF 1A", "INF 1B")}
    assert len(sets(shown(ask))) == 3
    assert ask(path, "PUT", data={"option": [first, second]}).status_code == 200
    assert len(algorithms()) == 3


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("POST", "/subscriptions/2026!module!0", {}, 404),
        ("DELETE", "/subscriptions/2026!module!0", {}, 404),
        ("DELETE", "/subscriptions/anything", {}, 404),
        ("DELETE", "/subscriptions/2026!user!somebody.else", {}, 404),
        ("PUT", "/subscriptions/{key}", {"state": "true"}, 404),
        ("PUT", "/subscriptions/{key}/options", {"option": "{option}"}, 404),
        ("DELETE", "/subscriptions/{key}/options", {}, 404),
        ("PUT", "/subscriptions/{parent}/{key}", {"state": "true"}, 404),
        ("PUT", "/subscriptions/{key}/{key}", {"state": "true"}, 404),
        ("PUT", "/subscriptions/{parent}/{key}/options", {"option": "{option}"}, 404),
        ("DELETE", "/subscriptions/{parent}/{key}/options", {}, 404),
        ("POST", "/subscriptions/{key}", {"option": "none"}, 400),
        ("PUT", "/subscriptions/{key}/options", {"option": "none"}, 400),
        ("PUT", "/subscriptions/{key}/options", {}, 400),
        ("PUT", "/subscriptions/{parent}/{key}/options", {}, 400),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(ask, mine, choices, key_of, method, path, data, status):  # noqa: PLR0917 - fixtures
    before, (key, options) = mine(), choices
    words = {"key": key, "parent": key_of("pos", "Informatics"), "option": options[0]}
    filled = {name: value.format(**words) for name, value in data.items()}
    answer = ask(path.format(**words), method, data=filled)
    assert answer.status_code == status
    assert answer.json()["errorMessage"]
    assert mine() == before


def test_one_persons_subscriptions_are_not_anothers(ask, institution, key_of):
    other = institution.people[1].username
    before = ask("/subscriptions", user=other).json()
    ask(f"/subscriptions/{key_of('pos')}", "POST")
    assert ask("/subscriptions", user=other).json() == before
