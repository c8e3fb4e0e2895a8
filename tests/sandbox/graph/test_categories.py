"""The sandbox's Graph: the mailbox's categories and their colours."""

import pytest

ALICE = "alice@example.org"


@pytest.fixture
def categories(client):
    def ask(verb, body=None):
        url = f"{client.url}/v1.0/users/{ALICE}/outlook/masterCategories"
        return client.session.request(verb, url, json=body, timeout=5)

    return ask


def test_a_category_is_made_with_its_colour(categories, graph):
    made = categories("POST", {"displayName": "Lecture", "color": "preset3"})
    assert made.status_code == 201
    assert categories("GET").json()["value"] == [made.json()]
    assert graph.exchange.own(ALICE).colours == {"Lecture": "preset3"}


def test_a_categorys_name_is_taken_once_only(categories, code):
    categories("POST", {"displayName": "Lecture"})
    assert code(categories("POST", {"displayName": "lecture"}))[0] == 409
    assert len(categories("GET").json()["value"]) == 1


@pytest.mark.parametrize(
    "body", [{}, {"displayName": ""}, {"displayName": "A", "color": "red"}, [], {"displayName": "A", "x": 1}]
)
def test_what_is_no_category_is_refused(categories, body):
    assert categories("POST", body).status_code == 400
    assert categories("GET").json()["value"] == []


def test_categories_take_a_permission_of_their_own(categories, graph, code):
    graph.roles = {"Calendars.ReadWrite"}
    assert code(categories("GET")) == (403, "ErrorAccessDenied")
