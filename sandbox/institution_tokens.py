"""What opens the timetable API: the university's API tokens, and tokens that people have given to applications."""

import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass

from sandbox.institution_model import NotPossibleError

MESSAGES = "ROLE_API_MESSAGES"
SCOPES = ("username", "user_read", "profile_read", "messages_read")


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Of an application. An elevated one asks on behalf of anybody; `roles` say what else it may do."""

    elevated: bool = False
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person allows an application: to read their timetable, and whatever else `scopes` names."""

    username: str
    scopes: frozenset[str]


class Grants:
    """OAuth tokens. Shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Grant] = {}

    def give(self, username: str, scopes: Collection[str]) -> str:
        """A new token. Raises: NotPossibleError."""
        if wrong := set(scopes) - set(SCOPES):
            raise NotPossibleError(f"Not a scope: {min(wrong)}; there are {', '.join(SCOPES)}")
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._known[token] = Grant(username, frozenset(scopes))
        return token

    def get(self, token: str) -> Grant | None:
        with self._lock:
            return self._known.get(token)
