"""Servers that do not answer: while one is away, its mailboxes wait together, and one of them tries it now and then.

It is kept in Redis, so that all workers learn together; a flushed Redis only forgets it.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import cast

import redis

from providers.base import Ambiguous, ProviderError, Unavailable
from worker.slots import Group

FAILURES = 5
"""So many mailboxes in a row that met nobody make their server count as away."""
PROBE_SECONDS = 30
FORGOTTEN_SECONDS = 3600

SENTENCE = f"The server answers no mailbox; it is tried again every {PROBE_SECONDS} s."


def note(client: redis.Redis, group: Group, ident: int, error: Exception | None) -> bool:
    """Remember what a run met that asked its server something. Whether the server counts as away after it."""
    with suppress(redis.RedisError):
        if isinstance(error, Unavailable | Ambiguous) and error.everybody:
            with client.pipeline() as pipeline:
                pipeline.sadd(_key(group), ident)
                pipeline.expire(_key(group), FORGOTTEN_SECONDS)
                pipeline.scard(_key(group))
                return int(pipeline.execute()[-1]) >= FAILURES
        if error is None or isinstance(error, ProviderError):
            client.delete(_key(group))
    return False


def leave(client: redis.Redis, group: Group, ident: int) -> None:
    """Forget that this one met nobody: it may not ask its server now, and else the others would wait for it."""
    with suppress(redis.RedisError):
        client.srem(_key(group), ident)


def away(client: redis.Redis, groups: Iterable[Group]) -> list[Group]:
    """Those of `groups` whose server counts as away. Raises: redis.RedisError."""
    asked = list(groups)
    with client.pipeline(transaction=False) as pipeline:
        for each in asked:
            pipeline.scard(_key(each))
        return [each for each, met in zip(asked, pipeline.execute(), strict=True) if met >= FAILURES]


def probes(client: redis.Redis, groups: Iterable[Group]) -> list[int]:
    """For each of `groups` that was not tried for PROBE_SECONDS, one of the synchronizations that met nobody.

    Raises: redis.RedisError.
    """
    chosen = []
    for each in groups:
        if client.set(f"{_key(each)}:tried", "1", nx=True, ex=PROBE_SECONDS):
            chosen += [int(member) for member in cast("list[bytes]", client.srandmember(_key(each), 1))]
    return chosen


def _key(group: Group) -> str:
    return f"carillon:away:{group[0]}:{group[1]}"
