"""What the errors of Exchange, of its library and of the wire mean for the caller."""

import struct
from datetime import timedelta
from typing import Any

import requests
import spnego.exceptions
from exchangelib import errors as ews
from lxml import etree

from providers._causes import is_stranger
from providers._connection import Connection, Meaning, in_doubt
from providers._ews_codes import IN_DOUBT, SAYINGS, TOO_MUCH
from providers._ews_tokens import NoTokenEndpointError, NoTokenNowError, TokenRefusedError, TokenThrottledError
from providers._ews_wire import NoConnectionFreeError, RefusedError
from providers._retry_after import LONGEST
from providers.base import (
    Ambiguous,
    ContractBroken,
    CredentialRefused,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)

_STATUSES: dict[int, tuple[type[ProviderError], str]] = {
    401: (
        CredentialRefused,
        "it refuses the service account; check username and password, or the application, and auth",
    ),
    403: (Unauthorized, "it does not let the service account in; check whether EWS is switched on for it"),
    404: (ContractBroken, "there is no Exchange; check url"),
    413: (Rejected, "what was sent is too large; shorten the descriptions"),
    429: (Throttled, "too many requests; the rest follows later"),
}


def fault(error: Exception, *, writing: bool) -> ProviderError:
    """What `error`, of a class in FAULTS, means; `writing` tells whether something was to be changed."""
    meaning = next(FAULTS[kind] for kind in type(error).__mro__ if kind in FAULTS)(error, writing)
    # Exchange itself did not answer, or nobody sold a token: another mailbox would fare no better.
    unheard = isinstance(error, OSError | RefusedError | NoTokenNowError)
    meaning.everybody = meaning.everybody or (unheard and isinstance(meaning, Unavailable | Ambiguous))
    return meaning


def _says(kind: type[ProviderError], advice: str) -> Meaning:
    def meaning(error: Exception, writing: bool) -> ProviderError:
        said = f"Exchange answered {type(error).__name__}"
        if kind is Rejected and not writing:
            return ContractBroken(f"{said} to a question: report this to Carillon's developers.")
        return kind(f"{said}: {advice}.")

    return meaning


def _busy(error: Any, _writing: bool) -> ProviderError:
    seconds = getattr(error, "back_off", None)
    wait = min(timedelta(seconds=seconds), LONGEST) if seconds and seconds > 0 else None
    return Throttled(f"Exchange answered {type(error).__name__}: too much at a time; the rest follows later.", wait)


def _failed(error: Exception, writing: bool) -> ProviderError:
    return in_doubt(f"Exchange answered {type(error).__name__}", writing)


def _other(error: Exception, writing: bool) -> ProviderError:
    code = str(error) if str(error).isidentifier() else type(error).__name__
    if writing:
        return Rejected(f"Exchange answered {code}: it will not take this event as it is.")
    return ContractBroken(f"Exchange answered {code} to a question: report this to Carillon's developers.")


def _refused(error: RefusedError, writing: bool) -> ProviderError:
    said = f"Exchange answered {error.status}"
    if error.status >= requests.codes.server_error:
        return in_doubt(said, writing)
    kind, advice = _STATUSES.get(error.status) or (ContractBroken, "nobody expects that here; check url")
    if kind is Throttled:
        return Throttled(f"{said}: {advice}.", error.wait)
    return kind(f"{said}: {advice}.")


def _no_handshake(_error: Exception, _writing: bool) -> ProviderError:
    return CredentialRefused(
        "Exchange and the service account do not agree about NTLM: check auth, username and password."
    )


def _no_connection_free(_error: Exception, _writing: bool) -> ProviderError:
    return Unavailable("All connections of the service account are in use: raise connections, or use fewer workers.")


def _no_token(error: Exception, _writing: bool) -> ProviderError:
    if is_stranger(error):
        return Unavailable("The token endpoint's certificate is not trusted: check authority and ca_file.")
    return Unavailable("The token endpoint cannot be reached or is failing: check authority; it is asked again later.")


def _token_throttled(error: TokenThrottledError, _writing: bool) -> ProviderError:
    return Throttled("The token endpoint asks for fewer requests: the rest follows later.", error.wait, everybody=True)


def _token_refused(error: TokenRefusedError, _writing: bool) -> ProviderError:
    return CredentialRefused(
        f"The token endpoint refuses the application ({error.word}): check directory, client_id and client_secret, "
        "which runs out after a time."
    )


def _no_token_endpoint(_error: Exception, _writing: bool) -> ProviderError:
    return ContractBroken("The token endpoint gives no token and no reason: check authority and directory.")


_CONNECTION = Connection(
    lost="The connection to Exchange broke or timed out",
    unreadable="Exchange's answer cannot be read",
    untrusted="Exchange's certificate is not trusted: check url and ca_file.",
    unreachable="Exchange cannot be reached: check url and this machine's network.",
    strange="Exchange's answer cannot be read: check url, and whether a proxy answers in its place.",
)
FAULTS: dict[type[Exception], Meaning] = {
    **_CONNECTION.faults(),
    **dict.fromkeys(TOO_MUCH, _busy),
    **dict.fromkeys(IN_DOUBT, _failed),
    **{kind: _says(*saying) for kinds, saying in SAYINGS.items() for kind in kinds},
    ews.ResponseMessageError: _other,
    ews.EWSError: _CONNECTION.odd,
    RefusedError: _refused,
    NoConnectionFreeError: _no_connection_free,
    TokenThrottledError: _token_throttled,
    TokenRefusedError: _token_refused,
    NoTokenNowError: _no_token,
    NoTokenEndpointError: _no_token_endpoint,
    spnego.exceptions.SpnegoError: _no_handshake,
    spnego.exceptions.FeatureMissingError: _no_handshake,
    spnego.exceptions.NativeError: _no_handshake,
    struct.error: _no_handshake,
    PermissionError: _no_handshake,
    etree.XMLSyntaxError: _CONNECTION.odd,
}
"""The nearest class counts: {library error: what makes our error of it}."""
