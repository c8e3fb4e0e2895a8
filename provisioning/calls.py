"""How calls are described in the OpenAPI document: their bodies, their errors, the parameters they share."""

from collections.abc import Mapping
from typing import Any

from provisioning.bodies import FORM, JSON
from provisioning.schemas import LONGEST_NAME, LONGEST_TEXT, ErrorBody
from worker import modules
from worker.installation import Installation
from worker.ledger import UnlinkMode

_MEANINGS = {
    400: "Something in the call is not as it should be; the message names the parameter and what was expected.",
    401: "No token, or one that is unknown, revoked or expired.",
    403: "The token lacks the role, or requestedAuth names somebody else or nobody.",
    404: "There is no such user, synchronization or unlink.",
    406: "The caller does not take JSON.",
    409: "It cannot be done as things are.",
    413: "The body is too large.",
    415: "The body is neither a form nor JSON.",
    422: "The user has no synchronization of this type.",
    429: "The token is used too often, or too many wrong ones came from this address; Retry-After says when to go on.",
    503: "The database does not answer at the moment; nothing was changed.",
}
_ALWAYS = (400, 401, 403, 406, 429, 503)
_WITH_BODY = (413, 415)
Responses = dict[int | str, dict[str, Any]]

NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": r"^[^\x00-\x1f\x7f]+$"}
_TEXT = {"type": "string", "maxLength": LONGEST_TEXT, "pattern": r"^[^\x00]*$"}
_MODE = {"type": "string", "enum": list(UnlinkMode)}
_MODES = (
    "What becomes of the events: UNLINK_ONLY removes none, DELETE_FUTURE_EVENTS this synchronization's that start "
    "after now, DELETE_ALL_EVENTS all of this synchronization's, CLEANUP all that this installation made. It may "
    "stand in a body instead."
)
_LOCALE = {"type": "string", "maxLength": 35, "pattern": "^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"}
_PAIR = {"type": "string", "pattern": r"^[^\x00=]{1,255}=[^\x00]{0,1000}$", "description": "name=value"}
_ATTRIBUTE = {
    "type": "object",
    "properties": {"name": NAME, "values": {"type": "array", "items": _TEXT}},
    "required": ["name", "values"],
    "additionalProperties": False,
}


def errors(*statuses: int, body: bool = False, said: Mapping[int, str] | None = None) -> Responses:
    """The error answers of a call: those every call has, and `statuses`; `said` gives one a meaning of its own."""
    meanings = {**_MEANINGS, **(said or {})}
    wanted = sorted({*_ALWAYS, *statuses, *(said or {}), *(_WITH_BODY if body else ())})
    return {status: {"model": ErrorBody, "description": meanings[status]} for status in wanted}


def success(model: type, status: int = 200, description: str = "Done.") -> Responses:
    return {status: {"model": model, "description": description}}


def nothing(description: str) -> Responses:
    return {204: {"description": description}}


def mode_parameter(*, required: bool) -> dict[str, Any]:
    """`unlinkMode` stands in the query; a form or JSON body may carry it instead."""
    place = {"name": "unlinkMode", "in": "query", "required": required}
    return {"parameters": [{**place, "schema": _MODE, "description": _MODES}]}


def user_body(*, new: bool) -> dict[str, Any]:
    required = ["username"] if new else []
    pairs = {"type": "array", "items": _PAIR, "description": "A repeated name keeps all values."}
    roles = {"type": "array", "items": NAME}
    form = {"username": NAME, "displayName": _TEXT, "locale": _LOCALE, "attributes": pairs, "roles": roles}
    json = form | {"attributes": {"type": "array", "items": {"anyOf": [_PAIR, _ATTRIBUTE]}}}
    json = {name: each if name == "username" else {"anyOf": [each, {"type": "null"}]} for name, each in json.items()}
    if not new:
        # It may repeat the one in the path, which a schema cannot say.
        del form["username"], json["username"]
    return _body(_object(form, required), _object(json, required), required=new)


def enabling_body() -> dict[str, Any]:
    texts = {"type": "string", "enum": ["true", "false"]}
    return _body(
        _object({"enabled": texts}, ["enabled"]), _object({"enabled": {"type": "boolean"}}, ["enabled"]), required=True
    )


def notification_body(*, new: bool) -> dict[str, Any]:
    """A calendar is made with its name; a credential is added to it by its id."""
    token = {"type": "string", "description": "The token, where no header of the call carries one."}
    own = {"name": NAME} if new else {"mom_id": NAME, "comment": _TEXT}
    schema = _object({**own, "mytoken": token}, ["name" if new else "mom_id"])
    return _body(schema, schema, required=True)


def synchronization_body(installation: Installation) -> dict[str, Any]:
    """One alternative for each type that a tenant has configured, with the fields its provider declares."""
    types = dict.fromkeys(name for tenant in installation.tenants.values() for name in tenant.providers)
    schema = {"oneOf": [_of_type(name) for name in types]}
    return _body(schema, schema, required=True)


def _of_type(name: str) -> dict[str, Any]:
    fields = modules.provider(name).Target.model_fields
    own = {field.alias or key: field for key, field in fields.items() if key != "username"}
    properties = {
        f"provisioning_{key}": {"type": "string", "description": field.description or ""} for key, field in own.items()
    }
    either: dict[str, Any] = {}
    if "smtpAddress" in own:
        properties["smtpAddress"] = {"type": "string", "description": "The same as provisioning_smtpAddress."}
        either = {"not": {"required": ["smtpAddress", "provisioning_smtpAddress"]}}
    kind = {"type": "string", "const": name}
    return _object({"username": NAME, "type": kind, **properties}, ["username", "type"]) | either


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _body(form: dict[str, Any], json: dict[str, Any], *, required: bool) -> dict[str, Any]:
    content = {FORM: {"schema": form}, JSON: {"schema": json}}
    return {"requestBody": {"required": required, "content": content}}
