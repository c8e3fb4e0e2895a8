"""How often the API may be called: with one token, and from one address with tokens that are wrong.

A bucket holds the calls of a minute and fills up evenly. It is kept in Redis, so that all processes count together;
while Redis is away each counts for itself, for provisioning must go on.
"""

import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from math import ceil

import redis
from starlette.exceptions import HTTPException

from provisioning import tokens
from worker.settings import ApiSettings

MINUTE = 60_000_000
"""Microseconds."""
MOST_KEPT = 10_000
"""Buckets, and tokens seen to be right, that a process remembers."""
PAUSE = 5.0
"""Seconds for which a Redis that failed is not asked again, and then by one call: the others shall not wait for it."""

_PREFIX = "carillon:api:"

# What is kept is the moment at which the bucket will be full again. By Redis' clock, for those of the API's machines
# may differ.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + tonumber(ARGV[1])
local wait = full - now - tonumber(ARGV[2])
if wait >= 1 then return math.ceil(wait) end
if ARGV[3] == '1' then
    redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
end
return 0
"""

_log = logging.getLogger("carillon.api")


class Rates:
    """The limits of one process of the API. Shared between threads; `clock` is monotonic, in seconds."""

    def __init__(self, to_redis: redis.Redis, limits: ApiSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._script = to_redis.register_script(_TAKE)
        self._away_until: float | None = None
        self._lock = threading.Lock()
        self._full: dict[str, float] = {}
        self._right: dict[bytes, None] = {}

    def admit(self, address: str, token: str) -> None:
        """Before a token is looked up. One that was right a while ago is looked up wherever it comes from.

        So is one that cannot be a guess: whoever makes a new token shall not be kept out by an old one beside it.

        Raises: HTTPException 429.
        """
        if not tokens.unguessable(token) and tokens.digest(token) not in self._right:
            self._refuse(self._wait(self._guesses(address), self._limits.wrong_tokens_per_minute, take=False))

    def wrong(self, address: str, token: str) -> None:
        """Count a token that was looked up and not found. Raises: HTTPException 429."""
        with self._lock:
            self._right.pop(tokens.digest(token), None)
        self._refuse(self._wait(self._guesses(address), self._limits.wrong_tokens_per_minute))

    def call(self, token_id: int, token: str) -> None:
        """Count a call with a token that is right. Raises: HTTPException 429."""
        with self._lock:
            self._right[tokens.digest(token)] = None
            if len(self._right) > MOST_KEPT:
                del self._right[next(iter(self._right))]
        wait = self._wait(f"{_PREFIX}calls:{token_id}", self._limits.calls_per_minute)
        if wait:
            said = f"This token makes more than {self._limits.calls_per_minute:,} calls a minute; go on in {wait} s."
            raise HTTPException(429, said, {"Retry-After": str(wait)})

    @staticmethod
    def _guesses(address: str) -> str:
        return f"{_PREFIX}wrong:{network(address)}"

    @staticmethod
    def _refuse(wait: int) -> None:
        if wait:
            said = f"Too many wrong tokens came from this address; correct the token, and try again in {wait} s."
            raise HTTPException(429, said, {"Retry-After": str(wait)})

    def _wait(self, bucket: str, a_minute: int, *, take: bool = True) -> int:
        """Seconds until the bucket has something in it, 0 if it had; then, with `take`, one was taken."""
        each = MINUTE / a_minute
        micros = self._shared(bucket, each, take=take) if self._may_ask() else None
        if micros is None:
            micros = self._here(bucket, each, take=take)
        return ceil(int(micros) / 1_000_000)

    def _may_ask(self) -> bool:
        with self._lock:
            if self._away_until is None:
                return True
            if self._clock() < self._away_until:
                return False
            self._away_until = self._clock() + PAUSE
            return True

    def _shared(self, bucket: str, each: float, *, take: bool) -> float | None:
        """Microseconds to wait, as all processes together count; None if Redis is away."""
        try:
            micros = float(self._script(keys=[bucket], args=[each, MINUTE, int(take)]))
        except redis.RedisError as error:
            self._away_until = self._clock() + PAUSE
            _log.warning("calls are counted by this process alone reason=%s", type(error).__name__)
            return None
        self._away_until = None
        return micros

    def _here(self, bucket: str, each: float, *, take: bool) -> float:
        """The same as the script, in this process alone."""
        with self._lock:
            now = self._clock() * 1_000_000
            full = max(now, self._full.get(bucket, 0)) + each
            wait = full - now - MINUTE
            if wait >= 1:
                return wait
            if take:
                self._full[bucket] = full
                if len(self._full) > MOST_KEPT:
                    self._full = {name: moment for name, moment in self._full.items() if moment > now}
            return 0


def network(address: str) -> str:
    """Whose address it is, as far as that can be told: of IPv6, a household has 2 to the 64."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "elsewhere"
    if known.version == 6 and known.ipv4_mapped is None:  # noqa: PLR2004 - the protocol's own number
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(getattr(known, "ipv4_mapped", None) or known)
