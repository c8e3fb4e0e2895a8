"""Every route there is, asked with every kind of token: each opens what it is for, and nothing of another tenant."""

import pytest
from fastapi.routing import iter_route_contexts

from provisioning.app import application
from provisioning.rights import Right
from provisioning.tokens import Capability
from worker import ledger

OPEN = {"/health", "/docs", "/openapi.json", "/calendars/{secret}", "/link/{kind}", "/link/{kind}/callback"}
"""What asks for no token."""
METRICS = "/metrics"
"""What asks for one of its own, and is not there without."""
NOTIFICATIONS, SCHEDULES = "/api/v0/notifications/", "/api/v1/tenants/"
NAMES = {"id": "1", "username": "alice", "type": "memory", "name": "Ends", "tenant": "example", "group": "law"}
NAMES |= {"user": "alice", "schedule": "Exams", "period": "First"}
KINDS = {
    "none of them": ({}, ()),
    "that provisions": ({"roles": ["ROLE_API_PROVISIONING"]}, ("/api/v0/", "/api/v1/")),
    "of a Tenant Admin": ({"right": Right.TENANT_ADMIN}, (SCHEDULES,)),
    "of a Group Admin": ({"right": Right.GROUP_ADMIN, "group": "law"}, (SCHEDULES,)),
    "of an End User": ({"right": Right.END_USER, "group": "law"}, (SCHEDULES,)),
    "that notifies": ({"capabilities": [Capability.NOTIFY]}, (NOTIFICATIONS,)),
    "that reads notifications": ({"capabilities": [Capability.READ_NOTIFY]}, (NOTIFICATIONS,)),
}


def routes(installation):
    """Method and template of each call that asks for a token, as the application has it."""
    contexts = iter_route_contexts(application(installation).routes)
    found = [(method, each.path) for each in contexts for method in sorted(each.methods or ()) if each.path]
    closed = [(method, path) for method, path in found if path not in {*OPEN, METRICS}]
    assert {path for _, path in found} >= OPEN | {METRICS, "/api/v1/credentials", "/api/v0/synchronizations/{id}/link"}
    return closed


def whole(path):
    """The path of a route as `Api.call` wants it."""
    return path.format(**NAMES).removeprefix("/api/v0")


def rows(api):
    """What the first tenant has."""
    own = [name for name, table in ledger.Base.metadata.tables.items() if "tenant_id" in table.columns]
    return {name: api.sql(f"SELECT t::text FROM {name} t WHERE tenant_id = {api.tenant()}") for name in own}


@pytest.fixture
def filled(api):
    """Somebody with a synchronization and an unlink, in a group with a schedule, and a notification calendar."""
    api.synchronize("alice")
    api.synchronize("bob")
    api.delete("/synchronizations/2?unlinkMode=UNLINK_ONLY")
    api.put("/api/v1/tenants/example/groups/law/users/alice")
    api.post("/api/v1/tenants/example/calendar_schedules/", json={"name": "Exams"})
    notifying = api.with_token(roles=(), capabilities=[Capability.NOTIFY])
    assert notifying.post("/notifications/calendars", json={"name": "Ends"}).status_code == 201
    return api


def test_nothing_is_answered_without_a_token(filled, installed, refused):
    before, filled.headers = rows(filled), {}
    for method, path in routes(installed):
        refused(filled.call(method, whole(path)), 401, "token")
    assert rows(filled) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_opens_what_it_is_for_and_nothing_else(filled, installed, refused, kind):
    given, opens = KINDS[kind]
    caller = filled.with_token(**{"roles": (), **given})
    before = rows(filled)
    foreign = [
        (method, path)
        for method, path in routes(installed)
        if not path.startswith(opens) or (path.startswith(NOTIFICATIONS) and "capabilities" not in given)
    ]
    for method, path in foreign:
        refused(caller.call(method, whole(path)), 403, "token")
    assert rows(filled) == before
    assert len(foreign) < len(routes(installed)) or not opens


def test_who_may_read_notification_calendars_changes_none(filled, refused):
    reader = filled.with_token(roles=(), capabilities=[Capability.READ_NOTIFY])
    assert reader.get("/notifications/calendars").status_code == 200
    before = rows(filled)
    for method, path in (("POST", ""), ("POST", "/Ends"), ("DELETE", "/Ends")):
        body = {"name": "More", "mom_id": "x"}
        refused(reader.call(method, f"/notifications/calendars{path}", json=body), 403, "capability")
    assert rows(filled) == before


def test_a_token_of_another_tenant_with_every_right_reaches_and_tells_nothing(filled, installed):
    stranger = filled.with_token(
        key="other", roles=["ROLE_API_PROVISIONING"], capabilities=[Capability.NOTIFY], elevated=True
    )
    [(secret,)] = filled.sql("SELECT secret FROM notification_calendars")
    before = rows(filled)
    for method, path in sorted(routes(installed), key=lambda each: each[0] != "GET"):
        answer = stranger.call(method, whole(path), json={"username": "alice", "type": "memory", "name": "Ends"})
        assert answer.status_code < 500, (method, path)
        assert secret not in answer.text + str(answer.headers), (method, path)
        if "{id}" in path or path.startswith(SCHEDULES):
            assert answer.status_code in {400, 404}, (method, path)
    assert rows(filled) == before
