"""How many requests a server takes, as an administrator says it and the provider's page publishes it."""

from typing import Annotated

from pydantic import BaseModel, Field

PerMinute = Annotated[int, Field(ge=0, le=1_000_000)]


class Limited(BaseModel):
    """Part of the `Settings` of a provider whose server limits requests, or may do so.

    A change in a batch counts as a request. What is said here is no part of where a mailbox is, so it is left out
    wherever the settings are written down: another number makes no calendar be read anew.
    """

    requests_per_minute: PerMinute = Field(
        0, exclude=True, description="Requests that the server takes from us in a minute, for all mailboxes; 0: any."
    )
    requests_per_minute_per_mailbox: PerMinute = Field(
        0, exclude=True, description="Requests in a minute for one mailbox; 0: any."
    )
