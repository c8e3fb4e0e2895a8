"""The one place where an unforeseen exception becomes a value, so that every task ends with a recorded outcome."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from providers.base import ProviderError, Unavailable
from timetables.base import SourceError
from worker.leases import LostLeaseError
from worker.limits import NotNowError


def attempt(action: Callable[[], None], log: logging.Logger, ident: int) -> Exception | None:
    """What went wrong in `action`, None if nothing did. A defect is logged with its traceback.

    Raises: LostLeaseError, for whoever lost the lease must record nothing; NotNowError, for nothing went wrong.
    """
    try:
        action()
    except LostLeaseError:
        log.warning("lost lease id=%d", ident)
        raise
    except NotNowError:
        raise
    except (ProviderError, SourceError) as error:
        return error
    except DBAPIError as error:
        log.warning("database failed id=%d reason=%s", ident, type(error).__name__)
        return Unavailable("PostgreSQL failed in the middle of it; it is tried again.")
    except Exception as error:
        log.exception("defect id=%d", ident)
        return error
    return None
