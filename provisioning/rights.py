"""What a token may do with calendar schedules. Each right includes those before it."""

from enum import StrEnum

from provisioning import tokens
from worker.ledger import Token


class Right(StrEnum):
    """The first two are of one group, the third is of the whole tenant."""

    END_USER = "End User"
    GROUP_ADMIN = "Group Admin"
    TENANT_ADMIN = "Tenant Admin"

    def includes(self, other: "Right") -> bool:
        order = list(Right)
        return order.index(self) >= order.index(other)


class MisplacedRightError(Exception):
    """The message says which of a right and a group is missing or too much."""


def check(right: Right | None, group: str | None) -> None:
    """Raises: MisplacedRightError."""
    confined = right in {Right.END_USER, Right.GROUP_ADMIN}
    if confined and group is None:
        raise MisplacedRightError(f"the right {right} is one of a group; name it with --group")
    if group is not None and not confined:
        raise MisplacedRightError(f"--group goes with the right {Right.END_USER} or {Right.GROUP_ADMIN}; name one")


def of_token(token: Token) -> Right | None:
    """Whoever provisions a tenant may already take away everything that stands in its people's calendars, so that such
    a token is one of a Tenant Admin, unless it was made with another right.
    """
    if token.access_right is not None:
        return Right(token.access_right)
    return Right.TENANT_ADMIN if tokens.ROLE_API_PROVISIONING in token.roles else None
