"""Whether the parts answer, for load balancers and watchmen: no token, no names."""

import time
from collections.abc import Callable
from typing import Any

import redis
from fastapi import APIRouter
from fastapi.requests import Request
from fastapi.responses import Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from provisioning import schemas
from provisioning.calls import success
from provisioning.errors import Json
from worker import breaker
from worker.dispatch import BEAT_KEY
from worker.installation import Installation

OLDEST_BEAT = 60
"""Seconds; the beat leaves a sign of life every five."""


def health(request: Request) -> Response:
    """Whether the parts answer. `down` without the database; `degraded` without Redis or beat: runs wait."""
    installation: Installation = request.app.state.installation
    database = _timed(lambda: _database(installation))
    queue = _timed(installation.redis.ping)
    age = beat_age(installation, request.app.state.clock().timestamp()) if queue["ok"] else None
    beat = {"ok": age is not None and age < OLDEST_BEAT, "ageSeconds": age}
    status = "ok" if queue["ok"] and beat["ok"] else "degraded"
    parts = {"status": status if database["ok"] else "down", "database": database, "redis": queue, "beat": beat}
    found = parts | {"away": _away(installation) if queue["ok"] else []}
    return Json(found, 200 if database["ok"] else 503)


def _timed(ask: Callable[[], object]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        ask()
    except (SQLAlchemyError, redis.RedisError):
        return {"ok": False, "milliseconds": None}
    return {"ok": True, "milliseconds": round((time.perf_counter() - began) * 1000, 1)}


def _database(installation: Installation) -> None:
    with installation.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def beat_age(installation: Installation, now: float) -> float | None:
    """Seconds since the beat's last sign of life; None if there is none, or Redis is away."""
    try:
        seen = float(installation.redis.get(BEAT_KEY))  # type: ignore[arg-type]  # None and nonsense are caught below
    except (redis.RedisError, TypeError, ValueError):
        return None
    return max(0.0, round(now - seen, 1))


def _away(installation: Installation) -> list[str]:
    """The types of provider of which a server answers no mailbox. Runs for it wait; all else goes on."""
    try:
        groups = breaker.away(installation.redis, installation.groups())
    except redis.RedisError:
        return []
    return sorted({kind for _, kind in groups})


def router() -> APIRouter:
    made = APIRouter(tags=["Health"])
    down = success(schemas.Health, 503, "The database does not answer.")
    made.get("/health", responses=success(schemas.Health, description="Calls are answered.") | down)(health)
    made.head("/health", include_in_schema=False)(health)
    return made
