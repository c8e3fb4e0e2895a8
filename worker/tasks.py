"""The Celery tasks. Each takes an id, does one thing that can be done twice, and returns what Flower shows."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from celery import Celery

from schedules.beat import BEAT
from worker import deferring, dispatch, groups, holds, links, unlinks
from worker.database import transaction
from worker.installation import Installation
from worker.queue import CLAIMED, TICK
from worker.synchronize import synchronize


def register(installation: Installation) -> Celery:
    """The queue's application, with the tasks of this installation and the beat table."""
    app = installation.queue.app

    # Not shared: Celery would hand them to every application of the process, and they serve this installation.
    # Seventeen thousand a day that nobody wants to see in Flower; `/health` tells whether they come.
    @app.task(name="dispatch", shared=False, send_events=False)
    def dispatch_() -> dict[str, int]:
        return dispatch.dispatch(installation)

    @app.task(name="synchronize", shared=False, bind=True)
    def synchronize_(task: Any, ident: int) -> dict[str, Any]:
        return _shown(synchronize(installation, ident, _now, task.request.get(CLAIMED)))

    @app.task(name="unlink", shared=False)
    def unlink(ident: int) -> dict[str, Any]:
        return _shown(unlinks.carry_out(installation, ident, _now))

    @app.task(name="holds", shared=False, send_events=False)
    def holds_() -> dict[str, int]:
        worked_out = holds.refresh(installation.engine, installation.zones(), _now())
        with transaction(installation.engine) as session:
            return {"schedules": worked_out, "freed": deferring.free(session, _now())}

    @app.task(name="groups", shared=False, send_events=False)
    def groups_() -> dict[str, int]:
        return {"memberships": groups.follow_all(installation.engine, installation.tenants)}

    @app.task(name="links", shared=False, send_events=False)
    def links_() -> dict[str, int]:
        return links.tidy(installation, _now())

    @app.task(name="prune", shared=False)
    def prune() -> dict[str, int]:
        with transaction(installation.engine) as session:
            return {"runs": dispatch.prune(session)}

    app.conf.beat_schedule = {
        # A tick that no worker took before the next one is of no use to anybody.
        each.name: {"task": each.task, "schedule": each.seconds, "options": {"expires": each.seconds, "queue": TICK}}
        for each in BEAT
    }
    return app


def _now() -> datetime:
    return datetime.now(UTC)


def _shown(report: Any) -> dict[str, Any]:
    """A report without the fields that say nothing."""
    return {name: value for name, value in asdict(report).items() if value not in (0, "")}
