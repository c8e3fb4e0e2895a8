"""Every example request of the documentation, in its order, with keys of this university for theirs."""

import pytest

OPTIONS = {"allEquivalent": bool, "options": [{"id": str, "name": str}]}
NAMED = (str, {"id": str, "key": str, "name": str})
ROOM = {
    "avoidConcurrencyLocationIds": [str],
    "bookUrl": (str, None),
    "capacity": int,
    "customAttributes": {},
    "examCapacity": (int, None),
    "id": str,
    "key": str,
    "name": str,
    "sipAddress": (str, None),
    "url": (str, None),
}
KIND = {"color": str, "description": str, "eventTypeGroup": {"description": str, "id": str}, "id": str}
EVENT = {
    "id": str,
    "activityDescription": str,
    "?activityTypeColor": (str, None),
    "?activityTypeDescription": (str, None),
    "?activityTypeName": (str, None),
    "allDay": bool,
    "conference": bool,
    "conferenceUrl": (str, None),
    "customAttributes": {"?language": str},
    "department": ({"id": str, "name": str}, None),
    "draft": bool,
    "endDate": int,
    "enrolled": None,
    "eventType": (KIND, None),
    "filtered": bool,
    "highlighted": bool,
    "locations": [ROOM],
    "moduleCode": (str, None),
    "notes": (str, None),
    "notes2": (str, None),
    "notes3": str,
    "recorded": bool,
    "recordingUrl": None,
    "staffMembers": [NAMED],
    "startDate": int,
    "students": [str],
    "studentSets": [NAMED],
    "tags": [{"key": str, "name": str}],
    "timetableKeys": [str],
}
CHILD = {
    "key": str,
    "database": str,
    "description": str,
    "childSubscriptions": [str],
    "enabled": bool,
    "enabledOptions": [{"id": str, "name": str}],
    "removable": bool,
    "type": str,
}
SUBSCRIPTION = {**CHILD, "childSubscriptions": [CHILD]}
GROUP = {"id": str, "description": str, "isFilteredByDefault": bool, "isFiltered": bool, "isFilteredForSync": bool}
TERM = {"dateRanges": [{"endDate": int, "startDate": int}], "id": str, "key": (str, None), "name": str}
MESSAGE = {
    "id": int,
    "title": str,
    "body": str,
    "important": bool,
    "publicationDate": (int, None),
    "expirationDate": (int, None),
    "targetRoles": [str],
    "bodyHtml": str,
}
HTML = {"Accept": "application/vnd.mytimetable.html+json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def told(ask, differences):
    """The content of a 200 with this shape, or of another answer with this status."""

    def content(shape, path, status=200, asking=ask, **arguments):
        answer = asking(path, **arguments)
        assert answer.status_code == status, answer.text
        assert differences(answer.json(), shape) == []
        assert answer.json()
        return answer.json()

    return content


def test_timetable_types(told):
    assert "module" in told({"timetableType": [str]}, "/timetabletypes")["timetableType"]


def test_timetable_types_in_detail(told):
    kind = dict.fromkeys(("childOptionSelectable", "optionSelectable", "parent"), bool)
    kind |= {"description": str, "name": str, "weight": int}
    assert told({"timetableTypes": [kind]}, "/timetabletypesdetails")["timetableTypes"]


def test_timetables_of_a_type(told):
    assert told({"timetable": [{"description": str, "value": str}]}, "/timetables?type=module")["timetable"]


def test_one_timetable(told, key_of):
    told([EVENT], f"/timetables/{key_of('module')}")


def test_options_of_a_timetable(told, key_of):
    content = told(OPTIONS, f"/timetables/{key_of('module', 'Optics')}/options")
    assert [each["name"] for each in content["options"]] == ["PHY 1A", "PHY 1B"]


def test_options_of_a_child(told, key_of):
    ident = key_of("module", "Optics").split("!")[2]
    content = told(OPTIONS, f"/timetables/{key_of('pos', 'Physics')}/{ident}/options")
    assert [each["name"] for each in content["options"]] == ["PHY 1A", "PHY 1B"]


def test_the_personal_timetable(told, ask, key_of):
    assert ask("/timetable?startDate=2012-07-10&endDate=2012-07-10&type=location&type=zone").json() == []
    ask(f"/subscriptions/{key_of('location', 'Lab Court')}", "POST")
    events = told([EVENT], "/timetable?startDate=2026-09-01&endDate=2027-07-10&type=location&type=zone")
    assert {room["name"] for event in events for room in event["locations"]} == {"Lab Court 0.01"}


def test_filters_of_a_type(told):
    filters = {"filterattribute": [{"option": [{"name": str, "value": str}], "type": str}]}
    assert told(filters, "/timetablefilters?type=pos")["filterattribute"][0]["type"] == "department"


def test_subscriptions(told, ask, key_of):
    ask(f"/subscriptions/{key_of('pos')}", "POST")
    assert told([SUBSCRIPTION], "/subscriptions")[-1]["childSubscriptions"]


def test_all_subscriptions_are_deleted(ask):
    assert ask("/subscriptions", "DELETE").status_code == 204
    assert {each["removable"] for each in ask("/subscriptions").json()} == {False}


def test_a_subscription_is_added(ask, key_of):
    assert ask(f"/subscriptions/{key_of('pos')}", "POST").status_code == 204
    assert ask("/subscriptions").json()[-1]["key"] == key_of("pos")


def test_a_subscription_is_deleted(ask, key_of):
    ask(f"/subscriptions/{key_of('pos')}", "POST")
    assert ask(f"/subscriptions/{key_of('pos')}", "DELETE").status_code == 204
    assert key_of("pos") not in [each["key"] for each in ask("/subscriptions").json()]


def test_a_subscription_is_switched(ask, key_of):
    ask(f"/subscriptions/{key_of('pos')}", "POST")
    assert ask(f"/subscriptions/{key_of('pos')}", "PUT", data={"state": "false"}).status_code == 204
    assert ask("/subscriptions").json()[-1]["enabled"] is False


def test_options_of_a_subscription_are_set_and_cleared(ask, key_of):
    key = key_of("module", "Optics")
    choice = ask(f"/timetables/{key}/options").json()["options"][0]
    ask(f"/subscriptions/{key}", "POST")
    assert ask(f"/subscriptions/{key}/options", "PUT", data={"option": choice["id"]}).status_code == 200
    assert ask("/subscriptions").json()[-1]["enabledOptions"] == [choice]
    assert ask(f"/subscriptions/{key}/options", "DELETE").status_code == 204
    assert ask("/subscriptions").json()[-1]["enabledOptions"] == []


def test_a_child_is_switched(ask, key_of):
    parent, key = key_of("zone"), key_of("location")
    ask(f"/subscriptions/{parent}", "POST")
    assert ask(f"/subscriptions/{parent}/{key}", "PUT", data={"state": "false"}).status_code == 204
    children = {each["key"]: each["enabled"] for each in ask("/subscriptions").json()[-1]["childSubscriptions"]}
    assert [each for each, enabled in children.items() if not enabled] == [key]


def test_options_of_a_child_are_set_and_cleared(ask, key_of):
    parent, key = key_of("pos", "Physics"), key_of("module", "Optics")
    choice = ask(f"/timetables/{parent}/{key}/options").json()["options"][0]
    path = f"/subscriptions/{parent}/{key.split('!')[2]}/options"
    ask(f"/subscriptions/{parent}", "POST")
    for method, status, options in (("PUT", 200, [choice]), ("DELETE", 204, [])):
        assert ask(path, method, data={"option": choice["id"]}).status_code == status
        children = {each["key"]: each for each in ask("/subscriptions").json()[-1]["childSubscriptions"]}
        assert children[key]["enabledOptions"] == options


def test_the_user(told):
    assert told({"feedUrl": str, "username": str, "roles": [str]}, "/user")["roles"]


def test_week_labels_in_the_old_form(told):
    assert told({"weeklabel": [{"week": int, "value": str}]}, "/weeklabels")["weeklabel"]


def test_maps_of_week_labels(told):
    assert told({"weeklabelmaps": [{"key": str, "isDefault": bool}]}, "/weeklabelmaps")["weeklabelmaps"]


def test_one_map_of_week_labels(told):
    label = {"year": int, "week": int, "description": str}
    assert told({"key": str, "isDefault": bool, "weeklabels": [label]}, "/weeklabelmaps/SYLLABUS")["weeklabels"]


def test_databases(told):
    assert told({"database": [str]}, "/databases")["database"]


def test_databases_in_detail(told):
    assert told({"databases": [{"key": str, "label": str}]}, "/databasedetails")["databases"]


def test_event_type_groups(told):
    assert told({"filteringEnabled": bool, "eventtypegroups": [GROUP]}, "/eventtypegroups")["eventtypegroups"]


def test_event_type_groups_are_changed(ask):
    body = "&".join(
        f"eventTypeGroups%5B{group}%5D%5BisFiltered%5D={state}"
        for group, state in (("Excursion", "true"), ("Lecture", "false"), ("Other", "false"))
    )
    assert ask("/eventtypegroups", "PATCH", data=body, headers=FORM).status_code == 204
    groups = {each["id"]: each["isFiltered"] for each in ask("/eventtypegroups").json()["eventtypegroups"]}
    assert [each for each, filtered in groups.items() if filtered] == ["Excursion"]


def test_terms(told):
    assert {each["key"] is None for each in told({"terms": [TERM]}, "/terms")["terms"]} == {True, False}


def test_messages_of_the_user(told, write):
    write(method="POST", data={"title": "Hello", "body": "*All*", "publicationDate": "today"})
    (message,) = told({"messages": [MESSAGE]}, "/user/messages", headers=HTML)["messages"]
    assert message["bodyHtml"] == "<p><em>All</em></p>"


def test_messages(told, write):
    write(method="POST", data={"title": "Hello", "body": "A draft"})
    (message,) = told({"messages": [MESSAGE]}, "/messages", asking=write, headers=HTML)["messages"]
    assert message["publicationDate"] is None


def test_a_message_is_written(told, write):
    body = (
        "title=Exams%20are%20near&body=%23%20A%20header%0AThis%20is%20some%20content.&important=true"
        "&publicationDate=2019-03-11&expirationDate=&targetRoles=ROLE_STAFF&targetRoles=ROLE_STUDENT"
    )
    assert told(MESSAGE, "/messages", 201, write, method="POST", data=body, headers=HTML | FORM) == {
        "id": 1,
        "title": "Exams are near",
        "body": "# A header\nThis is some content.",
        "important": True,
        "publicationDate": 1552258800000,
        "expirationDate": None,
        "targetRoles": ["ROLE_STAFF", "ROLE_STUDENT"],
        "bodyHtml": "<h1>A header</h1>\n<p>This is some content.</p>",
    }


def test_one_message(told, write):
    made = write(method="POST", data={"title": "Hello", "body": "You"}, headers=HTML).json()
    assert told(MESSAGE, "/messages/1", asking=write, headers=HTML) == made


def test_a_message_is_deleted(write):
    write(method="POST", data={"title": "Hello", "body": "You"})
    assert write("/messages/1", "DELETE").status_code == 204
    assert write("/messages/1", "DELETE").status_code == 404


def test_a_message_is_edited(told, write):
    made = {"title": "Hello", "body": "You", "important": "true", "expirationDate": "2019-04-01"}
    write(method="POST", data={**made, "targetRoles": "ROLE_STAFF"})
    body = (
        "title=Edited&body=%23%20An%20edited%20header&important=false&publicationDate=2019-03-11&expirationDate="
        "&targetRoles=ROLE_STAFF&targetRoles=ROLE_STUDENT"
    )
    assert told(MESSAGE, "/messages/1", asking=write, method="PATCH", data=body, headers=HTML | FORM) == {
        "id": 1,
        "title": "Edited",
        "body": "# An edited header",
        "important": False,
        "publicationDate": 1552258800000,
        "expirationDate": None,
        "targetRoles": ["ROLE_STAFF", "ROLE_STUDENT"],
        "bodyHtml": "<h1>An edited header</h1>",
    }
