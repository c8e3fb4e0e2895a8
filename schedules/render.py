"""What an event says in the calendar: the tenant's Jinja2 templates, filled with the source's words.

Templates run in Jinja2's sandbox, without its globals. Of the alternatives for a text the first complete one wins:
the first that names no empty variable. If none is complete, the last is rendered with blanks.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from providers.base import Event
from schedules.normalise import line, paragraphs, span
from timetables.base import Location, SourceEvent

VARIABLES: Mapping[str, str] = {
    "description": "The event's own description.",
    "module_code": "The code of the module it belongs to.",
    "event_type": "The short name of its type.",
    "event_type_description": "The type in words.",
    "locations": "A list of the names of its locations.",
    "location_links": "A list of the web addresses of its locations.",
    "staff": "A list of the names of its staff.",
    "student_sets": "A list of its student sets, or groups.",
    "tags": "A list of its tags.",
    "notes": "A list of its notes.",
    "department": "The department that organizes it.",
    "conference_url": "The web address to attend it online.",
    "recording_url": "The web address of its recording.",
    "start": "When it starts, a date and time in the tenant's zone.",
    "end": "When it ends, a date and time in the tenant's zone.",
    "all_day": "True for an event of whole days.",
    "attributes": "Whatever else the source tells, by name: attributes.phase.",
}
"""The names that a template may use, with a sentence each."""

REMEMBERED = 4_096
"""How many renderings are kept, of some 2 kB each: a lecture recurs for weeks and in many timetables."""

_FIELDS = {"location_links": "locations"}
_CAN_FAIL = (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Templates:
    """The sources of a tenant's templates: for each text its alternatives, in order."""

    subject: tuple[str, ...]
    location: tuple[str, ...]
    description: tuple[str, ...]
    category: tuple[str, ...]


DEFAULT_TEMPLATES = Templates(
    subject=(
        "{{ module_code }} {{ description }}",
        "{{ description }}",
        "{{ module_code }} {{ event_type_description }}",
        "{{ event_type_description or module_code or event_type or '(untitled)' }}",
    ),
    location=("{{ locations | join(', ') }}",),
    description=(
        """\
{% if staff %}
Staff: {{ staff | join(', ') }}
{% endif %}
{% if student_sets %}
Groups: {{ student_sets | join(', ') }}
{% endif %}
{% if conference_url %}
Online: {{ conference_url }}
{% endif %}
{% if recording_url %}
Recording: {{ recording_url }}
{% endif %}
{% for link in location_links %}
Where: {{ link }}
{% endfor %}
{% for note in notes %}

{{ note }}
{% endfor %}
""",
    ),
    category=("{{ event_type_description }}", "{{ event_type }}"),
)


class TemplateProblemError(Exception):
    """The message names the template, what is wrong with it, and what may stand there."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One compiled template; `names` are the variables it names, `keys` the attributes, `place` is told to people."""

    place: str
    template: Template
    names: frozenset[str]
    keys: frozenset[str]

    def complete(self, context: Mapping[str, Any]) -> bool:
        """True when no variable that it names is empty; False is not empty."""
        if not all(context[name] or context[name] is False for name in self.names):
            return False
        return all(context["attributes"].get(key) for key in self.keys)

    def render(self, context: Mapping[str, Any]) -> str:
        """Raises: TemplateProblemError, which quotes Jinja2 but no other error: that might quote the event."""
        try:
            return self.template.render(context)
        except _CAN_FAIL as error:
            reason = str(error) if isinstance(error, TemplateError) else type(error).__name__
            raise TemplateProblemError(f"{self.place}: cannot be rendered for every event: {reason}") from error


def compile_templates(templates: Templates) -> dict[str, tuple[Alternative, ...]]:
    """The alternatives of each text by its name in Templates, each tried on an event with everything and the last on
    one with nothing.

    Raises: TemplateProblemError.
    """
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals.clear()
    compiled = {
        each.name: _compile(environment, each.name, getattr(templates, each.name)) for each in fields(templates)
    }
    full, bare = (_context(VARIABLES, event, UTC) for event in (_FULL, _BARE))
    for alternatives in compiled.values():
        for each in alternatives:
            each.render(full | {"attributes": dict.fromkeys(each.keys, "word")})
        alternatives[-1].render(bare)
    return compiled


