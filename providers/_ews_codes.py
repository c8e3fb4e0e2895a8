"""Exchange's response codes, as exchangelib has them, and what they mean for the caller.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from exchangelib import errors as ews

from providers.base import (
    CalendarGone,
    Conflict,
    ContractBroken,
    CredentialRefused,
    EventGone,
    MailboxGone,
    ProviderError,
    Rejected,
    Unauthorized,
    Unavailable,
)

TOO_MUCH: tuple[type[Exception], ...] = (
    ews.ErrorServerBusy,
    ews.ErrorExceededConnectionCount,
    ews.ErrorExceededFindCountLimit,
    ews.ErrorTooManyObjectsOpened,
    ews.ErrorInsufficientResources,
    ews.RateLimitError,
)
"""Nothing was done, because there is too much to do; some name a wait."""

IN_DOUBT: tuple[type[Exception], ...] = (
    ews.ErrorInternalServerError,
    ews.ErrorInternalServerTransientError,
    ews.ErrorTimeoutExpired,
    ews.ErrorConnectionFailed,
    ews.ErrorConnectionFailedTransientError,
    ews.ErrorClientDisconnected,
    ews.ErrorDataSourceOperation,
    ews.ErrorNotEnoughMemory,
    ews.ErrorProxyCallFailed,
    ews.ErrorProxyRequestProcessingFailed,
    ews.ErrorRequestAborted,
    ews.CASError,
)
"""Something may have been done."""

_ROLE = "give the service account the role ApplicationImpersonation for this mailbox"
_PRIMARY = "check provisioning_smtpAddress, which must be the mailbox's primary address"
_CALENDAR = "there is no such calendar, or the service account may not see it; share it, or check the mailbox"

SAYINGS: dict[tuple[type[Exception], ...], tuple[type[ProviderError], str]] = {
    (
        ews.ErrorImpersonateUserDenied,
        ews.ErrorImpersonationDenied,
        ews.ErrorImpersonationFailed,
        ews.ErrorInvalidExchangeImpersonationHeaderData,
    ): (Unauthorized, _ROLE),
    (
        ews.ErrorAccessDenied,
        ews.ErrorCreateItemAccessDenied,
        ews.ErrorRecoverableItemsAccessDenied,
        ews.ErrorNotDelegate,
    ): (
        Unauthorized,
        "the service account may not do this; check its role, or share the calendar with it",
    ),
    (ews.ErrorPasswordExpired, ews.ErrorPasswordChangeRequired): (
        CredentialRefused,
        "the service account needs a new password; one that does not run out is best",
    ),
    (ews.UnauthorizedError, ews.ErrorCallerIsInvalidADAccount, ews.ErrorUserNotAllowedByPolicy): (
        CredentialRefused,
        "it refuses the service account; check username, password and its policy",
    ),
    (
        ews.ErrorNonExistentMailbox,
        ews.ErrorMissingEmailAddress,
        ews.ErrorNonPrimarySmtpAddress,
        ews.ErrorInvalidSmtpAddress,
        ews.ErrorInvalidMailbox,
        ews.ErrorInvalidUserInfo,
    ): (MailboxGone, f"there is no such mailbox; {_PRIMARY}"),
    (
        ews.ErrorAccountDisabled,
        ews.ErrorInvalidLicense,
        ews.ErrorMailboxConfiguration,
        ews.ErrorMailboxLogonFailed,
        ews.ErrorNoCalendar,
    ): (MailboxGone, "the account has no mailbox that can be used; switch it on, or unlink it"),
    (
        ews.ErrorFolderNotFound,
        ews.ErrorSavedItemFolderNotFound,
        ews.ErrorParentFolderNotFound,
        ews.ErrorCannotCreateCalendarItemInNonCalendarFolder,
    ): (CalendarGone, _CALENDAR),
    (
        ews.ErrorMailboxMoveInProgress,
        ews.ErrorMailboxStoreUnavailable,
        ews.ErrorMailboxFailover,
        ews.ErrorADUnavailable,
        ews.ErrorADOperation,
        ews.ErrorNoRespondingCASInDestinationSite,
        ews.ErrorNoApplicableProxyCASServersAvailable,
        ews.ErrorNoDestinationCASDueToKerberosRequirements,
        ews.ErrorNoDestinationCASDueToSSLRequirements,
        ews.ErrorNoDestinationCASDueToVersionMismatch,
        ews.ErrorProxyRequestNotAllowed,
        ews.ErrorProxyServiceDiscoveryFailed,
        ews.ErrorProxyTokenExpired,
        ews.ErrorBatchProcessingStopped,
    ): (Unavailable, "the mailbox is not available for now; it is tried again later"),
    (
        ews.ErrorItemNotFound,
        ews.ErrorObjectTypeChanged,
        ews.ErrorCalendarCannotUpdateDeletedItem,
    ): (EventGone, "there is no such event any more"),
    (
        ews.ErrorIrresolvableConflict,
        ews.ErrorStaleObject,
        ews.ErrorInvalidChangeKey,
        ews.ErrorChangeKeyRequired,
        ews.ErrorChangeKeyRequiredForWriteOperations,
        ews.ErrorUpdatePropertyMismatch,
    ): (Conflict, "the event was changed by somebody else"),
    (
        ews.ErrorInvalidId,
        ews.ErrorInvalidIdEmpty,
        ews.ErrorInvalidIdMalformed,
        ews.ErrorInvalidIdMalformedEwsLegacyIdFormat,
        ews.ErrorInvalidIdMonikerTooLong,
        ews.ErrorInvalidIdStoreObjectIdTooLong,
        ews.ErrorCannotUseFolderIdForItemId,
    ): (Conflict, "the id is of another mailbox or server; the event is looked up by its mark"),
    # No fault of the event: it is written as soon as there is room.
    (ews.ErrorQuotaExceeded,): (Unavailable, "the mailbox is full; make room there, or raise its quota"),
    (ews.ErrorDataSizeLimitExceeded, ews.ErrorMessageSizeExceeded, ews.ErrorRequestStreamTooBig): (
        Rejected,
        "what was sent is too large; shorten the descriptions",
    ),
    (
        ews.ErrorInvalidServerVersion,
        ews.ErrorIncorrectSchemaVersion,
        ews.ErrorInvalidSchemaVersionForMailboxVersion,
        ews.ErrorWrongServerVersion,
    ): (ContractBroken, "the mailbox's server is older; lower version"),
    (ews.ErrorInvalidRequest, ews.ErrorSchemaValidation): (
        ContractBroken,
        "it does not understand what it was sent; report this to Carillon's developers",
    ),
    (ews.RedirectError, ews.RelativeRedirect): (ContractBroken, "it stands at another address; check url"),
}
"""All others that we have a word for: our error and what to do about it."""
