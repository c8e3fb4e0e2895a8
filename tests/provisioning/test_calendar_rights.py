"""Who may do what with calendar schedules, and where a token does not reach."""

import pytest
from fastapi.routing import iter_route_contexts

from provisioning import rights
from provisioning.app import application
from provisioning.rights import MisplacedRightError, Right

TENANT = "/api/v1/tenants/example"
NAMES = {"tenant": "example", "user": "alice", "username": "alice", "schedule": "Exams", "period": "First"}
PERIOD = {"name": "First", "type": "Full days", "startDay": "2026-10-01", "stopDay": "2026-10-02"}
PLACES = [f"{TENANT}", f"{TENANT}/groups/law", f"{TENANT}/groups/law/users/alice"]
READING = ["/", "/Exams/", "/Exams/First/", "/Exams/occurrences?from=2026-10-01&to=2026-10-02", "/Exams.ics"]
WRITING = [
    ("POST", "/"),
    ("DELETE", "/"),
    ("PUT", "/Exams/"),
    ("DELETE", "/Exams/"),
    ("POST", "/Exams/"),
    ("PUT", "/Exams/First/"),
    ("POST", "/Exams/First/"),
    ("DELETE", "/Exams/First/"),
    ("POST", "/Exams/public_holidays/"),
    ("PUT", "/Exams.ics"),
]


@pytest.fixture
def filled(api):
    """A schedule at every level, and two groups with somebody in each."""
    for username, group in (("alice", "law"), ("bob", "arts")):
        api.put(f"/users/{username}")
        api.put(f"{TENANT}/groups/{group}/users/{username}")
    for place in PLACES:
        made = api.post(f"{place}/calendar_schedules/", json={"name": "Exams", "periods": [PERIOD]})
        assert made.status_code == 201
    return api


def every_call(installation, **names):
    """Method and path of each call of the API of schedules, as the application has it."""
    found = [
        (method, context.path.format(**{**NAMES, **names}))
        for context in iter_route_contexts(application(installation).routes)
        if (context.path or "").startswith("/api/v1/tenants/")
        for method in sorted(context.methods or ())
    ]
    assert len(found) == len(PLACES) * (len(READING) + len(WRITING)) + 5
    return found


@pytest.mark.parametrize("right", [Right.END_USER, Right.GROUP_ADMIN])
def test_another_groups_things_are_not_there_in_any_call(filled, installed, refused, right):
    before = filled.sql("SELECT s.*, p.* FROM calendar_schedules s JOIN calendar_periods p ON p.schedule_id = s.id")
    stranger = filled.with_token(roles=(), right=right, group="arts")
    for method, path in every_call(installed, group="law"):
        answer = stranger.call(method, path, data=b"no JSON, whatever else is wrong", headers={"Content-Type": "x/y"})
        refused(answer, 404)
        same = stranger.call(method, path.replace("/law", "/nowhere").replace("/Exams", "/Nothing"))
        assert answer.json() == same.json()
    assert before == filled.sql(
        "SELECT s.*, p.* FROM calendar_schedules s JOIN calendar_periods p ON p.schedule_id = s.id"
    )


def test_another_tenants_things_are_not_there_in_any_call(filled, installed, refused):
    stranger = filled.with_token(key="other")
    for method, path in every_call(installed, group="law"):
        refused(stranger.call(method, path), 404)


def test_every_call_needs_a_token(filled, installed, refused):
    filled.headers = {}
    for method, path in every_call(installed, group="law"):
        refused(filled.call(method, path), 401)


def test_a_token_without_a_right_is_refused_and_one_that_provisions_is_a_tenant_admin(filled, refused):
    refused(filled.with_token(roles=()).get(f"{TENANT}/calendar_schedules/"), 403, "--right")
    assert filled.get(f"{TENANT}/calendar_schedules/").json() == {"schedules": [{"name": "Exams"}]}
    reader = filled.with_token(right=Right.END_USER, group="law")
    refused(reader.get(f"{TENANT}/calendar_schedules/"), 404)
    assert reader.get("/users").status_code == 200
    admin = filled.with_token(roles=(), right=Right.TENANT_ADMIN)
    assert admin.get(f"{TENANT}/calendar_schedules/").status_code == 200
    refused(admin.get("/users"), 403, "ROLE_API_PROVISIONING")


@pytest.mark.parametrize("place", PLACES[1:])
def test_an_end_user_reads_and_a_group_admin_writes(filled, refused, place):
    reader = filled.with_token(roles=(), right=Right.END_USER, group="law")
    writer = filled.with_token(roles=(), right=Right.GROUP_ADMIN, group="law")
    for path in READING:
        assert reader.get(f"{place}/calendar_schedules{path}").status_code == 200, path
    refused(reader.get(f"{place}/calendar_schedules/?allLevels=true"), 403, "Group Admin")
    assert writer.get(f"{place}/calendar_schedules/?allLevels=true").status_code == 200
    for method, path in WRITING:
        refused(reader.call(method, f"{place}/calendar_schedules{path}"), 403, "Group Admin")
    assert writer.delete(f"{place}/calendar_schedules/Exams/").status_code == 200


def test_a_call_for_one_person_reaches_that_persons_schedules_only(filled, refused):
    acting = filled.acting("alice")
    assert acting.get(f"{PLACES[2]}/calendar_schedules/Exams/").status_code == 200
    for place in PLACES[:2]:
        refused(acting.get(f"{place}/calendar_schedules/"), 403, "requestedAuth")
    refused(filled.acting("bob").get(f"{PLACES[2]}/calendar_schedules/"), 403, "requestedAuth")


def test_a_person_of_another_group_is_not_there(filled, refused):
    refused(filled.get(f"{TENANT}/groups/arts/users/alice/calendar_schedules/"), 404)


@pytest.mark.parametrize(
    ("right", "group", "right_so"),
    [
        (None, None, True),
        (Right.TENANT_ADMIN, None, True),
        (Right.GROUP_ADMIN, "law", True),
        (Right.END_USER, "law", True),
        (Right.END_USER, None, False),
        (Right.GROUP_ADMIN, None, False),
        (Right.TENANT_ADMIN, "law", False),
        (None, "law", False),
    ],
)
def test_a_group_stands_with_the_rights_of_one(right, group, right_so):
    if right_so:
        assert rights.check(right, group) is None
    else:
        with pytest.raises(MisplacedRightError, match="--group"):
            rights.check(right, group)
