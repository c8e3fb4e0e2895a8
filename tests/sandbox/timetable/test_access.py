import pytest

ERROR = {"errorType", "errorMessage", "status"}


@pytest.fixture
def with_token(ask, institution, anna):
    """Asks with an OAuth token of Anna's that has these scopes."""

    def asking(path, *scopes, **arguments):
        token = institution.grant(anna, scopes)
        headers = {"Authorization": f"Bearer {token}"}
        return ask(path, token=None, user=None, headers=headers, **arguments)

    return asking


@pytest.mark.parametrize(
    ("token", "user", "status"),
    [
        (None, "anna.visser@example.edu", 401),
        ("wrong", "anna.visser@example.edu", 401),
        ("sandbox-elevated", None, 401),
        ("sandbox-ordinary", "anna.visser@example.edu", 403),
        ("sandbox-ordinary", None, 403),
        ("sandbox-messages", "anna.visser@example.edu", 403),
        ("sandbox-elevated", "nobody@example.edu", 404),
    ],
)
def test_only_an_elevated_token_reads_for_a_person_and_errors_have_the_documented_body(ask, token, user, status):
    for path in ("/timetable", "/subscriptions", "/user", "/eventtypegroups", "/user/messages"):
        answer = ask(path, token=token, user=user)
        assert answer.status_code == status
        assert answer.json().keys() == ERROR
        assert answer.json()["status"] == "error"


@pytest.mark.parametrize(
    "path",
    [
        "/timetabletypes",
        "/timetabletypesdetails",
        "/timetables?type=module",
        "/timetablefilters?type=module",
        "/weeklabels",
        "/weeklabelmaps",
        "/weeklabelmaps/SYLLABUS",
        "/databases",
        "/databasedetails",
        "/terms",
    ],
)
def test_what_belongs_to_nobody_takes_any_token_but_it_takes_one(ask, with_token, path):
    assert ask(path, token="sandbox-ordinary", user=None).status_code == 200
    assert with_token(path).status_code == 200
    assert ask(path, token=None, user=None).status_code == 401


def test_a_username_with_a_domain_or_beyond_ascii_is_understood(ask, institution):
    domain = institution.people[-1].username
    assert ask("/user", user=domain).json()["username"] == domain
    assert "Zoë" in ask("/user", user="Zoë".encode()).json()["errorMessage"]


def test_an_oauth_token_reads_for_its_person_as_a_header_and_in_the_url(ask, with_token, institution, anna):
    events = ask("/timetable").json()
    assert with_token("/timetable").json() == events
    token = institution.grant(anna, ["username"])
    assert ask(f"/timetable?access_token={token}", token=None, user=None).json() == events
    assert ask(f"/timetable?access_token={token}x", token=None, user=None).status_code == 401
    assert ask("/timetable", token=None, user=None, headers={"Authorization": "Bearer no"}).status_code == 401
    assert ask("/timetable", token=None, user=None, headers={"Authorization": "Basic abc"}).status_code == 401


def test_an_oauth_token_is_its_persons_whoever_else_is_named(ask, institution, anna):
    other, token = institution.people[1].username, institution.grant(anna, ["username"])
    assert ask("/user", user=other, headers={"Authorization": f"Bearer {token}"}).json()["username"] == anna


@pytest.mark.parametrize(
    ("scopes", "told"),
    [
        (["username"], {"username"}),
        (["user_read"], {"username", "roles"}),
        (["username", "user_read"], {"username", "roles"}),
        (["username", "profile_read"], {"username", "feedUrl"}),
        (["user_read", "profile_read", "messages_read"], {"username", "roles", "feedUrl"}),
    ],
)
def test_what_the_user_tells_depends_on_the_scopes(with_token, scopes, told):
    assert with_token("/user", *scopes).json().keys() == told


@pytest.mark.parametrize("scopes", [[], ["profile_read"], ["messages_read"]])
def test_without_a_scope_for_it_the_user_is_not_told(with_token, scopes):
    answer = with_token("/user", *scopes)
    assert (answer.status_code, answer.json()["errorType"]) == (403, "InsufficientScope")
    assert "username or user_read" in answer.json()["errorMessage"]


def test_messages_of_the_user_take_their_scope(with_token):
    assert with_token("/user/messages", "messages_read").status_code == 200
    assert with_token("/user/messages", "username", "user_read", "profile_read").status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/messages"),
        ("POST", "/messages"),
        ("GET", "/messages/1"),
        ("DELETE", "/messages/1"),
        ("PATCH", "/messages/1"),
    ],
)
def test_messages_are_for_an_api_token_with_their_role_only(ask, with_token, institution, method, path):
    institution.messages.add(title="Hello", body="You")
    data = {"title": "No", "body": "No"}
    assert ask(path, method, data=data).status_code == 403
    assert ask(path, method, token="sandbox-ordinary", user=None, data=data).status_code == 403
    assert with_token(path, "messages_read", method=method, data=data).status_code == 403
    assert [each.title for each in institution.messages.listed()] == ["Hello"]


def test_a_token_is_given_by_name_over_http_with_documented_scopes_only(ask, base, anna):
    import requests  # noqa: PLC0415 - the one test that is not about the API itself

    def grant(**arguments):
        return requests.post(f"{base}/sandbox/changes", json={"grant": arguments}, timeout=5)

    token = grant(username=anna, scopes=["username"]).json()["grant"]
    assert ask("/user", token=None, user=None, headers={"Authorization": f"Bearer {token}"}).json() == {
        "username": anna
    }
    assert grant(username=anna, scopes=["everything"]).status_code == 400
    assert grant(username="nobody", scopes=[]).status_code == 404
