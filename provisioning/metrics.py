"""`GET /metrics`: what an operator watches, for Prometheus. Nobody is let in unless `[api] metrics_token` is set."""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.requests import Request
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.metrics_core import Metric
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning.health import beat_age
from provisioning.rates import Rates
from worker import counts
from worker.credentials import of_institution
from worker.database import transaction
from worker.installation import Installation

_WHO = {"WWW-Authenticate": 'Bearer realm="carillon metrics"'}
_bearer = HTTPBearer(auto_error=False)
_NO_ROW = 0
"""Under which its calls are counted: no token of the ledger has this number."""


@dataclass(frozen=True, slots=True)
class _Collected:
    """The metrics of one answer, in the form in which the library asks for them."""

    metrics: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def metrics(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Response:
    """What Prometheus reads. Raises: HTTPException 401, 404 or 429."""
    installation: Installation = request.app.state.installation
    _let_in(request, installation, bearer.credentials if bearer else "")
    now: datetime = request.app.state.clock()
    with transaction(installation.engine) as session:
        found = [*_of_credentials(session, installation, now), *_of_work(session, installation)]
    text = generate_latest(_Collected([*found, *_of_beat(installation, now)]))
    return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _let_in(request: Request, installation: Installation, given: str) -> None:
    wanted = installation.settings.api.metrics_token
    if wanted is None:
        raise HTTPException(404, "There is nothing at this path; metrics_token of the section [api] opens it.")
    rates: Rates = request.app.state.rates
    address = request.client.host if request.client else ""
    rates.admit(address, given)
    # A header's bytes arrive as Latin-1.
    if not hmac.compare_digest(given.encode("latin-1"), wanted.get_secret_value().encode()):
        rates.wrong(address, given)
        raise HTTPException(401, "Send metrics_token of the section [api] as a bearer token.", _WHO)
    rates.call(_NO_ROW, given)


def _of_credentials(session: Session, installation: Installation, now: datetime) -> Iterator[Metric]:
    """Of people's own there may be thousands, and their names are nobody's business here."""
    labels = ["tenant", "kind", "name", "id"]
    expires = Gauge("carillon_credential_expires_seconds", "Until the credential ends, below 0 after it", labels=labels)
    refused = Gauge("carillon_credential_refused", "Whether the last answer refused it", labels=labels)
    for ident, tenant in installation.tenants.items():
        for each in of_institution(session, installation, ident):
            which = [tenant.key, each.kind, each.name, each.id]
            refused.add_metric(which, bool(each.refused))
            if each.expires is not None:
                expires.add_metric(which, (each.expires - now).total_seconds())
    yield from (expires, refused)


def _of_work(session: Session, installation: Installation) -> Iterator[Metric]:
    """Tenants that are no longer configured are not at work."""
    keys = {ident: tenant.key for ident, tenant in installation.tenants.items()}
    labels = ["tenant", "type", "status"]
    number = Gauge("carillon_synchronizations", "Synchronizations", labels=labels)
    due = Gauge("carillon_synchronizations_due", "Those whose next run may begin now", labels=labels)
    late = Gauge("carillon_synchronizations_late", f"Those due for {counts.LATE_SECONDS} seconds", labels=labels)
    for share in counts.synchronizations(session):
        if share.tenant_id in keys:
            which = [keys[share.tenant_id], share.type, share.status]
            number.add_metric(which, share.number)
            due.add_metric(which, share.due)
            late.add_metric(which, share.late)
    unlinks = Gauge("carillon_unlinks_open", "Unlinks that are not done", labels=labels[:2])
    for tenant_id, kind, open_ in counts.open_unlinks(session):
        if tenant_id in keys:
            unlinks.add_metric([keys[tenant_id], kind], open_)
    yield from (number, due, late, unlinks)


def _of_beat(installation: Installation, now: datetime) -> Iterator[Metric]:
    """Nothing, if there is no sign of life: what is absent can be alerted on."""
    age = beat_age(installation, now.timestamp())
    if age is not None:
        yield Gauge("carillon_beat_age_seconds", "Since the beat's last sign of life", value=age)


def router() -> APIRouter:
    made = APIRouter(include_in_schema=False)
    made.get("/metrics")(metrics)
    return made
