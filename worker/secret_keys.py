"""The keys under which people's refresh tokens are kept, and by which addresses that we hand out are known again."""

import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VARIABLE = "CARILLON_SECRET_KEY"
_HOW = "`carillon secrets key` makes one"


class SecretKeyError(Exception):
    """The message says what is wrong with the variable, without quoting it."""


class LostKeyError(Exception):
    """Something was encrypted under a key that the variable does not hold any more."""


class Keyring:
    """Keys, the newest first: it encrypts, and all of them decrypt. Shared between threads."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises: SecretKeyError."""
        try:
            self._fernet = MultiFernet([Fernet(each) for each in keys])
        except ValueError as error:
            raise SecretKeyError(f"{VARIABLE} holds no key, or one that is none; {_HOW}") from error
        self._signing = [_derived(each) for each in keys]

    def seal(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Raises: LostKeyError."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise LostKeyError from error

    def anew(self, sealed: bytes) -> bytes:
        """The same under the newest key. Raises: LostKeyError."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise LostKeyError from error

    def sign(self, text: str) -> str:
        """43 characters that can stand in any address."""
        return _signature(self._signing[0], text)

    def signed(self, text: str, signature: str) -> bool:
        """Whether `signature` is that of `text`, under any of the keys."""
        told = signature.encode()
        return any(hmac.compare_digest(_signature(each, text).encode(), told) for each in self._signing)


def keyring(environment: Mapping[str, str] = os.environ) -> Keyring | None:
    """The keys of `CARILLON_SECRET_KEY`, newest first and separated by commas, or by lines in the file that it names as
    `file:PATH`; None where it is not set.

    Raises: SecretKeyError.
    """
    text = environment.get(VARIABLE, "")
    if text.startswith("file:"):
        try:
            text = Path(text.removeprefix("file:")).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SecretKeyError(f"{VARIABLE} names a file that cannot be read; correct it, or {_HOW}") from error
    elif not text:
        return None
    return Keyring([each for each in text.replace(",", " ").split() if each])


def new_key() -> str:
    """A key, as the variable holds it."""
    return Fernet.generate_key().decode()


def _derived(key: str) -> bytes:
    """For signatures, so that one key does not serve two purposes."""
    return HKDF(SHA256(), length=32, salt=None, info=b"carillon link addresses").derive(key.encode())


def _signature(key: bytes, text: str) -> str:
    return urlsafe_b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
