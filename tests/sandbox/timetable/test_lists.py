import pytest


def test_types_say_which_have_children_and_which_have_options(ask):
    kinds = {kind["name"]: kind for kind in ask("/timetabletypesdetails").json()["timetableTypes"]}
    assert list(kinds) == ask("/timetabletypes").json()["timetableType"]
    assert [name for name, kind in kinds.items() if kind["parent"]] == ["pos", "zone"]
    assert [name for name, kind in kinds.items() if kind["optionSelectable"]] == ["module"]
    assert [name for name, kind in kinds.items() if kind["childOptionSelectable"]] == ["pos"]
    weights = [kind["weight"] for kind in kinds.values()]
    assert weights == sorted(set(weights))


def test_types_are_called_by_a_name_in_the_language_asked_for(ask):
    dutch = ask("/timetabletypesdetails", headers={"Accept-Language": "nl"}).json()["timetableTypes"]
    english = ask("/timetabletypesdetails").json()["timetableTypes"]
    assert (dutch[0]["description"], english[0]["description"]) == ("Vak", "Course")


@pytest.mark.parametrize("kind", ["module", "pos", "studentset", "staff", "location", "zone"])
def test_every_timetable_in_a_list_can_be_read_and_subscribed_to(ask, kind):
    found = ask(f"/timetables?type={kind}").json()["timetable"]
    assert len({each["value"] for each in found}) == len(found) > 0
    key = found[-1]["value"]
    assert ask(f"/timetables/{key}?limit=1").json() != []
    assert ask(f"/subscriptions/{key}", "POST").status_code == 204
    assert ask("/subscriptions").json()[-1]["description"] == found[-1]["description"]


def test_timetables_are_searched_paged_and_of_one_database(ask):
    every = ask("/timetables?type=module").json()["timetable"]
    assert len(every) == 72
    assert ask("/timetables?type=module&offset=2&limit=3").json()["timetable"] == every[2:5]
    assert ask("/timetables?type=module&offset=70").json()["timetable"] == every[70:]
    assert ask("/timetables?type=module&offset=72").json()["timetable"] == []
    found = ask("/timetables?type=module&q=optics").json()["timetable"]
    assert {each["description"] for each in found} == {"PHY102 Optics 1", "PHY202 Optics 2"}
    assert {each["value"].split("!")[0] for each in every} == {"2026"}
    assert ask("/timetables?type=module&d=2027").json()["timetable"][0]["value"].startswith("2027!module!")
    assert ask("/timetables?type=module&d=1999").json()["timetable"] == []


@pytest.mark.parametrize("resource", ["/timetables", "/timetablefilters"])
def test_a_list_and_its_filters_take_a_type(ask, resource):
    for path in (resource, f"{resource}?type="):
        answer = ask(path)
        assert (answer.status_code, answer.json()["errorType"]) == (400, "MissingParameter")
        assert "type" in answer.json()["errorMessage"]


def test_a_filter_leaves_the_timetables_that_have_one_of_its_values(ask):
    (department, level) = ask("/timetablefilters?type=module").json()["filterattribute"]
    assert (department["type"], level["type"]) == ("department", "level")
    sizes = []
    for option in department["option"]:
        found = ask("/timetables", params={"type": "module", "departmentFilter": option["value"]}).json()["timetable"]
        sizes.append(len(found))
    assert sizes == [12] * 6
    law = next(each["value"] for each in department["option"] if each["name"] == "Faculty of Law")
    path = f"/timetables?type=module&departmentFilter={law}"
    first = ask(f"{path}&levelFilter=1").json()["timetable"]
    assert {each["description"][:4] for each in first} == {"LAW1"}
    assert len(ask(f"{path}&levelFilter=1&levelFilter=2").json()["timetable"]) == 12
    assert len(ask(f"{path}&q=tax").json()["timetable"]) == 2
    assert ask(f"{path}&levelFilter=3").json()["timetable"] == []


def test_a_filter_leaves_what_the_other_filters_still_have(ask):
    every = ask("/timetablefilters?type=module").json()["filterattribute"]
    law = next(each["value"] for each in every[0]["option"] if each["name"] == "Faculty of Law")
    left = ask(f"/timetablefilters?type=module&departmentFilter={law}").json()["filterattribute"]
    assert [each["value"] for each in left[0]["option"]] == [law]
    assert left[1] == every[1]
    assert ask("/timetablefilters?type=module&d=2027").json()["filterattribute"] == every


def test_a_filter_that_a_type_has_not_is_a_400_that_names_those_it_has(ask):
    for resource in ("/timetables", "/timetablefilters"):
        answer = ask(f"{resource}?type=module&zoneFilter=1")
        assert (answer.status_code, answer.json()["errorType"]) == (400, "BadParameter")
        assert "zoneFilter; there is departmentFilter, levelFilter" in answer.json()["errorMessage"]
    assert ask("/timetablefilters?type=user").json()["filterattribute"] == []


def test_options_of_a_course_are_its_student_sets_and_elsewhere_there_are_none(ask, key_of):
    content = ask(f"/timetables/{key_of('module', 'Optics')}/options").json()
    assert content["allEquivalent"] is False
    assert len(content["options"]) == 2
    for kind in ("pos", "location", "zone", "staff", "studentset"):
        assert ask(f"/timetables/{key_of(kind)}/options").json() == {"allEquivalent": True, "options": []}


def test_options_are_equivalent_once_nothing_is_for_one_of_them_alone(ask, institution, key_of):
    key = key_of("module", "Optics")
    for event in institution.events_in(key):
        if len(event.student_sets) < 2:
            institution.cancel(event.id(institution.zone))
    content = ask(f"/timetables/{key}/options").json()
    assert (content["allEquivalent"], len(content["options"])) == (True, 2)


def test_a_child_is_found_under_its_own_parent_by_its_key_or_the_end_of_it(ask, key_of):
    parent, key = key_of("pos", "Physics"), key_of("module", "Optics")
    whole = ask(f"/timetables/{key}/options").json()
    for each in (key, key.split("!")[2]):
        assert ask(f"/timetables/{parent}/{each}/options").json() == whole
    assert ask(f"/timetables/{key_of('pos', 'Law')}/{key}/options").status_code == 404
    assert ask(f"/timetables/{key}/{key}/options").status_code == 404
    assert ask("/timetables/none/options").status_code == 404
