"""The whole sandbox as one ASGI application."""

from collections.abc import Awaitable, Callable, Sequence
from html import escape
from urllib.parse import quote

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from sandbox import control, institution_ics, timetable_api
from sandbox.faults import Faults, FaultyWire
from sandbox.institution import Institution
from sandbox.institution_year import label


def application(institution: Institution, faults: Faults, extra_routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The timetable API, the control routes, `extra_routes` and a page for people, behind a wire that can fail."""
    routes = [
        Route("/", _front_page(institution)),
        *timetable_api.routes(institution),
        *institution_ics.routes(institution),
        *control.routes(institution, faults),
        *extra_routes,
    ]
    # A Router, for Starlette itself would answer a CutOffError from a route with 500 before the wire could cut it off.
    answering = ExceptionMiddleware(Router(routes))
    return FaultyWire(GZipMiddleware(answering, compresslevel=5), faults)


def _front_page(institution: Institution) -> Callable[[Request], Awaitable[HTMLResponse]]:
    async def page(_request: Request) -> HTMLResponse:
        rows = "".join(
            f"<tr><td>{escape(person.name)}<td><code>{escape(person.username)}</code>"
            f'<td><a href="/sandbox/people/{quote(person.username)}/events">events</a>'
            for person in institution.people
        )
        return HTMLResponse(_PAGE.format(year=label(institution.databases[0]), zone=institution.zone, rows=rows))

    return page


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The sandbox university</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}</style>
<h1>The sandbox university</h1>
<p>A made-up institution in the academic year {year}, {zone}, with its timetable API under <code>/api/v0/</code>.
Nothing here is real.</p>
<p>Change it with <code>POST /sandbox/changes</code>, make it fail with <code>POST /sandbox/faults</code>, and see
<a href="/sandbox/people">the people</a>, <a href="/sandbox/faults">the faults</a> and
<a href="/sandbox/requests">the requests so far</a>.</p>
<table>{rows}</table>
</html>
"""
