"""From the parameters of a call to what a synchronization's provider makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.exceptions import HTTPException

from providers.base import ProviderError
from provisioning.errors import quoted
from provisioning.schemas import LONGEST_TEXT, NewSynchronization
from worker import mailbox, modules
from worker.settings import Tenant

PREFIX = "provisioning_"
ALIASES = {"smtpAddress": "provisioning_smtpAddress"}
LONGEST_MAILBOX = 2_000
"""Bytes; PostgreSQL's indexes bear little more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a synchronization shall be. `fields` are the `provisioning_*` values without their prefix."""

    username: str
    type: str
    mailbox: str
    fields: dict[str, str]


def wish(tenant: Tenant, given: NewSynchronization, body: Mapping[str, Any]) -> Wish:
    """Raises: HTTPException 400 that names the parameter and what was expected."""
    if given.type not in tenant.providers:
        raise HTTPException(
            400, f"type: not configured for this tenant; expected one of {', '.join(tenant.providers)}."
        )
    fields = _fields(body)
    address = _mailbox(tenant, given, fields)
    if len(address.encode()) > LONGEST_MAILBOX:
        raise HTTPException(400, f"The mailbox is longer than {LONGEST_MAILBOX:,} bytes; give a shorter one.")
    return Wish(given.username, given.type, address, fields)


def _mailbox(tenant: Tenant, given: NewSynchronization, fields: Mapping[str, str]) -> str:
    """The mailbox that the provider makes of `fields`, if it can be told to write there. Nothing is sent to it."""
    try:
        target = mailbox.target(given.type, given.username, fields)
        modules.provider(given.type).connect(tenant.providers[given.type], target).close()
    except mailbox.TargetError as error:
        raise HTTPException(400, _said(error)) from error
    except ProviderError as error:
        raise HTTPException(400, str(error)) from error
    return cast("modules.Target", target).mailbox


def _fields(body: Mapping[str, Any]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for given, value in body.items():
        if given in NewSynchronization.model_fields:
            continue
        name = ALIASES.get(given, given)
        if not name.startswith(PREFIX) or name == f"{PREFIX}username":
            raise HTTPException(400, f"{quoted(given)}: unknown parameter; expected username, type or {PREFIX}….")
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise HTTPException(400, f"{quoted(given)}: expected a text of at most {LONGEST_TEXT:,} characters.")
        if fields.setdefault(name.removeprefix(PREFIX), value) != value:
            raise HTTPException(400, f"{quoted(given)}: given twice with different values; give it once.")
    return fields


def _said(error: mailbox.TargetError) -> str:
    """A provider that takes the person's name for an address may find fault with the name itself."""
    problems = ((field if field != f"{PREFIX}username" else "username", said) for field, said in error.problems)
    return "; ".join(f"{quoted(field)}: {said}" for field, said in problems) + "."
