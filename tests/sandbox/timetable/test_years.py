import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.institution_model import NotPossibleError, UnknownNameError

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
def terms(ask):
    """The terms by name, each as its ranges of local times."""

    def told(**headers):
        return {term["name"]: [ranged(each) for each in term["dateRanges"]] for term in listed(ask, headers)}

    return told


def listed(ask, headers):
    return ask("/terms", headers=headers).json()["terms"]


def ranged(each):
    return tuple(datetime.fromtimestamp(each[name] / 1000, AMSTERDAM) for name in ("startDate", "endDate"))


def labels(ask, key, **arguments):
    return {
        (each["year"], each["week"]): each["description"]
        for each in ask(f"/weeklabelmaps/{key}", **arguments).json()["weeklabels"]
    }


def test_databases_are_told_by_key_and_by_label(ask):
    databases = ask("/databasedetails").json()["databases"]
    assert [each["label"] for each in databases] == ["2026/2027", "2027/2028"]
    assert [each["key"] for each in databases] == ask("/databases").json()["database"] == ["2026", "2027"]


def test_terms_are_each_year_and_its_blocks_without_the_holidays(terms):
    told = terms()
    assert list(told)[:6] == [
        "[2026/2027] All year",
        "[2026/2027] Block 1",
        "[2026/2027] Block 2",
        "[2026/2027] Block 3",
        "[2026/2027] Block 4",
        "[Term Time] All year",
    ]
    assert len(told) == 11
    assert told["[2026/2027] Block 1"] == [
        (datetime(2026, 8, 31, tzinfo=AMSTERDAM), datetime(2026, 9, 26, tzinfo=AMSTERDAM)),
        (datetime(2026, 10, 5, tzinfo=AMSTERDAM), datetime(2026, 11, 7, tzinfo=AMSTERDAM)),
    ]
    christmas = datetime(2026, 12, 25, tzinfo=AMSTERDAM)
    assert not any(start <= christmas < end for start, end in told["[2026/2027] All year"])


def test_a_term_begins_on_a_monday_at_local_midnight_and_no_two_blocks_overlap(terms):
    told = terms()
    for name, ranges in told.items():
        assert all((start.weekday(), start.hour, end.hour) == (0, 0, 0) for start, end in ranges), name
        assert all(start < end for start, end in ranges), name
    blocks = sorted(each for name, ranges in told.items() if "Block" in name for each in ranges)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(blocks))


def test_every_lecture_is_in_a_term(terms, institution, anna):
    blocks = [each for name, ranges in terms().items() if "Block" in name for each in ranges]
    lectures = [event for event in institution.timetable(anna) if event.type and event.type.id == "lecture"]
    assert lectures
    assert all(any(start <= event.start and event.end <= end for start, end in blocks) for event in lectures)


def test_terms_have_ids_of_their_own_whatever_they_are_called(ask):
    english, dutch = listed(ask, {}), listed(ask, {"Accept-Language": "nl-NL"})
    assert [each["id"] for each in english] == [each["id"] for each in dutch]
    assert len({each["id"] for each in english}) == len(english)
    assert {"[2026/2027] Hele jaar", "[2026/2027] Blok 1"} <= {each["name"] for each in dutch}


def test_a_term_is_over_at_another_time_or_gone_once_the_office_says_so(ask, institution, terms):
    block, other = (
        each["id"] for each in listed(ask, {}) if each["key"] in {"BLOCK1", "BLOCK2"} and "2026" in each["id"]
    )
    institution.end_term(block, datetime(2026, 9, 12, tzinfo=AMSTERDAM))
    institution.end_term(other)
    monday, saturday = (datetime(2026, *day, tzinfo=AMSTERDAM) for day in ((8, 31), (9, 12)))
    assert terms()["[2026/2027] Block 1"] == [(monday, saturday)]
    assert "[2026/2027] Block 2" not in terms()
    institution.end_term(block, datetime(2026, 11, 14, tzinfo=AMSTERDAM))
    assert terms()["[2026/2027] Block 1"][-1][1] == datetime(2026, 11, 14, tzinfo=AMSTERDAM)
    with pytest.raises(UnknownNameError, match="Term not found"):
        institution.end_term("2026!none")
    with pytest.raises(NotPossibleError, match="ends after it begins"):
        institution.end_term(block, monday)


def test_labels_of_the_syllabus_name_weeks_of_teaching_and_of_exams(ask):
    told = labels(ask, "SYLLABUS")
    assert told[2026, 36] == "wk 1.1"
    assert told[2026, 41] == "wk 1.5"
    assert told[2026, 45] == "exams 1"
    assert (2026, 53) not in told
    assert labels(ask, "SYLLABUS", headers={"Accept-Language": "nl"})[2026, 45] == "tentamens 1"


def test_labels_of_the_calendar_name_every_week_once(ask):
    told = labels(ask, "CALENDAR")
    assert told[2026, 53] == "wk 53"
    assert told[2027, 1] == "wk 1"
    mondays = sorted(date.fromisocalendar(*week, 1) for week in told)
    assert all(later - earlier == timedelta(weeks=1) for earlier, later in itertools.pairwise(mondays))
    assert (mondays[0], len(mondays)) == (date(2026, 8, 31), 105)


def test_the_old_form_writes_year_and_week_as_one_number(ask):
    old = {each["week"]: each["value"] for each in ask("/weeklabels").json()["weeklabel"]}
    assert old == {(year - 1900) * 100 + week: text for (year, week), text in labels(ask, "SYLLABUS").items()}
    assert old[12636] == "wk 1.1"


def test_the_default_map_depends_on_who_is_asked_for(ask, institution, anna):
    staff = next(person.username for person in institution.people if "ROLE_STAFF" in person.roles)
    for user, default in ((anna, "SYLLABUS"), (staff, "CALENDAR"), (None, "SYLLABUS")):
        maps = ask("/weeklabelmaps", user=user).json()["weeklabelmaps"]
        assert [each["key"] for each in maps if each["isDefault"]] == [default]
        assert ask(f"/weeklabelmaps/{default}", user=user).json()["isDefault"] is True
    old = ask("/weeklabels", user=staff).json()["weeklabel"]
    assert old[0] == {"week": 12636, "value": "wk 36"}


def test_a_map_that_there_is_not_is_a_404_that_names_those_there_are(ask):
    answer = ask("/weeklabelmaps/syllabus")
    assert answer.status_code == 404
    assert "SYLLABUS, CALENDAR" in answer.json()["errorMessage"]


@pytest.mark.parametrize("month", range(1, 13))
def test_the_two_years_are_those_of_the_events(month):
    from sandbox.institution import Institution  # noqa: PLC0415 - another one than the fixture's

    institution = Institution(now=datetime(2027, month, 14, 9, tzinfo=UTC))
    assert institution.databases == (("2026", "2027") if month < 8 else ("2027", "2028"))
