"""NTLM as IIS speaks it: a connection signs in once, and every later request on it is that account's.

It needs what pyspnego keeps to itself: `spnego.server` reads passwords from a file that one variable of the process's
environment names, and knows an account under one domain only.

See: https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/
"""

import base64
import binascii
import os
from collections import OrderedDict
from typing import Any

from spnego._ntlm_raw.crypto import hmac_md5, ntowfv1, ntowfv2
from spnego._ntlm_raw.messages import Authenticate, AvId, Challenge, Negotiate, NegotiateFlags, TargetInfo

from sandbox.ews_access import Account, Accounts

Peer = tuple[str, int]
MOST_CONNECTIONS = 1000
LONGEST_V1 = 24
"""Bytes: a longer response is NTLMv2's."""
_FLAGS = (
    NegotiateFlags.unicode
    | NegotiateFlags.request_target
    | NegotiateFlags.ntlm
    | NegotiateFlags.always_sign
    | NegotiateFlags.extended_session_security
    | NegotiateFlags.target_info
    | NegotiateFlags.target_type_server
)


class Handshakes:
    """How far each connection has come; the oldest are forgotten. Used by one thread.

    A connection is known by its far end: a later one from the same port counts as the same until it signs in anew.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._challenges: OrderedDict[Peer, bytes] = OrderedDict()
        self._signed_in: OrderedDict[Peer, Account] = OrderedDict()

    def account(self, peer: Peer, authorization: str) -> Account | None:
        """Who speaks on that connection: with its last message, or since an earlier request."""
        scheme, _, given = authorization.partition(" ")
        if not authorization:
            return self._signed_in.get(peer)
        challenge = self._challenges.pop(peer, None)
        if scheme.lower() != "ntlm" or challenge is None:
            return None
        account = self._proved(given, challenge)
        if account is not None:
            _keep(self._signed_in, peer, account)
        return account

    def challenge(self, peer: Peer, authorization: str) -> str:
        """What WWW-Authenticate answers to a first message; without one, only that NTLM is spoken here."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "ntlm":
            return "NTLM"
        try:
            Negotiate.unpack(base64.b64decode(given, validate=True))
        except (ValueError, binascii.Error):
            return "NTLM"
        challenge = os.urandom(8)
        _keep(self._challenges, peer, challenge)
        target = TargetInfo()
        target[AvId.nb_domain_name] = target[AvId.nb_computer_name] = "SANDBOX"
        message = Challenge(_FLAGS, challenge, target_name="SANDBOX", target_info=target).pack()
        return f"NTLM {base64.b64encode(message).decode()}"

    def _proved(self, given: str, challenge: bytes) -> Account | None:
        """The account that the last message proves to know the password of. NTLMv2 only."""
        try:
            message = Authenticate.unpack(base64.b64decode(given, validate=True))
        except (ValueError, binascii.Error):
            return None
        account = self._accounts.named(message.user_name or "")
        response = message.nt_challenge_response or b""
        if account is None or len(response) <= LONGEST_V1:
            return None
        key = ntowfv2(message.user_name or "", ntowfv1(account.password), message.domain_name)
        return account if hmac_md5(key, challenge + response[16:]) == response[:16] else None


def _keep(kept: OrderedDict[Peer, Any], peer: Peer, value: Any) -> None:
    kept[peer] = value
    kept.move_to_end(peer)
    if len(kept) > MOST_CONNECTIONS:
        kept.popitem(last=False)
