"""What settings say of a MyTimetable site, whichever source asks it."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _base_url(text: str) -> str:
    no_address = ValueError("expected the address of the API, like https://timetable.example.org/api/v0/")
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        # What urllib says of a password with a slash or a bracket in it quotes that.
        raise no_address from None
    path = re.fullmatch(r"(/.*)?/api/v\d+/?", url.path)
    if url.scheme not in {"http", "https"} or not host or not path or url.query or url.fragment or "@" in url.netloc:
        raise no_address
    if url.scheme == "http" and host not in LOOPBACK:
        raise ValueError("must begin with https:// (http:// only for this machine): the token reads for everybody")
    return text.rstrip("/") + "/"


def _token(secret: SecretStr) -> SecretStr:
    token = secret.get_secret_value().strip()
    if not (token and token.isascii() and token.isprintable()):
        raise ValueError("expected the API token, one line of ASCII")
    return SecretStr(token)


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Token = Annotated[SecretStr, AfterValidator(_token)]
