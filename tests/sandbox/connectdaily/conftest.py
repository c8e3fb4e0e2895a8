"""The sandbox's Connect Daily over HTTP: what the manual says of the real one, one test for each sentence."""

import pytest
import requests
from starlette.routing import Router

from sandbox.connectdaily import routes
from sandbox.connectdaily_calendars import ConnectDaily
from sandbox.faults import Faults, FaultyWire
from sandbox.serve import serve

USER, TOKEN = "11", "aadfk23894238482adfaaeea948934"
EVENT = {"description": "Choir", "starting_date": "2026-11-23", "starting_time": "19:00:00", "ending_time": "21:00:00"}


class Client:
    """A program that knows a user id and a token."""

    def __init__(self, url, calendar):
        self.url, self.calendar = url, calendar
        self.session = requests.Session()
        self.log_in(USER, TOKEN)

    def log_in(self, user, token):
        self.account = {"user_id": user, "token": token}
        self.session.headers["Authorization"] = f"Bearer user_id={user}&token={token}"

    def __call__(self, verb, address="", body=None, **params):
        """A call of the event API: an event's number, its guid as `itemguid=…`, or nothing for all events."""
        url = f"{self.url}/cd/restapi/v1/events" + (f"/{address}" if address else "")
        return self.session.request(verb, url, json=body, params=params, timeout=5)

    def export(self, path, **params):
        return self.session.get(f"{self.url}/cd/{path}", params={**self.account, **params}, timeout=5)

    def make(self, **fields):
        """An event that is there; what the server says of it."""
        answer = self("POST", body={**EVENT, "calendar_id": self.calendar, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def daily():
    made = ConnectDaily()
    made.add_account(USER, TOKEN)
    return made


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def client(daily, faults):
    with serve(FaultyWire(Router(routes=routes(daily, "/cd")), faults)) as url:
        opened = Client(url, daily.add_calendar("Music", USER))
        yield opened
        opened.session.close()


@pytest.fixture
def weekly(client):
    """A series of four dates: November 23 and 30, December 7 and 14."""
    return client.make(rec_type=1, ending_date="2026-12-14")
