"""The sandbox's Connect Daily: one event, made, read, changed, forked and deleted."""

import pytest

NOVEMBER_23 = 2_461_368
"""As a Julian day number."""


def diagnostic(answer):
    said = answer.json()
    assert said["error"] == 1
    assert isinstance(said["message"], str)
    return answer.status_code


class TestGet:
    def test_by_number_and_by_guid_the_same(self, client):
        made = client.make()
        for address in (str(made["cal_item_id"]), f"itemguid={made['itemguid']}"):
            answer = client("GET", address)
            assert (answer.status_code, answer.json()) == (200, made)

    def test_days_are_julian_numbers(self, client):
        made = client.make()
        assert (made["starting_date"], made["ending_date"]) == (NOVEMBER_23, NOVEMBER_23)

    @pytest.mark.parametrize("address", ["999", "itemguid=nobody", "choir"])
    def test_what_is_not_there_is_not_found(self, client, address):
        assert client("GET", address).status_code == 404

    def test_what_the_account_may_not_see_is_refused(self, client, daily):
        hidden = daily.put(calendar_id=daily.add_calendar("Board"), description="Secret", starting_date="2026-11-23")
        assert client("GET", str(hidden["cal_item_id"])).status_code == 403


class TestCreate:
    def test_the_answer_is_the_new_event(self, client):
        made = client.make(itemguid="chosen-by-us", contact_name="Anna", custom="x")
        assert (made["itemguid"], made["contact_name"], made["custom"]) == ("chosen-by-us", "Anna", "x")
        assert made["rec_type"] == 3
        assert client("GET", "itemguid=chosen-by-us").json() == made

    @pytest.mark.parametrize("day", ["2026-11-23", NOVEMBER_23])
    def test_days_may_be_given_in_both_forms(self, client, day):
        made = client.make(starting_date=day, ending_date=day, exceptions=[day])
        assert (made["starting_date"], made["exceptions"]) == (NOVEMBER_23, [NOVEMBER_23])

    @pytest.mark.parametrize("right", ["view", None])
    def test_without_the_right_to_the_calendar_it_is_refused(self, client, daily, right):
        daily.rights = {(client.account["user_id"], client.calendar): right}
        answer = client("POST", body={"description": "Choir", "starting_date": 1, "calendar_id": client.calendar})
        assert answer.status_code == 403

    @pytest.mark.parametrize("number", ["3rd", None, [1]])
    def test_what_is_no_calendar_is_one_without_the_right(self, client, number):
        answer = client("POST", body={"description": "Choir", "starting_date": 1, "calendar_id": number})
        assert diagnostic(answer) == 403

    @pytest.mark.parametrize(
        "fields",
        [
            {"description": ""},
            {"starting_date": "23 November"},
            {"starting_date": None},
            {"starting_time": "7pm"},
            {"ending_time": "18:00:00"},
            {"ending_date": "2026-11-22"},
            {"rec_type": 4},
            {"contact_name": "x" * 129},
            {"itemguid": "taken"},
        ],
        ids=str,
    )
    def test_a_bad_event_is_an_error_of_500(self, client, daily, fields):
        daily.longest = {"contact_name": 128}
        client.make(itemguid="taken")
        usual = {"description": "Choir", "starting_date": "2026-11-23", "starting_time": "19:00:00"}
        answer = client("POST", body={**usual, "calendar_id": client.calendar, **fields})
        assert diagnostic(answer) == 500
        assert len(daily.events(client.calendar)) == 1

    def test_what_is_no_event_is_one_too(self, client):
        assert diagnostic(client("POST", body=[1])) == 500


class TestUpdate:
    def test_the_answer_is_what_a_get_would_give(self, client):
        made = client.make()
        answer = client("PUT", str(made["cal_item_id"]), {**made, "description": "Rehearsal"})
        assert answer.status_code == 200
        assert answer.json()["description"] == "Rehearsal"
        assert client("GET", f"itemguid={made['itemguid']}").json() == answer.json()

    def test_its_number_and_guid_stay(self, client):
        made = client.make()
        answer = client("PUT", str(made["cal_item_id"]), {**made, "cal_item_id": 77, "itemguid": "other"})
        assert (answer.json()["cal_item_id"], answer.json()["itemguid"]) == (made["cal_item_id"], made["itemguid"])

    def test_a_refusal_is_a_200_with_an_error(self, client):
        made = client.make()
        assert diagnostic(client("PUT", str(made["cal_item_id"]), {**made, "description": ""})) == 200
        assert client("GET", str(made["cal_item_id"])).json() == made

    def test_so_is_a_conflict_over_a_resource(self, client):
        client.make(resource_id=5)
        made = client.make(resource_id=5, starting_date="2026-11-24")
        moved = {**made, "starting_date": "2026-11-23", "ending_date": "2026-11-23"}
        assert diagnostic(client("PUT", str(made["cal_item_id"]), moved)) == 200
        assert client("GET", str(made["cal_item_id"])).json() == made

    def test_what_another_changed_meanwhile_is_a_409(self, client):
        made = client.make()
        client("PUT", str(made["cal_item_id"]), {**made, "description": "Theirs"})
        assert client("PUT", str(made["cal_item_id"]), {**made, "description": "Ours"}).status_code == 409
        assert client("GET", str(made["cal_item_id"])).json()["description"] == "Theirs"

    def test_what_is_not_there_or_not_allowed(self, client, daily):
        made = client.make()
        assert client("PUT", "999", made).status_code == 404
        daily.rights["11", client.calendar] = "view"
        assert client("PUT", str(made["cal_item_id"]), made).status_code == 403


