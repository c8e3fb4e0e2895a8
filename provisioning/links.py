"""An address at which a person links their own calendar, for an administrator's portal."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field
from starlette.exceptions import HTTPException

from provisioning.access import Calling, acceptable, caller
from provisioning.bodies import FORM, JSON, Fields, checked
from provisioning.calls import errors, success
from provisioning.errors import Json
from provisioning.paths import BASE, Ident
from provisioning.schemas import LONGEST_TEXT, Shape, milliseconds
from provisioning.synchronizations import one
from worker.linking import NoConsentError, invite


class NewLink(Shape):
    return_url: str | None = Field(None, max_length=LONGEST_TEXT)


class Link(Shape):
    url: str = Field(description="Where to send the person, once and soon")
    expires: int = Field(description="Epoch milliseconds")


class LinkAnswer(Shape):
    link: Link


def post(calling: Calling, number: Ident, body: Fields) -> Response:
    """Make an address at which the person lets us into their own calendar. It is good once, for ten minutes.

    Where each person consents, a synchronization is NOT_LINKED until then; it runs as soon as they have.
    """
    wanted = checked(NewLink, body).return_url
    if wanted is not None and wanted not in calling.tenant.settings.link_return_urls:
        raise HTTPException(
            400, "returnUrl: expected one of this tenant's link_return_urls, exactly as it stands there."
        )
    with calling.transaction() as session:
        row = one(session, calling, number)
        try:
            made = invite(session, calling.installation, row, wanted, calling.clock())
        except NoConsentError as error:
            raise HTTPException(409, str(error)) from error
    url = f"{calling.installation.settings.api.public_url}{made.path}"
    return Json({"link": {"url": url, "expires": milliseconds(made.expires)}}, 201)


def _body() -> dict[str, Any]:
    back = {"type": "string", "maxLength": LONGEST_TEXT, "description": "One of the tenant's link_return_urls."}
    schema = {"type": "object", "properties": {"returnUrl": back}, "additionalProperties": False}
    return {"requestBody": {"required": False, "content": {kind: {"schema": schema} for kind in (FORM, JSON)}}}


def router() -> APIRouter:
    made = APIRouter(prefix=BASE, tags=["Synchronizations"], dependencies=[Depends(acceptable), Depends(caller)])
    made.post(
        "/synchronizations/{id}/link",
        status_code=201,
        responses=success(LinkAnswer, 201, "Made.")
        | errors(404, body=True, said={409: "Nobody consents to this type for themselves here."}),
        openapi_extra=_body(),
    )(post)
    return made
