from urllib.parse import parse_qs, urlsplit

import pytest


def test_the_user_is_told_with_roles_and_a_feed_on_the_same_server(ask, base, institution, anna):
    user = ask("/user").json()
    assert (user["username"], user["roles"]) == (anna, ["ROLE_STUDENT", "ROLE_MEMBER"])
    for person in (institution.people[0], institution.people[-1]):
        feed = ask("/user", user=person.username).json()["feedUrl"]
        assert feed.startswith(f"{base}/ical?")
        assert parse_qs(urlsplit(feed).query) == {"eu": [person.username], "t": [person.feed_token]}


def test_every_feed_has_a_secret_of_its_own(institution):
    assert len({person.feed_token for person in institution.people}) == len(institution.people)


def test_group_filters_are_read_and_changed_by_form(ask, institution):
    form = {"eventTypeGroups[Lecture][isFilteredForSync]": "true", "eventTypeGroups[Exam][isFiltered]": "true"}
    assert ask("/eventtypegroups", "PATCH", data=form).status_code == 204
    told = ask("/eventtypegroups").json()
    groups = {group["id"]: (group["isFiltered"], group["isFilteredForSync"]) for group in told["eventtypegroups"]}
    assert told["filteringEnabled"] is True
    assert groups == {
        "Lecture": (False, True),
        "Tutorial": (False, False),
        "Exam": (True, False),
        "Excursion": (False, False),
        "Other": (False, False),
    }
    exams = [event["filtered"] for event in ask("/timetable").json() if (event["eventType"] or {}).get("id") == "exam"]
    assert exams
    assert all(exams)
    institution.filtering = False
    assert ask("/eventtypegroups", "PATCH", data=form).status_code == 403
    assert ask("/eventtypegroups").json()["filteringEnabled"] is False


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("lecture", "true", 400),
        ("eventTypeGroups[Exam][isFilteredByDefault]", "true", 400),
        ("eventTypeGroups[Exam][isFiltered]", "yes", 400),
        ("eventTypeGroups[No][isFiltered]", "true", 404),
    ],
)
def test_a_form_with_one_wrong_field_changes_nothing(ask, field, value, status):
    before = ask("/eventtypegroups").json()
    form = {"eventTypeGroups[Lecture][isFiltered]": "true", field: value}
    assert ask("/eventtypegroups", "PATCH", data=form).status_code == status
    assert ask("/eventtypegroups").json() == before
