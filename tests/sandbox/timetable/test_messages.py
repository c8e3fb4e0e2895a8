from datetime import timedelta

import pytest

HTML = {"Accept": "application/vnd.mytimetable.html+json"}


@pytest.fixture
def add(write):
    """Writes a message; the answer's content."""

    def added(**fields):
        answer = write(method="POST", data={"title": "Hello", "body": "You", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return added


@pytest.fixture
def read(ask):
    """The titles of the messages that somebody is shown."""
    return lambda **who: [each["title"] for each in ask("/user/messages", **who).json()["messages"]]


def test_a_message_of_title_and_body_is_a_draft_for_everybody(add):
    assert add() == {
        "id": 1,
        "title": "Hello",
        "body": "You",
        "important": False,
        "publicationDate": None,
        "expirationDate": None,
        "targetRoles": [],
    }
    assert add()["id"] == 2


def test_a_message_is_shown_from_its_publication_to_its_expiration(add, read, now):
    for title, publication, expiration in (
        ("draft", None, None),
        ("from now on", now, None),
        ("later", now + timedelta(seconds=1), None),
        ("over", now - timedelta(days=1), now),
        ("still", now - timedelta(days=1), now + timedelta(seconds=1)),
    ):
        dates = {"publicationDate": publication, "expirationDate": expiration}
        add(title=title, **{name: int(each.timestamp() * 1000) for name, each in dates.items() if each})
    assert read() == ["from now on", "still"]


def test_a_message_for_roles_is_shown_to_those_who_have_one_of_them(add, read, institution):
    staff = next(person.username for person in institution.people if "ROLE_STAFF" in person.roles)
    for roles in (["ROLE_STUDENT"], ["ROLE_STAFF"], ["ROLE_STUDENT", "ROLE_STAFF"], ["ROLE_MEMBER"], []):
        add(title="+".join(roles) or "all", targetRoles=roles, publicationDate="today")
    assert read() == ["ROLE_STUDENT", "ROLE_STUDENT+ROLE_STAFF", "ROLE_MEMBER", "all"]
    assert read(user=staff) == ["ROLE_STAFF", "ROLE_STUDENT+ROLE_STAFF", "ROLE_MEMBER", "all"]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("today", 1795129200000),
        ("2026-11-20", 1795129200000),
        ("2026/11/20 00:00", 1795129200000),
        ("1795129200000", 1795129200000),
        ("2026-11-20T00:00:00+01:00", 1795129200000),
        ("", None),
    ],
)
def test_a_date_of_a_message_takes_every_documented_form(add, text, milliseconds):
    assert add(publicationDate=text)["publicationDate"] == milliseconds


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"title": ""}, "title"),
        ({"title": "  "}, "title"),
        ({"body": ""}, "body"),
        ({"important": "very"}, "important"),
        ({"publicationDate": "soon"}, "soon"),
        ({"publicationDate": "tomorrow", "expirationDate": "today"}, "expirationDate"),
        ({"publicationDate": "today", "expirationDate": "today"}, "expirationDate"),
        ({"targetRoles": ["ROLE_STAFF", "ROLE_DEAN"]}, "ROLE_DEAN"),
    ],
)
def test_what_is_wrong_is_a_400_that_names_it_and_nothing_is_written(add, write, fields, named):
    made = add()
    for path, method in (("/messages", "POST"), ("/messages/1", "PATCH")):
        answer = write(path, method, data={"title": "Other", "body": "Other", **fields})
        assert answer.status_code == 400
        assert named in answer.json()["errorMessage"]
    assert write().json() == {"messages": [made]}


def test_a_message_takes_a_title_and_a_body(write):
    for field in ("title", "body"):
        answer = write(method="POST", data={field: "Text"})
        assert (answer.status_code, answer.json()["errorType"]) == (400, "MissingParameter")


def test_only_what_is_named_is_edited_and_an_empty_field_takes_away(add, write):
    made = add(important="true", publicationDate="today", expirationDate="tomorrow", targetRoles="ROLE_STAFF")
    assert write("/messages/1", "PATCH", data={"title": "Other"}).json() == {**made, "title": "Other"}
    assert write("/messages/1", "PATCH").json() == {**made, "title": "Other"}
    cleared = write("/messages/1", "PATCH", data={"expirationDate": "", "targetRoles": "", "important": ""}).json()
    assert (cleared["expirationDate"], cleared["targetRoles"], cleared["important"]) == (None, [], False)
    assert cleared["publicationDate"] == made["publicationDate"]
    assert write("/messages/1").json() == cleared


def test_messages_are_searched_in_title_and_body_and_paged(add, write):
    for title, body in (("Exams", "near"), ("Holidays", "after the exams"), ("Canteen", "closed")):
        add(title=title, body=body)

    def titles(query=""):
        return [each["title"] for each in write(f"/messages{query}").json()["messages"]]

    assert titles() == ["Exams", "Holidays", "Canteen"]
    assert titles("?q=EXAMS") == ["Exams", "Holidays"]
    assert titles("?limit=1&offset=1") == ["Holidays"]
    assert titles("?limit=0&offset=2") == ["Canteen"]
    assert write("/messages?limit=some").status_code == 400


@pytest.mark.parametrize("ident", ["2", "0", "x", "-1", "1e3", "9" * 30])
def test_a_message_that_there_is_not_is_a_404(add, write, ident):
    add()
    for method in ("GET", "PATCH", "DELETE"):
        assert write(f"/messages/{ident}", method).status_code == 404
    assert len(write().json()["messages"]) == 1


def test_a_number_is_not_given_twice(add, write):
    write(f"/messages/{add()['id']}", "DELETE")
    assert add()["id"] == 2


def test_markdown_comes_as_html_where_it_is_asked_for_and_html_in_it_as_text(add, write, ask):
    add(body="**Bold** and <b onclick='x()'>raw</b>\n\n[link](javascript:alert(1))", publicationDate="today")
    html = write("/messages/1", headers=HTML).json()["bodyHtml"]
    assert "<strong>Bold</strong>" in html
    assert "&lt;b onclick" in html
    assert 'href="javascript' not in html
    assert ask("/user/messages", headers=HTML).json()["messages"][0]["bodyHtml"] == html
    liked = {"Accept": "application/json, application/vnd.mytimetable.html+json;q=0.5"}
    assert "bodyHtml" in write("/messages/1", headers=liked).json()
    assert "bodyHtml" not in write("/messages/1").json()
