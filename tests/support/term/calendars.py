"""Single events as their server keeps them, whole; and what people's other programs leave there."""

import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import icalendar

from loop.boxes import DailyBox, DavBox, ExchangeBox, GoogleBox
from providers.base import Ref

_VOLATILE = {
    *("etag", "updated", "sequence"),
    *("change_key", "revision", "modified"),
    *("DTSTAMP", "LAST-MODIFIED", "SEQUENCE"),
}
"""What a server changes by itself with every change."""
_ANOTHER_SET = "11000e07-b51b-40d6-af21-caa85edab1d0"


def whole(box, name):
    """Everything the server keeps of an event."""
    match box:
        case DavBox():
            return box.mailbox.person.send("GET", name).content
        case DailyBox():
            return box.mailbox.kept(Ref(name))
        case GoogleBox():
            return box._event(name)
        case ExchangeBox():
            with box.exchange.lock:
                return asdict(box.exchange.own(box.name).item(box._store(name)))


def plain(box, name):
    """The same by field, without what changes by itself."""
    kept = whole(box, name)
    if isinstance(box, DavBox):
        event = icalendar.Calendar.from_ical(kept).events[0]
        inner = b"".join(each.to_ical() for each in event.subcomponents)
        kept = {field: event[field].to_ical() if hasattr(event[field], "to_ical") else event[field] for field in event}
        kept["inner"] = inner
        # In one property or in several: who saves an event may write it otherwise.
        kept["CATEGORIES"] = sorted(event.categories)
    return {field: value for field, value in kept.items() if field not in _VOLATILE}


def alike(box, event):
    """Another program writes `event` with marks of its own that look like ours, and ours not; its id."""
    match box:
        case DavBox():
            made = icalendar.Event()
            made.add("UID", str(uuid.uuid4()))
            made.add("DTSTAMP", datetime.now(UTC))
            for field, value in (("SUMMARY", event.title), ("DTSTART", event.start), ("DTEND", event.end)):
                made.add(field, value)
            made.add("CATEGORIES", [event.category])
            made.add("X-OTHER-INSTANCE", "here")
            text = icalendar.Calendar.new(subcomponents=[made]).to_ical()
            return box.mailbox.person.put(f"{made['UID']}.ics", text)
        case DailyBox():
            name = box.add(event)
            text = "[carillon|here|1|key|UTC|0|another] [carillon|here|1|key|UTC|0] [other|here]"
            box.mailbox.edit(Ref(name), contact_name=event.location, long_description=text)
            return name
        case GoogleBox():
            start, end = ({"dateTime": moment.isoformat()} for moment in (event.start, event.end))
            private = {"instance": "here", "carillonInstanc": "here", "otherInstance": "here"}
            body = {"summary": event.title, "start": start, "end": end, "location": event.location}
            body |= {"extendedProperties": {"private": private, "shared": {"carillonInstance": "here"}}}
            return box.google.put_foreign(box.name, body | {"reminders": {"useDefault": False}})["id"]
        case ExchangeBox():
            fields = {"subject": event.title, "start": event.start, "end": event.end, "location": event.location}
            fields |= {"categories": (event.category,), "properties": {(_ANOTHER_SET, "carillonInstance"): "here"}}
            with box.exchange.lock:
                return box._spelled(box.exchange.own(box.name).insert(fields).id)


def decorate(box, name):
    """The person sets a reminder and a category of their own, and attaches something where the server can."""
    match box:
        case DavBox():
            box.mailbox.person.change(name, _decorated)
        case DailyBox():
            box.mailbox.edit(Ref(name), contact_info="me@example.org", add_info_url="https://x.example", reminder=30)
        case GoogleBox():
            file = {"fileUrl": "https://drive.example.org/1", "title": "Notes"}
            reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 30}]}
            box.google.edit(box.name, name, {"attachments": [file], "colorId": "5", "reminders": reminders})
        case ExchangeBox():
            with box.exchange.lock:
                fields = {"categories": ("Lecture", "Mine"), "reminder": 30, "show_as": "tentative"}
                box.exchange.own(box.name).change(box._store(name), fields)


def _decorated(event):
    event.add("ATTACH", "https://files.example.org/notes.pdf")
    event.add("CATEGORIES", ["Mine"])
    alarm = icalendar.Alarm()
    for field, value in (("ACTION", "DISPLAY"), ("DESCRIPTION", "Soon"), ("TRIGGER", timedelta(minutes=-30))):
        alarm.add(field, value)
    event.add_component(alarm)
