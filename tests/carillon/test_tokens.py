"""Tokens that end, and tokens for notification calendars, from the command line."""

from datetime import UTC, datetime, timedelta

import pytest


def listed(carillon):
    return carillon("token", "list", as_json=True)["tokens"]


def test_a_token_can_be_made_to_end_after_a_time_or_on_a_day(carillon):
    made = carillon("token", "create", "scripts", "--expires", "90d", as_json=True)
    end = datetime.fromisoformat(made["expires"])
    assert timedelta(days=89, hours=23) < end - datetime.now(UTC) <= timedelta(days=90)
    carillon("token", "create", "portal", "--expires", "2099-05-01")
    carillon("token", "create", "forever")
    assert [each["expires"] for each in listed(carillon)] == [str(end), "2099-05-01 00:00:00+00:00", None]
    assert "2099-05-01 00:00" in carillon("token", "list").output


@pytest.mark.parametrize(
    ("given", "said"),
    [("soon", "2027-05-01"), ("90", "90d"), ("99999999999d", "90d"), ("2020-01-01", "past"), ("0d", "past")],
)
def test_an_end_that_is_none_is_told_with_what_was_expected(carillon, given, said):
    stderr = carillon("token", "create", "scripts", "--expires", given, status=2).stderr
    assert said in stderr
    assert "Traceback" not in stderr


def test_a_token_for_notification_calendars_has_no_role_unless_it_is_given_one(carillon):
    notify, read = "manage_mytokens:notify", "read@manage_mytokens:notify"
    carillon("token", "create", "calendars", "--capability", notify)
    carillon("token", "create", "both", "--capability", read, "--role", "ROLE_API_PROVISIONING")
    assert [(each["capabilities"], each["roles"]) for each in listed(carillon)] == [
        ([notify], []),
        ([read], ["ROLE_API_PROVISIONING"]),
    ]
    assert notify in carillon("token", "list").output
    assert notify in carillon("token", "create", "other", "--capability", "everything", status=2).stderr


def test_a_token_that_rotates_is_one_that_changes_notification_calendars(carillon):
    rotating = ("token", "create", "renewals", "--rotating")
    for given in ((), ("--capability", "read@manage_mytokens:notify")):
        assert "--rotating goes with" in carillon(*rotating, *given, status=1).stderr
    carillon(*rotating, "--capability", "manage_mytokens:notify")
    carillon("token", "create", "portal", "--capability", "manage_mytokens:notify")
    assert [(each["name"], each["rotating"]) for each in listed(carillon)] == [("renewals", True), ("portal", False)]
    assert "rotating" in carillon("token", "list").output
