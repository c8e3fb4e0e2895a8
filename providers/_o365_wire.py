"""The way to Graph: O365's connection to one mailbox, alone or many requests at once.

O365 knows no batches, repeats some requests and waits between all of them: it is told not to, and sends what we say.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus as Status
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from O365.connection import Connection, MSGraphProtocol

from providers._bounded import bound
from providers._o365_consent import PersonsTokens
from providers._o365_errors import FAULTS, Answer, fault, whole_refusal
from providers._o365_payload import IMMUTABLE, IN_UTC
from providers._o365_tokens import Tokens
from providers.base import ContractBroken

_IDENTIFIED = {"Prefer": f"{IMMUTABLE}, {IN_UTC}"}


class Part(NamedTuple):
    """One request of a batch; `url` begins behind the version, with a slash."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None
    version: str | None = None
    """Carried out only if the event still has this."""


# O365 has no types: as Any, no call of it needs an excuse.
_Protocol: Any = MSGraphProtocol


class Graph(_Protocol):  # type: ignore[misc]  # it is Any
    """Microsoft Graph at another address than Microsoft's."""

    def __init__(self, root_url: str) -> None:
        self._protocol_url = root_url
        super().__init__(timezone="UTC")


class Wire:
    """Requests to Graph with the application's token or a person's. Each is sent once, but for one that is refused."""

    def __init__(self, root_url: str, tokens: Tokens | PersonsTokens, timeout: float, verify: str | bool) -> None:
        # It logs every refusal with its URL, and so the mailbox's address; in debug, tokens and titles too.
        logging.getLogger("O365").setLevel(logging.CRITICAL)
        self._tokens = tokens
        self._verify = verify
        self._root = root_url
        self._protocol = Graph(root_url)
        self._connection = Connection(
            # It never needs the credential, nor the directory: the tokens are ours.
            ("carillon", "none"),
            auth_flow_type="credentials",
            tenant_id="none",
            token_backend=tokens,
            requests_delay=0,
            request_retries=0,
            raise_http_errors=False,
            timeout=timeout,
            verify_ssl=verify,
            default_headers=_IDENTIFIED,
        )

    def get(self, url: str) -> Any:
        """The JSON object at `url`, which begins behind the version or is a whole address that Graph gave.

        Raises: as `providers.base.Provider.find`.
        """
        answer = self._ask("get", self._address(url), writing=False)
        if not answer.ok:
            raise whole_refusal(answer, writing=False, batch=False)
        return answer.body

    def batch(self, parts: Sequence[Part], *, writing: bool) -> list[Answer | None]:
        """What each part was answered, None for nothing at all; in one HTTP request, or none for none.

        Raises: as `providers.base.Provider.push`.
        """
        if not parts:
            return []
        told = {"requests": [_request(place, part) for place, part in enumerate(parts)]}
        answers = self._batch(told, len(parts), writing=writing)
        refused = [each for each in answers if each is not None and each.status == Status.UNAUTHORIZED]
        again = bool(refused) and self._tokens.forget(self._carried())
        # Where none of them was looked at, sending them with another token does nothing twice.
        return self._batch(told, len(parts), writing=writing) if again and len(refused) == len(parts) else answers

    def close(self) -> None:
        if self._connection.session is not None:
            self._connection.session.close()

    def _batch(self, told: Mapping[str, Any], count: int, *, writing: bool) -> list[Answer | None]:
        answer = self._ask("post", self._address("/$batch"), writing=writing, data=told)
        if not answer.ok:
            raise whole_refusal(answer, writing=writing, batch=True)
        try:
            answers = {each["id"]: _answer(each) for each in answer.body["responses"]}
        except (LookupError, TypeError, AttributeError) as error:
            raise fault(error, writing=writing) from error
        return [answers.get(str(place)) for place in range(count)]

    def _ask(self, method: str, url: str, *, writing: bool, **options: Any) -> Answer:
        try:
            answer = self._send(method, url, **options)
            if answer.status_code == Status.UNAUTHORIZED and self._tokens.forget(self._carried()):
                # Graph did not look at the request: sending it with another token does nothing twice.
                answer = self._send(method, url, **options)
                if answer.status_code == Status.UNAUTHORIZED:
                    self._tokens.forget(self._carried())
            return Answer(answer.status_code, answer.headers, _read(answer))
        except tuple(FAULTS) as error:
            raise fault(error, writing=writing) from error

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        connection = self._connection
        if connection.session is None:
            connection.session = connection.get_session()
            bound(connection.session)
            # Without a word of ours, requests puts what a .netrc file says in the place of our Authorization header.
            connection.session.auth = lambda request: request
        else:
            connection.update_session_auth_header()
        # Said with the request, for REQUESTS_CA_BUNDLE would win over what a session says.
        options |= {"verify": self._verify, "allow_redirects": False}
        try:
            answer: requests.Response = getattr(connection, method)(url, **options)
        except AttributeError as error:
            # It wants to quote a refusal, and stumbles over one in other words than Graph's: we read it ourselves.
            if not isinstance(error.__context__, requests.HTTPError):
                raise
            answer = error.__context__.response
        return answer

    def _carried(self) -> str:
        """The token of the last request."""
        return str(self._connection.session.headers["Authorization"]).removeprefix("Bearer ")

    def _address(self, url: str) -> str:
        """Raises: ContractBroken, where the token would go to somebody else than Graph."""
        address: str = urljoin(self._protocol.service_url, url.removeprefix("/"))
        if _origin(address) != _origin(self._root):
            raise ContractBroken("Microsoft's listing leads to another server: check root_url.")
        return address


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _request(place: int, part: Part) -> dict[str, Any]:
    headers = {**_IDENTIFIED}
    if part.body is not None:
        headers["Content-Type"] = "application/json"
    if part.version is not None:
        headers["If-Match"] = part.version
    told = {"id": str(place), "method": part.method, "url": part.url, "headers": headers}
    return told if part.body is None else {**told, "body": part.body}


def _answer(told: Any) -> Answer:
    status, headers = told["status"], told.get("headers") or {}
    if not isinstance(status, int) or not isinstance(headers, dict):
        raise TypeError("a part without a status")
    return Answer(status, headers, told.get("body"))


def _read(answer: requests.Response) -> Any:
    """What it says in JSON. A refusal or a redirection need not."""
    success = answer.status_code < Status.MULTIPLE_CHOICES
    try:
        told = answer.json()
    except ValueError:
        if success:
            raise
        return None
    if success and not isinstance(told, dict):
        raise TypeError("no JSON object")
    return told
