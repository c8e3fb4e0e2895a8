from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from schedules.render import DEFAULT_TEMPLATES, VARIABLES, Rendering, TemplateProblemError
from timetables.base import Location, SourceEvent


def rendered(build, templates, **event):
    changed = {name: (each,) if isinstance(each, str) else each for name, each in templates.items()}
    return Rendering(replace(DEFAULT_TEMPLATES, **changed), "Europe/Amsterdam").event(build.source(**event))


def problem(**templates):
    with pytest.raises(TemplateProblemError) as raised:
        Rendering(replace(DEFAULT_TEMPLATES, **templates), "Europe/Amsterdam")
    return str(raised.value)


def test_the_first_complete_alternative_wins(build):
    templates = {"subject": ("{{ module_code }} {{ description }}", "{{ description }}")}
    assert rendered(build, templates).title == "CS1 Logic"
    assert rendered(build, templates, module_code=" ").title == "Logic"


def test_the_last_alternative_is_rendered_with_blanks_when_none_is_complete(build):
    templates = {"subject": ("{{ module_code }}", "<{{ description }}> <{{ event_type }}>")}
    assert rendered(build, templates, module_code="", description="").title == "<> <LEC>"


def test_an_attribute_counts_as_a_variable(build):
    templates = {"subject": ("{{ attributes.phase }}: {{ description }}", "{{ attributes['room'] }}", "none")}
    assert rendered(build, templates, attributes={"phase": "2"}).title == "2: Logic"
    assert rendered(build, templates, attributes={"room": "A1"}).title == "A1"
    assert rendered(build, templates, attributes={"other": "x"}).title == "none"
    assert rendered(build, templates).title == "none"


def test_a_list_without_texts_is_empty(build):
    templates = {"subject": ("{{ staff | join }}", "{{ locations | join }}", "none")}
    assert rendered(build, templates, staff=(" ", ""), locations=(Location(""),)).title == "none"


def test_false_is_not_empty(build):
    assert rendered(build, {"subject": ("{{ 'day' if all_day else 'hours' }}", "none")}).title == "hours"


def test_times_are_local(build):
    start = datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert rendered(build, {"subject": "{{ start.strftime('%H:%M') }}"}, start=start).title == "10:00"


def test_events_that_differ_only_in_what_is_shown_are_told_apart(build):
    rendering = Rendering(replace(DEFAULT_TEMPLATES, subject=("{{ attributes.n }}",)), "UTC")
    assert [rendering.event(build.source(attributes={"n": n})).title for n in ("1", "2", "1")] == ["1", "2", "1"]


def test_every_variable_can_be_used_and_has_a_sentence(build):
    for name, sentence in VARIABLES.items():
        assert sentence.endswith(".")
        rendered(build, {"subject": f"{{{{ {name} }}}}"})
    assert VARIABLES.keys() - {"location_links"} == {each.name for each in fields(SourceEvent)} - {"id", "hidden"}


def test_the_default_description_holds_what_a_person_needs(rendering, build):
    event = rendering.event(
        build.source(
            locations=(Location("A 1", url="https://rooms.example.org/a1"), Location("B 2")),
            staff=("Ada", "Alan"),
            student_sets=("Group 1",),
            notes=("Bring a pencil.\r\n", "And paper."),
            event_type_description="Lecture",
            conference_url="https://meet.example.org/x",
        )
    )
    assert (event.title, event.location, event.category) == ("CS1 Logic", "A 1, B 2", "Lecture")
    assert event.description == (
        "Staff: Ada, Alan\nGroups: Group 1\nOnline: https://meet.example.org/x\nWhere: https://rooms.example.org/a1\n\n"
        "Bring a pencil.\n\nAnd paper."
    )


def test_an_event_that_says_nothing_still_has_a_title(rendering, build):
    event = rendering.event(build.source(module_code="", description="", event_type=""))
    assert (event.title, event.location, event.description, event.category) == ("(untitled)", "", "", "")


def test_nothing_is_escaped_for_html(rendering, build):
    assert rendering.event(build.source(description="<b> & 'c'")).title == "CS1 <b> & 'c'"


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ({"subject": ("{{ description }}", "{% if %}")}, "subject, template 2, line 1: "),
        ({"description": ("\n{{ description | shout }}",)}, "description, template 1, line 2: No filter named 'shout'"),
        (
            {"location": ("{{ modul_code }}",)},
            "location, template 1: unknown variable modul_code; known are description",
        ),
        ({"location": ("{{ range(9) }}",)}, "location, template 1: unknown variable range"),
        ({"category": ()}, "category: no template"),
        (
            {"subject": ("{{ description.a.b }}",)},
            "subject, template 1: cannot be rendered for every event: 'str object'",
        ),
        ({"subject": ("{{ ''.__class__.mro }}",)}, "subject, template 1: cannot be rendered for every event: access"),
        ({"subject": ("{{ 1 // (description | length) }}",)}, "cannot be rendered for every event: ZeroDivisionError"),
        ({"subject": ("{% include 'x' %}",)}, "subject, template 1: cannot be rendered for every event: TypeError"),
    ],
)
def test_a_wrong_template_is_a_problem_with_its_place(templates, said):
    assert said in problem(**templates)


def test_what_only_an_odd_event_shows_names_the_template_and_not_the_event(build):
    rendering = Rendering(replace(DEFAULT_TEMPLATES, subject=("{{ 1 // (description | length - 6) }}",)), "UTC")
    with pytest.raises(TemplateProblemError, match=r"^subject, template 1: .*ZeroDivisionError$"):
        rendering.event(build.source(description="secret"))