class Rendering:
    """A tenant's compiled templates; never changes, shared between threads.

    Raises: TemplateProblemError, as `compile_templates`.
    """

    def __init__(self, templates: Templates, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._compiled = compile_templates(templates)
        self._names = {name for group in self._compiled.values() for each in group for name in each.names}
        self._fields = tuple(sorted({_FIELDS.get(name, name) for name in self._names} - {"attributes"}))
        self._texts = lru_cache(REMEMBERED)(self._render)

    def event(self, source: SourceEvent) -> Event:
        """Everything we would write of `source`. Raises: TemplateProblemError."""
        values = tuple([getattr(source, name) for name in self._fields])
        attributes = tuple(sorted(source.attributes.items())) if "attributes" in self._names else ()
        title, location, description, category = self._texts(values, attributes)
        start, end = span(source.start, source.end, self.zone, all_day=source.all_day)
        return Event(title, start, end, self.zone.key, source.all_day, location, description, category)

    def _render(self, values: tuple[Any, ...], attributes: tuple[tuple[str, str], ...]) -> tuple[str, str, str, str]:
        """The texts of an event of which the templates can see only this; remembered by it."""
        seen: dict[str, Any] = dict(zip(self._fields, values, strict=True))
        context = _context(self._names, replace(_BARE, **seen, attributes=dict(attributes)), self.zone)
        subject, location, description, category = (
            next((each for each in alternatives if each.complete(context)), alternatives[-1]).render(context)
            for alternatives in self._compiled.values()
        )
        return line(subject), line(location), paragraphs(description), line(category)


def _compile(environment: Environment, name: str, sources: tuple[str, ...]) -> tuple[Alternative, ...]:
    if not sources:
        raise TemplateProblemError(f'{name}: no template; write at least one, or "" to leave the text empty')
    return tuple(_alternative(environment, f"{name}, template {count}", each) for count, each in enumerate(sources, 1))


def _alternative(environment: Environment, place: str, source: str) -> Alternative:
    try:
        tree = environment.parse(source)
        template = environment.from_string(source)
    except TemplateSyntaxError as error:
        raise TemplateProblemError(f"{place}, line {error.lineno}: {error.message}") from error
    names = meta.find_undeclared_variables(tree)
    if unknown := sorted(names - VARIABLES.keys()):
        known = ", ".join(VARIABLES)
        raise TemplateProblemError(f"{place}: unknown variable {', '.join(unknown)}; known are {known}")
    return Alternative(place, template, frozenset(names), frozenset(_attributes(tree)))


def _attributes(tree: nodes.Template) -> Iterator[str]:
    """The names in `attributes.NAME` and `attributes['NAME']`."""
    for each in tree.find_all((nodes.Getattr, nodes.Getitem)):
        match each:
            case nodes.Getattr(node=nodes.Name(name="attributes"), attr=str(key)):
                yield key
            case nodes.Getitem(node=nodes.Name(name="attributes"), arg=nodes.Const(value=str(key))):
                yield key


def _context(names: Iterable[str], event: SourceEvent, zone: tzinfo) -> dict[str, Any]:
    return {name: _value(name, event, zone) for name in names}


def _value(name: str, event: SourceEvent, zone: tzinfo) -> object:
    if name == "location_links":
        return _given(place.url for place in event.locations)
    if name == "locations":
        return _given(place.name for place in event.locations)
    return _tidy(getattr(event, name), zone)


def _tidy(value: str | tuple[str, ...] | datetime | Mapping[str, str] | bool, zone: tzinfo) -> object:
    """Texts without spaces around them, lists without empty texts, times in `zone`."""
    match value:
        case str():
            return value.strip()
        case tuple():
            return _given(value)
        case datetime():
            return value.astimezone(zone)
        case Mapping():
            return {key: text.strip() for key, text in value.items()}
    return value


def _given(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(stripped for text in texts if (stripped := text.strip()))


_BARE = SourceEvent(datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 5, 11, tzinfo=UTC))
_FULL = SourceEvent(
    _BARE.start,
    _BARE.end,
    description="word",
    module_code="word",
    event_type="word",
    event_type_description="word",
    locations=(Location("word", "word", "word"),),
    staff=("word",),
    student_sets=("word",),
    tags=("word",),
    notes=("word",),
    department="word",
    conference_url="word",
    recording_url="word",
)
