"""How much a mailbox may ask of its server now: limits that all workers share, through Redis and by its clock.

A bucket holds requests and fills up evenly. A part of what the server takes in a minute may be asked for at once, and
the bucket fills with the rest, so that no minute sees more than the server's figure. A Redis that was flushed knows no
bucket, and not that time has passed either: then all begin nearly empty. Where Redis is away nothing is asked at all.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

import redis
from redis.commands.core import Script

from providers._limits import Limited
from providers.base import Throttled
from worker import modules
from worker.installation import Installation
from worker.ledger import Synchronization, Unlink

PATIENCE = 2.0
"""Seconds that a run waits with its thread in hand; for more it ends and comes again."""
AWAY = timedelta(seconds=10)
"""When a run comes again that met no Redis."""
PAUSE = timedelta(seconds=60)
"""For an application whose server asks all of it to wait and tells no time."""
LONGEST_LINE = 3600
"""Seconds after which even the last in line asks again."""

# Taken are tokens from both buckets or from none. Whoever needs more than is there may take what comes within ARGV[3]
# seconds, and sleeps so long: those who ask later find less. Whoever must wait longer and has more than one batch to
# send is given a turn behind those who were told to wait before, or all would read a timetable only to be sent away.
_ASK = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local cost, left, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local paused = redis.call('PTTL', KEYS[2])
if paused > 0 then return {0, paused} end
redis.call('SET', KEYS[1], string.format('%.6f', now), 'NX')
local since = tonumber(redis.call('GET', KEYS[1]))
local waits, kept = {0, 0}, {}
for nth = 1, 2 do
    local rate, burst, start = tonumber(ARGV[1 + 3 * nth]), tonumber(ARGV[2 + 3 * nth]), tonumber(ARGV[3 + 3 * nth])
    if rate > 0 then
        local empty = tonumber(redis.call('GET', KEYS[3 + nth]) or since - start / rate)
        empty = math.max(empty, now - burst / rate)
        waits[nth] = math.max(0, empty + math.min(cost, burst) / rate - now)
        empty = empty + cost / rate
        kept[3 + nth] = {string.format('%.6f', empty), math.ceil((empty + burst / rate - now) * 1000) + 1}
    end
end
local wait = math.max(waits[1], waits[2])
if wait <= patience then
    for nth, bucket in pairs(kept) do redis.call('SET', KEYS[nth], bucket[1], 'PX', bucket[2]) end
    return {1, math.ceil(wait * 1000)}
end
if waits[1] > patience and left > cost then
    local line = math.max(tonumber(redis.call('GET', KEYS[3]) or 0), now + waits[1])
    wait = math.max(wait, line - now)
    line = math.min(line + left / tonumber(ARGV[4]), now + tonumber(ARGV[10]))
    redis.call('SET', KEYS[3], string.format('%.6f', line), 'PX', math.ceil((line - now) * 1000) + 1)
end
return {0, math.ceil(wait * 1000)}
"""


class NotNowError(Exception):
    """What was to be asked would be too much now: nothing was asked, and it may be in `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"not before {wait.total_seconds():.0f} s")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Bucket:
    """Of `per_minute` requests, 0 for any number, `at_once` of them may come at once, and `start` of those are there
    when nothing is known of the bucket; all three are shares.
    """

    per_minute: int
    at_once: float
    start: float

    def figures(self) -> tuple[float, float, float]:
        """What fills it in a second, what it holds, and what it begins with, in requests."""
        burst = self.per_minute * self.at_once
        return (self.per_minute - burst) / 60, burst, self.per_minute * self.start


class Allowance:
    """What one mailbox may ask of its server. `used` tells whether it was granted anything yet."""

    def __init__(
        self,
        client: redis.Redis,
        place: tuple[int, str, str, str],
        limits: Limited | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        tenant_id, kind, store, mailbox = place
        self.used = False
        self._redis = client
        self._sleep = sleep
        self._limits = limits
        self._application = f"carillon:limits:{tenant_id}:{kind}"
        # An address has no business in Redis.
        name = blake2b(mailbox.encode(), digest_size=8).hexdigest()
        self._mailbox = f"carillon:limits:{tenant_id}:{store}:mailbox:{name}"

    def ask(self, cost: int, left: int = 0) -> timedelta:
        """Nothing, when `cost` requests may be sent now; else how long to stay away, and none was granted. `left` is
        how many this run has still to send. Waits up to PATIENCE.
        """
        if self._limits is not None:
            granted, wait = self._asked(self._limits, cost, left)
            if not granted:
                return timedelta(seconds=wait)
            if wait:
                self._sleep(wait)
        self.used = True
        return timedelta()

    def take(self, cost: int) -> None:
        """Raises: NotNowError, where `ask` gives a time to stay away."""
        wait = self.ask(cost)
        if wait:
            raise NotNowError(wait)

    def heed(self, error: Exception | None) -> None:
        """Let nobody ask anything of the server for as long as it told the whole application to wait."""
        if not (isinstance(error, Throttled) and error.everybody):
            return
        pause = f"{self._application}:pause"
        wait = round((error.retry_after or PAUSE) / timedelta(milliseconds=1))
        try:
            if wait > self._redis.pttl(pause):
                self._redis.set(pause, "1", px=wait)
        except redis.RedisError:
            return  # Nobody asks anything meanwhile.

    def _asked(self, limits: Limited, cost: int, left: int) -> tuple[bool, float]:
        application, mailbox = buckets(limits)
        names = [f"{self._application}:{each}" for each in ("pause", "line", "bucket")]
        keys = ["carillon:limits:since", *names, self._mailbox]
        figures = (*application.figures(), *mailbox.figures())
        try:
            granted, wait = Script(self._redis, _ASK)(keys, [cost, left, PATIENCE, *figures, LONGEST_LINE])
        except redis.RedisError:
            return False, AWAY.total_seconds()
        return bool(granted), wait / 1000


def buckets(limits: Limited) -> tuple[Bucket, Bucket]:
    """That of the application and that of a mailbox.

    Many mailboxes ask at the same time: the application has a small store and a steady flow. One mailbox asks now and
    then: it has half a minute's worth in store. After a flush there is enough in that for a small run.
    """
    application = Bucket(limits.requests_per_minute, at_once=0.1, start=0.0)
    return application, Bucket(limits.requests_per_minute_per_mailbox, at_once=0.5, start=0.1)


def allowance(installation: Installation, row: Synchronization | Unlink) -> Allowance:
    """For a run or an unlink; where the provider knows no limits it grants everything."""
    tenant = installation.tenants[row.tenant_id]
    settings = tenant.providers.get(row.type)
    limits = settings if isinstance(settings, Limited) else None
    return Allowance(installation.redis, (row.tenant_id, row.type, modules.store(row.type), row.mailbox), limits)
