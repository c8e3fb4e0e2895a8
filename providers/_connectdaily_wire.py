"""One account at one Connect Daily over HTTP: its events one by one, its calendars, and a calendar's export.

The REST API has no listing, so the exports that the manual offers to programs are read. They know the account by two
parameters of the address, which is why no error here keeps the library's own as its cause.

See: the manual's pages «Event CRUD API», «Authenticating API Calls», «Remotely Extracting Data» and «iCal Export».
"""

import re
from datetime import date
from http import HTTPStatus as Status
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3
from lxml import etree

from providers._bounded import bound
from providers._connectdaily_errors import Forbidden, failed, locked_out, refused, says_error
from providers._connectdaily_payload import Body
from providers.base import Ambiguous, ContractBroken, ProviderError

_EVENTS = "restapi/v1/events"
_ABSENT = frozenset({Status.NOT_FOUND, Status.GONE})
_WHOLE = {
    "include_past": "1",  # else only what is to come, and thirty days
    "dayspan": "3660",
    "maxcount": "1000000",  # else what the site takes for enough
    "rollup": "0",  # else other calendars' events too
    "htmldescription": "1",  # else the text without its markup, and maybe without our hidden line
}
_FEW = {"dayspan": "60", "maxcount": "50", "rollup": "0", "htmldescription": "1"}


class Wire:
    """What is asked once, and never again. `timeout` in seconds, for connecting and for each silence.

    Every call raises as `providers.base.Provider.push` does; a write also EventError.
    """

    def __init__(self, url: str, user_id: str, token: str, timeout: float, ca_file: Path | None = None) -> None:
        self.host = urlsplit(url).netloc
        self._url, self._timeout = url, timeout
        self._account = {"user_id": user_id, "token": token}
        self._session = requests.Session()
        bound(self._session)
        # Neither a proxy nor a .netrc nor a bundle of the surroundings may come between the settings and the server.
        self._session.trust_env = False
        self._session.verify = str(ca_file) if ca_file else True
        self._session.headers["Authorization"] = f"Bearer user_id={user_id}&token={token}"

    def event(self, address: str) -> Body | None:
        """The event at an address (`by_guid`, or its number), None where there is none."""
        response = self._ask("GET", f"{_EVENTS}/{address}", frozenset({Status.OK}) | _ABSENT)
        return None if response.status_code in _ABSENT else self._body(response)

    def create(self, body: Body) -> Body:
        """Make an event; as the server has it."""
        return self._body(self._ask("POST", _EVENTS, frozenset({Status.CREATED}), json=body))

    def replace(self, address: str, body: Body) -> Body | None:
        """Put it in the place of what stands there; as the server has it, None where nothing stands.

        Raises: Overtaken, when what stands there is not what `body` was made from.
        """
        awaited = frozenset({Status.OK}) | _ABSENT
        response = self._ask("PUT", f"{_EVENTS}/{address}", awaited, json=body)
        return None if response.status_code in _ABSENT else self._body(response)

    def delete(self, address: str) -> bool:
        """Whether there was something to take away."""
        response = self._ask("DELETE", f"{_EVENTS}/{address}", frozenset({Status.NO_CONTENT}) | _ABSENT)
        return response.status_code not in _ABSENT

    def fork(self, address: str, day: date) -> str | None:
        """Make one date of a series an event of its own; its number, None where the series leaves that day out."""
        awaited = frozenset({Status.CREATED, Status.BAD_REQUEST})
        params = {"fork": "1", "starting_date": day.isoformat()}
        response = self._ask("POST", f"{_EVENTS}/{address}", awaited, params=params)
        if response.status_code == Status.BAD_REQUEST and not says_error(response):
            raise refused(self.host, response, writing=True)
        if response.status_code == Status.BAD_REQUEST:
            return None
        number = self._json(response).get("cal_item_id")
        if not isinstance(number, int | str) or not str(number).isdecimal():
            raise self._unclear(response, "does not say which event it forked")
        return str(number)

    def calendars(self) -> frozenset[str]:
        """The numbers of all calendars that the account may see."""
        try:
            response = self._ask("GET", "rss/calendar_id/list.xml", frozenset({Status.OK}), params=self._account)
        except Forbidden as error:
            raise locked_out(self.host) from error
        try:
            root = etree.fromstring(response.content, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise self.broken("gave a list of calendars that is not whole") from error
        if root is None or root.tag != "list":
            raise self.broken("gave something else than a list of calendars")
        return frozenset((each.text or "").strip() for each in root.iterfind("item/id"))

    def export(self, calendar_id: int, *, whole: bool = True) -> str:
        """A calendar as iCalendar with its lines unfolded; of not the whole, some events of these weeks.

        Nothing in it is understood here: what is odd in somebody else's event is no concern of ours.
        """
        params = {**self._account, **(_WHOLE if whole else _FEW)}
        path = f"iCal/calendar_id/{calendar_id}.ics"
        content = self._ask("GET", path, frozenset({Status.OK}), params=params).content.strip()
        parts = content.count(b"BEGIN:VEVENT"), content.count(b"END:VEVENT")
        if not (content.startswith(b"BEGIN:VCALENDAR") and content.endswith(b"END:VCALENDAR") and len(set(parts)) == 1):
            raise self.broken("gave a listing that is not whole")
        return re.sub(rb"\r?\n[ \t]", b"", content).decode(errors="replace")

    def broken(self, what: str) -> ContractBroken:
        return ContractBroken(f"{self.host} {what}: see whether it is Connect Daily, and its log.")

    def close(self) -> None:
        self._session.close()

    def _ask(self, method: str, path: str, awaited: frozenset[int], **options: Any) -> requests.Response:
        writing = method != "GET"
        try:
            response = self._session.request(
                method, self._url + path, timeout=self._timeout, allow_redirects=False, **options
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            # Their words hold the address, and an export's address the token: no traceback may show them.
            raise failed(self.host, error, writing=writing) from None
        if "charset" not in response.headers.get("Content-Type", ""):
            response.encoding = None  # else a text is taken for ISO-8859-1, and what a person wrote written back so
        if response.status_code not in awaited or (response.status_code == Status.OK and says_error(response)):
            raise refused(self.host, response, writing=writing)
        page = response.headers.get("Content-Type", "").startswith("text/html")
        if page and response.status_code not in _ABSENT:
            # A login page or a captive portal says 200 to anything; with a 404 Java's servers send a page themselves.
            raise self._unclear(response, "gave a page for people")
        return response

    def _body(self, response: requests.Response) -> Body:
        said = self._json(response)
        if not isinstance(said.get("itemguid"), str) or "cal_item_id" not in said:
            raise self._unclear(response, "gave something else than an event")
        return said

    def _json(self, response: requests.Response) -> Body:
        try:
            said = response.json()
        except ValueError as error:
            raise self._unclear(response, "gave an answer that is not whole") from error
        if not isinstance(said, dict):
            raise self._unclear(response, "gave something else than an event")
        return said

    def _unclear(self, response: requests.Response, what: str) -> ProviderError:
        """After a write we do not know whether it was done."""
        kind = ContractBroken if response.request.method == "GET" else Ambiguous
        return kind(f"{self.host} {what}: see whether it is Connect Daily, and its log.")


def by_guid(guid: str) -> str:
    return f"itemguid={quote(guid, safe='')}"
