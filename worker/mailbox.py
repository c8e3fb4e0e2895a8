"""From a row of the ledger to the calendar it speaks of."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from providers._consent import Grant
from providers.base import MailboxGone, NotLinked, Provider, Unauthorized
from worker import modules
from worker.settings import Tenant


class TargetError(Exception):
    """What is wrong with which `provisioning_*` field. `problems` is a list of (field, sentence)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{field}: {sentence}" for field, sentence in problems))


def target(kind: str, username: str, fields: Mapping[str, str]) -> BaseModel:
    """The target that a provider makes of a synchronization's fields (`smtpAddress` for `provisioning_smtpAddress`).

    Raises: TargetError.
    """
    model = modules.provider(kind).Target
    try:
        return model.model_validate({**fields, "username": username})
    except ValidationError as error:
        raise TargetError([_said(model, each) for each in error.errors(include_url=False)]) from error


def _said(model: type[BaseModel], error: ErrorDetails) -> tuple[str, str]:
    name = str(error["loc"][0]) if error["loc"] else "smtpAddress"
    field = f"provisioning_{name}"
    if error["type"] == "extra_forbidden":
        known = (each.alias or own for own, each in model.model_fields.items() if own != "username")
        return field, f"unknown; this provider takes {', '.join(f'provisioning_{one}' for one in known)}"
    if error["type"] == "missing":
        return field, "missing"
    return field, str(error["msg"]).removeprefix("Value error, ")


def _grant(tenant: Tenant, kind: str, settings: BaseModel, meant: BaseModel) -> list[Grant]:
    """What a provider is handed where each person consents alone. Raises: NotLinked."""
    consent = modules.consent(kind, settings)
    if consent is None:
        return []
    if tenant.grants is None:
        raise NotLinked("Nobody can have consented here: this installation keeps no consent.")
    return [tenant.grants(kind, cast("modules.Account", meant).account, consent)]


@contextmanager
def calendar(tenant: Tenant, kind: str, username: str, fields: Mapping[str, str]) -> Iterator[Provider]:
    """The provider of one mailbox for the length of the block.

    Raises: Unauthorized, when the type is no longer configured; MailboxGone, when it no longer takes the fields;
    NotLinked, when its person would have to consent and has not.
    """
    settings = tenant.providers.get(kind)
    if settings is None:
        raise Unauthorized(
            f"[tenants.{tenant.key}.providers.{kind}] is not in carillon.toml any more: "
            "put it back, or unlink with UNLINK_ONLY."
        )
    try:
        meant = target(kind, username, fields)
        provider = modules.provider(kind).connect(settings, meant, *_grant(tenant, kind, settings, meant))
    except TargetError as error:
        raise MailboxGone(f"{error}: provision the synchronization again.") from error
    try:
        yield provider
    finally:
        provider.close()