class TestFork:
    def test_one_date_becomes_an_event_and_an_exception_of_the_series(self, client, weekly):
        answer = client("POST", f"itemguid={weekly['itemguid']}", fork="1", starting_date="2026-11-30")
        assert answer.status_code == 201
        number = answer.json()["cal_item_id"]
        assert answer.json() == {"error": 0, "message": None, "cal_item_id": number}
        one = client("GET", str(number)).json()
        assert (one["rec_type"], one["starting_date"], one["ending_date"]) == (3, NOVEMBER_23 + 7, NOVEMBER_23 + 7)
        assert (one["description"], one["starting_time"]) == (weekly["description"], weekly["starting_time"])
        assert one["itemguid"] != weekly["itemguid"]
        assert client("GET", str(weekly["cal_item_id"])).json()["exceptions"] == [NOVEMBER_23 + 7]

    @pytest.mark.parametrize("day", ["2026-11-24", "2026-12-21", "2026-11-16", "someday", ""])
    def test_the_series_must_occur_on_that_day(self, client, weekly, day):
        answer = client("POST", str(weekly["cal_item_id"]), fork="1", starting_date=day)
        assert diagnostic(answer) == 400
        assert client("GET", str(weekly["cal_item_id"])).json() == weekly

    def test_no_day_is_forked_twice(self, client, weekly):
        for status in (201, 400):
            answer = client("POST", str(weekly["cal_item_id"]), fork="1", starting_date="2026-11-30")
            assert answer.status_code == status

    def test_a_daily_series_has_the_recurrence_type_0(self, client):
        series = client.make(rec_type=0, ending_date="2026-11-25")
        assert client("POST", str(series["cal_item_id"]), fork="1", starting_date="2026-11-24").status_code == 201

    def test_what_takes_place_once_cannot_be_forked(self, client):
        made = client.make()
        assert diagnostic(client("POST", str(made["cal_item_id"]), fork="1", starting_date="2026-11-23")) == 400

    def test_there_is_nothing_else_to_do_with_an_event(self, client, weekly):
        assert client("POST", str(weekly["cal_item_id"]), starting_date="2026-11-30").status_code == 400

    def test_what_is_not_there_or_not_allowed(self, client, daily, weekly):
        asked = {"fork": "1", "starting_date": "2026-11-30"}
        assert client("POST", "999", **asked).status_code == 404
        daily.rights["11", client.calendar] = "view"
        assert client("POST", str(weekly["cal_item_id"]), **asked).status_code == 403


class TestDelete:
    def test_a_deleted_event_is_not_found(self, client):
        made = client.make()
        assert client("DELETE", f"itemguid={made['itemguid']}").status_code == 204
        assert client("DELETE", str(made["cal_item_id"])).status_code == 404
        assert client("GET", str(made["cal_item_id"])).status_code == 404

    def test_without_the_right_it_is_refused(self, client, daily):
        made = client.make()
        daily.rights["11", client.calendar] = "view"
        assert client("DELETE", str(made["cal_item_id"])).status_code == 403
        assert client("GET", str(made["cal_item_id"])).status_code == 200

    def test_anything_else_is_a_200_with_an_error(self, client, daily):
        made = client.make()
        daily.locked.add(made["cal_item_id"])
        assert diagnostic(client("DELETE", str(made["cal_item_id"]))) == 200
        assert client("GET", str(made["cal_item_id"])).status_code == 200


@pytest.mark.parametrize(("user", "token"), [("11", "wrong"), ("12", "aadfk23894238482adfaaeea948934"), ("", "")])
def test_a_wrong_user_or_token_is_refused_everywhere(client, user, token):
    made = client.make()
    client.log_in(user, token)
    for verb in ("GET", "PUT", "POST", "DELETE"):
        assert client(verb, str(made["cal_item_id"]), made, fork="1").status_code == 403
    assert client("POST", body=made).status_code == 403
    for path in ("rss/calendar_id/list.xml", f"iCal/calendar_id/{client.calendar}.ics"):
        assert client.export(path).status_code == 403
