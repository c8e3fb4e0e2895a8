"""What a person is subscribed to: timetables, the children of those that have any, and the options chosen of each."""

from typing import Any

from sandbox.institution_model import Choice
from sandbox.institution_request import RefusedError
from sandbox.institution_wishes import Subscription
from sandbox.timetable_call import Call

Json = dict[str, Any]
_OWN = "user"
"""The type of a person's own timetable, from which nobody unsubscribes."""


def listed(call: Call) -> list[Json]:
    return [_told(call, key, each) for key, each in call.wishes.subscriptions(**call.kinds).items()]


def remove_all(call: Call) -> None:
    """What can be removed; the person's own timetable stays."""
    for key in call.wishes.subscriptions():
        if _removable(key):
            call.wishes.unsubscribe(key)


def add(call: Call) -> None:
    key = call.part("key")
    call.institution.subscribe(call.person.username, key, options=_chosen(call, key, call.every("option")))


def remove(call: Call) -> None:
    key = call.part("key")
    if key in call.wishes.subscriptions() and not _removable(key):
        raise RefusedError(403, "Forbidden", f"This subscription cannot be removed: {key}")
    call.wishes.unsubscribe(key)


def switch(call: Call) -> None:
    call.wishes.change(call.part("key"), enabled=call.flag("state"))


def choose(call: Call) -> None:
    call.required("option")
    key = call.part("key")
    call.wishes.change(key, options=_chosen(call, key, call.every("option")))


def choose_all(call: Call) -> None:
    call.wishes.change(call.part("key"), options=())


def switch_child(call: Call) -> None:
    call.wishes.change(call.part("parent"), _child(call), enabled=call.flag("state"))


def choose_of_child(call: Call) -> None:
    call.required("option")
    key = _child(call)
    call.wishes.change(call.part("parent"), key, options=_chosen(call, key, call.every("option")))


def choose_all_of_child(call: Call) -> None:
    call.wishes.change(call.part("parent"), _child(call), options=())


def _child(call: Call) -> str:
    return call.institution.catalogue.child(call.part("parent"), call.part("key"))


def _chosen(call: Call, key: str, asked: list[str]) -> set[str]:
    """The options asked for; none, which stands for all of them, if it is all of them."""
    there = call.institution.options(key)
    if wrong := set(asked) - there.keys():
        raise RefusedError(400, "BadParameter", f"Not an option of {key}: option={min(wrong)}")
    return set() if set(asked) == there.keys() else set(asked)


def _removable(key: str) -> bool:
    return key.split("!")[1] != _OWN


def _told(call: Call, key: str, subscription: Subscription, *, child: bool = False) -> Json:
    database, kind, _ = key.split("!", 2)
    chosen = call.institution.options(key) if subscription.options else {}
    children = subscription.children.items()
    return {
        "key": key,
        "database": database,
        "type": kind,
        "description": call.institution.catalogue.describe(key),
        "enabled": subscription.enabled,
        "removable": not child and _removable(key),
        "childSubscriptions": [_told(call, each, its, child=True) for each, its in children],
        "enabledOptions": [_option(chosen.get(each), each) for each in sorted(subscription.options)],
    }


def _option(choice: Choice | None, ident: str) -> Json:
    """One that is there no more, since no event is for it any longer, keeps its id for a name."""
    return {"id": ident, "name": choice.name if choice else ident}
