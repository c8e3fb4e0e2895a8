"""Who speaks EWS to the sandbox, and whose calendars they may open.

See: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/impersonation-and-ews-in-exchange
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, Request, SoapFaultError
from sandbox.exchange import Calendar, Exchange, StoreError


@dataclass(frozen=True, slots=True)
class Account:
    """`impersonates`: it has the role ApplicationImpersonation; `delegate`: it has full access to every mailbox;
    `application`: it came with a token of its own, and can do nothing without impersonation.
    """

    username: str
    password: str = ""
    impersonates: bool = False
    delegate: bool = False
    application: bool = False


APPLICATION = Account("application", impersonates=True, application=True)


def _nothing(_token: str) -> bool:
    return False


class Accounts:
    """The accounts that have a password, and what bearer tokens are good. A username may be an address."""

    def __init__(self, accepts: Callable[[str], bool] = _nothing) -> None:
        self.accepts = accepts
        self._accounts: dict[str, Account] = {}

    def add(self, username: str, password: str, *, impersonates: bool = False, delegate: bool = False) -> None:
        self._accounts[username.lower()] = Account(username, password, impersonates, delegate)

    def named(self, username: str) -> Account | None:
        return self._accounts.get(username.lower())

    def of(self, authorization: str) -> Account | None:
        """Whose Basic or Bearer header that is; None for nobody's."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return APPLICATION if self.accepts(given.strip()) else None
        if scheme.lower() != "basic":
            return None
        try:
            username, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self.named(username)
        return account if account is not None and account.password == password else None


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and the person for whom it acts in one request."""

    exchange: Exchange
    account: Account
    impersonated: str | None = None

    def address(self, mailbox: str | None = None) -> str:
        """The mailbox that is meant where a request names `mailbox`, or none. Raises: EwsError."""
        meant = mailbox or self.impersonated or self.account.username
        if mailbox is None and self.impersonated is None and not _exists(self.exchange, meant):
            said = "When making a request as an account that does not have a mailbox, you must specify the mailbox "
            raise EwsError("ErrorMissingEmailAddress", said + "primary SMTP address for any distinguished folder Ids.")
        return meant.lower()

    def calendar(self, mailbox: str | None = None) -> Calendar:
        """Of the mailbox with that address, or of the caller's own. Raises: EwsError."""
        address = self.address(mailbox)
        _check_primary(self.exchange, address)
        own = address == (self.impersonated or self.account.username).lower()
        if not own and (self.impersonated or not self.account.delegate) and _exists(self.exchange, address):
            raise EwsError("ErrorItemNotFound", "The specified object was not found in the store.")
        return opened(self.exchange, address)

    def holding(self, store_id: str) -> Calendar:
        """The calendar with that id, or with that item in it. Raises: EwsError."""
        address = self.exchange.holder(store_id)
        if address is None:
            raise EwsError("ErrorItemNotFound", "The specified object was not found in the store.")
        return self.calendar(address)


def caller(exchange: Exchange, account: Account, request: Request) -> Caller:
    """The account, for the person that the request's header names. Raises: SoapFaultError."""
    header = request.header.get("ExchangeImpersonation")
    if header is None:
        if account.application:
            said = "ExchangeImpersonation SOAP header must be present for this type of OAuth token."
            raise SoapFaultError("ErrorImpersonationRequired", said)
        return Caller(exchange, account)
    return Caller(exchange, account, _impersonated(exchange, account, header))


def _impersonated(exchange: Exchange, account: Account, header: etree._Element) -> str:
    kind = header.find("t:ConnectingSID/*", NAMES)
    if kind is None or etree.QName(kind).localname not in {"PrimarySmtpAddress", "SmtpAddress"}:
        raise NotPlayedError("impersonation by anything but an SMTP address")
    address = (kind.text or "").strip().lower()
    try:
        if etree.QName(kind).localname == "PrimarySmtpAddress":
            _check_primary(exchange, address)
        _check_may(account)
        opened(exchange, address)
    except EwsError as error:
        if error.code == "ErrorAccessDenied":
            said = "The account does not have permission to impersonate the requested user."
            raise SoapFaultError("ErrorImpersonateUserDenied", said) from error
        # The licence is missed only where the mailbox is opened.
        if error.code != "ErrorInternalServerError":
            raise SoapFaultError(error.code, str(error), error.values) from error
    return exchange.primary(address)


def _check_may(account: Account) -> None:
    if not account.impersonates:
        raise EwsError("ErrorAccessDenied", "The account lacks the role ApplicationImpersonation.")


def _exists(exchange: Exchange, address: str) -> bool:
    try:
        exchange.own(address)
    except StoreError:
        return False
    return True


def _check_primary(exchange: Exchange, address: str) -> None:
    primary = exchange.primary(address)
    if primary != address:
        said = "The primary SMTP address must be specified when referencing a mailbox."
        raise EwsError("ErrorNonPrimarySmtpAddress", said, {"Primary": primary})


def opened(exchange: Exchange, address: str) -> Calendar:
    """The store's calendar. Raises: EwsError."""
    try:
        return exchange.calendar(address)
    except StoreError as error:
        raise spoken(error) from error


def spoken(error: StoreError) -> EwsError:
    """The store's refusal in EWS's words."""
    match error.code:
        case "MailboxNotEnabledForRESTAPI":
            values = {
                "InnerErrorMessageText": "The license is invalid for this mailbox.",
                "InnerErrorResponseCode": "ErrorInvalidLicense",
                "InnerErrorDescriptiveLinkKey": "0",
            }
            said = "An internal server error occurred. The operation failed."
            return EwsError("ErrorInternalServerError", said, values)
        case "ErrorNonExistentMailbox":
            return EwsError(error.code, "The SMTP address has no mailbox associated with it.")
    return EwsError(error.code, str(error))
