"""The provisioning API, called as an administrator's script calls it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

from carillon.command import FailedError

SCHEDULES = "/api/v1/tenants/sandbox"


class Api:
    """Calls answer with what stands in their JSON. Raises: FailedError with the API's own sentence, for 4xx and 5xx."""

    def __init__(self, root: str, token: str) -> None:
        self.root = root
        self._session = requests.Session()
        self._session.headers["apiToken"] = token

    def put_user(self, username: str, display_name: str) -> None:
        self._call("PUT", f"/users/{quote(username, safe='')}", data={"displayName": display_name})

    def put_synchronization(self, username: str, kind: str, address: str) -> int:
        name = "provisioning_calendarId" if kind == "connectdaily" else "provisioning_smtpAddress"
        fields = {"username": username, "type": kind, name: address}
        return int(self._call("PUT", "/synchronizations", data=fields)["synchronization"]["id"])

    def synchronization(self, ident: int) -> dict[str, Any]:
        found: dict[str, Any] = self._call("GET", f"/synchronizations/{ident}")["synchronization"]
        return found

    def resync(self, ident: int) -> None:
        self._call("POST", f"/synchronizations/{ident}/resync")

    def preview(self, ident: int, mode: str) -> int:
        found = self._call("GET", f"/synchronizations/{ident}/unlink-preview", params={"unlinkMode": mode})
        return int(found["count"])

    def unlink(self, ident: int, mode: str) -> None:
        self._call("DELETE", f"/synchronizations/{ident}", params={"unlinkMode": mode})

    def unlinks(self) -> list[dict[str, Any]]:
        """Newest first."""
        found: list[dict[str, Any]] = self._call("GET", "/unlinks")["unlinks"]
        return found

    def join(self, group: str, username: str) -> None:
        self._call("PUT", f"/groups/{quote(group, safe='')}/users/{quote(username, safe='')}", root=SCHEDULES)

    def add_schedule(self, group: str, name: str, effect: str, periods: list[dict[str, Any]]) -> None:
        body = {"name": name, "effect": effect, "periods": periods}
        self._call("POST", _schedules(group), root=SCHEDULES, json=body)

    def add_holidays(self, group: str, name: str, country: str, year: int) -> None:
        path = f"{_schedules(group)}/{quote(name, safe='')}/public_holidays"
        self._call("POST", path, root=SCHEDULES, json={"country": country, "year": year, "type": "public"})

    def remove_schedule(self, group: str, name: str) -> None:
        self._call("DELETE", f"{_schedules(group)}/{quote(name, safe='')}", root=SCHEDULES)

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, path: str, root: str = "/api/v0", **options: Any) -> Any:
        answer = self._session.request(method, f"{self.root}{root}{path}", timeout=30, **options)
        if not answer.ok:
            raise FailedError(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None


def _schedules(group: str) -> str:
    return f"/groups/{quote(group, safe='')}/calendar_schedules"


def eventually(look: Callable[[], bool], seconds: float) -> bool:
    """Whether `look` becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
