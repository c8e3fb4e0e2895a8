"""Many requests in one: the multipart bodies of Google's batches.

See: https://developers.google.com/workspace/calendar/api/guides/batch
"""

import email
from collections.abc import Iterable
from email.message import Message
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.responses import Response

from sandbox.google_calendar import Call

BOUNDARY = "batch_of_the_sandbox"


def parse(content_type: str, body: bytes) -> list[tuple[str, Call]]:
    """The requests of a batch in their order, each with its Content-ID. Raises: ValueError."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    whole = email.message_from_bytes(head + body)
    if whole.get_content_type() != "multipart/mixed" or not whole.is_multipart():
        raise ValueError("a batch must be multipart/mixed")
    return [(_name(part), _call(bytes(part.get_payload(decode=True)))) for part in whole.walk() if part is not whole]


def multipart(answers: Iterable[tuple[str, Response]]) -> Response:
    """Google's answer to a batch: each answer under the Content-ID of its request, with `response-` before it."""
    lines = []
    for name, answer in answers:
        named = {"content-length": str(len(answer.body)), **answer.headers}
        headers = "".join(f"{key}: {value}\r\n" for key, value in named.items())
        lines.append(
            f"--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <response-{name.strip('<>')}>\r\n\r\n"
            f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}\r\n{headers}\r\n"
            f"{bytes(answer.body).decode()}\r\n"
        )
    content = "".join(lines) + f"--{BOUNDARY}--\r\n"
    return Response(content, headers={"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"})


def _name(part: Message) -> str:
    name = part.get("Content-ID")
    if part.get_content_type() != "application/http" or not name:
        raise ValueError("a part of a batch must be of type application/http and have a Content-ID")
    return str(name)


def _call(content: bytes) -> Call:
    line, _, rest = content.replace(b"\r\n", b"\n").partition(b"\n")
    verb, address, _ = line.decode().split()
    head, _, body = rest.partition(b"\n\n")
    headers = (line.partition(":") for line in head.decode().splitlines())
    parts = urlsplit(address)
    return Call(
        verb=verb,
        path=unquote(parts.path).removeprefix("/calendar/v3/"),
        query=parse_qsl(parts.query, keep_blank_values=True),
        headers={name.lower(): value.strip() for name, _, value in headers},
        body=body.strip(),
    )
