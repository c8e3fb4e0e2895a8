"""A synchronization with an account that an e-mail address names."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")


class Account(BaseModel):
    """Part of the `Target` of a provider of such accounts: whoever's account is not told has their username for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str
    account: str = Field(alias="smtpAddress", max_length=254, description="The account; the username when left out.")

    @property
    def mailbox(self) -> str:
        return self.account

    @model_validator(mode="before")
    @classmethod
    def _from_username(cls, fields: Any) -> Any:
        return {"smtpAddress": fields.get("username"), **fields} if isinstance(fields, dict) else fields

    @field_validator("account")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if not _ADDRESS.fullmatch(address):
            raise ValueError("must be the account's e-mail address, like alice@example.org")
        return address.lower()
