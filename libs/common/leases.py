"""Which cameras this process owns: shared among the processes of a role, never owned by two at once.

Every process beats its heart into `lotcast:members:{role}`, computes the same assignment as the others, and holds each
of its cameras by a lock that expires unless it is extended. How a service uses it:

    leases = Leases(redis, "ingest", process_id("ingest"))
    run_until_stopped([leases.run(stop), ...])      # heartbeats, acquires, extends
    leases.share(camera_ids)                        # whenever the list of cameras is read
    held = leases.held()                            # camera id → Lease: work on these
    lease.begin()                                   # once the work on one begins; from here on it is yours to release
    if lease.is_valid(): publish                    # right before every publish
    await leases.release(lease)                     # once the work on a camera that is no longer held has ended

Once stopped, nothing is held any more: the user ends its work and releases as ever, and `run` then signs off.

A camera that goes to another process leaves `held()` first and stays locked until `release`, so that the next owner
begins when this one has ended. One that leaves before the work began is released here: nobody else may know of it.
A `Lease` is one tenure: work begun under one must end with it, even if the same process
gets the camera again, since somebody else may have owned it in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from libs.common import keys
from libs.common.assignment import assign
from libs.common.bus import as_text
from libs.common.clock import running_s
from libs.common.logging import get_logger
from libs.common.monitoring.liveness import LivenessCheck
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("leases")

DEFAULT_TIMEOUT_S: Final = 2.0
TICKS_PER_TIMEOUT: Final = 8
"""How often within the timeout hearts beat and free cameras are taken."""
TICKS_PER_EXTENSION: Final = 2
LOOKS_PER_TIMEOUT: Final = 40
"""How often within the timeout a lease is looked at that may have run out; needs no answer from Redis."""
SILENT_TIMEOUTS_MAX: Final = 3
"""A process whose heart has not reached Redis for this many timeouts owns nothing, and is not healthy."""
SAFETY_SHARE: Final = 0.1
"""A lease counts as lost this share of the timeout before Redis may give it away: time for what is being published."""

# The time is Redis's own, so that the clocks of the members' machines need not agree.
_BEAT = """
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1000000
redis.call('ZADD', KEYS[1], string.format('%.3f', seconds), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.3f', seconds - tonumber(ARGV[2])))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""


class Lease:
    """One tenure of one camera.

    Attributes:
        camera_id: which camera.
        has_begun: whether its user works under it, and will release it.
    """

    def __init__(self, camera_id: str, lock: Lock, timeout_s: float) -> None:
        self.camera_id = camera_id
        self.lock = lock
        self.has_begun = False
        self._timeout_s = timeout_s
        self._is_over = False
        self._valid_until_s = float("-inf")

    def is_valid(self) -> bool:
        """Whether the camera is certainly this process's now; also right after the process was paused."""
        return not self._is_over and running_s() < self._valid_until_s

    def begin(self) -> None:
        """The user begins its work under this lease."""
        self.has_begun = True

    def extend(self, asked_at_s: float) -> None:
        """Note that Redis granted the whole timeout to a request sent at `asked_at_s` (on `running_s`'s clock)."""
        self._valid_until_s = asked_at_s + self._timeout_s * (1 - SAFETY_SHARE)

    def end(self) -> None:
        """The tenure is over, whatever answers are still on their way."""
        self._is_over = True


class Leases:
    """The leases of this process in one role.

    Attributes:
        member: this process's name.
        role: its role.
        members: the role's live processes, as this one last saw them, sorted.
        moved: how often a camera was `taken`, `released` and `lost` by this process.
        changed: set when `held()` may have changed; the user clears it.
        liveness: beats whenever Redis has taken a heartbeat.
    """

    def __init__(self, redis: Redis, role: keys.Role, member: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """Own nothing yet.

        Args:
            redis: the bus.
            role: processes of one role share the cameras.
            member: a name that no other process has; stands in the locks, for redis-cli.
            timeout_s: a process that is silent for this long has lost its cameras.
        """
        self.member = member
        self.role = role
        self.members: tuple[str, ...] = ()
        self.moved = {"taken": 0, "released": 0, "lost": 0}
        self.changed = asyncio.Event()
        self.liveness = LivenessCheck("heartbeat to redis", SILENT_TIMEOUTS_MAX * timeout_s)
        self._redis = redis
        self._timeout_s = timeout_s
        self._camera_ids: frozenset[str] = frozenset()
        self._mine: frozenset[str] = frozenset()
        self._leases: dict[str, Lease] = {}
        self._releasing: set[str] = set()
        self._is_stopping = False
        self._beat = redis.register_script(_BEAT)
        self._renew = redis.register_script(Lock.LUA_REACQUIRE_SCRIPT)

    def share(self, camera_ids: Collection[str]) -> None:
        """Say which cameras there are; one that is missing now is not held any more."""
        if self._camera_ids != set(camera_ids):
            self._camera_ids = frozenset(camera_ids)
            self._assign()

    def held(self) -> dict[str, Lease]:
        """The cameras to work on now, by id."""
        return {
            camera_id: lease
            for camera_id, lease in self._leases.items()
            if camera_id in self._mine and lease.is_valid()
        }

    def speaks_for_all(self) -> bool:
        """Whether this is the one process of the role that reports what concerns no camera's owner."""
        return self.members[:1] == (self.member,)

    async def release(self, lease: Lease) -> None:
        """Give a camera to whoever waits for it; call it when the work under this lease has ended.

        Does nothing if the lease was lost meanwhile. If Redis is away, the lease expires by itself.
        """
        lease.end()
        if self._leases.get(lease.camera_id) is not lease:
            return  # the lock may be held again, under a later lease of this process
        self._releasing.add(lease.camera_id)
        try:
            await lease.lock.release()
            self.moved["released"] += 1
        except (LockError, RedisError, OSError) as error:
            self.moved["lost"] += 1
            _log.debug("lease was gone before its release", camera=lease.camera_id, reason=str(error))
        finally:
            self._releasing.discard(lease.camera_id)
            del self._leases[lease.camera_id]

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the leases until stopped, then until they are released; outlives Redis being away, the leases do not."""
        looking = asyncio.create_task(self._look_for_lost())
        try:
            await self._tick_until_stopped(stop)
            self._is_stopping = True
            self._assign()
            await self._release_unused()
            # Those that nobody releases run out.
            while self._leases:  # noqa: ASYNC110 - looked at a few times, once in a life: no need for an event
                await asyncio.sleep(self._timeout_s / LOOKS_PER_TIMEOUT)
            await self._sign_off()
        finally:
            looking.cancel()

    async def _sign_off(self) -> None:
        """Let the others take over at once."""
        try:
            await self._redis.zrem(keys.members(self.role), self.member)
        except (RedisError, OSError) as error:
            _log.info("could not sign off; the others notice by themselves", error=str(error))

    async def _tick_until_stopped(self, stop: asyncio.Event) -> None:
        away = False
        tick = 0
        while not stop.is_set():
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._tick(extend=tick % TICKS_PER_EXTENSION == 0)
                self.liveness.beat()
                away = False
            except (RedisError, OSError) as error:
                if not away:
                    _log.warning("cannot reach redis; leases run out", role=self.role, error=str(error))
                away = True
            tick += 1
            await sleep_until_stopped(stop, self._timeout_s / TICKS_PER_TIMEOUT)

    async def _tick(self, *, extend: bool) -> None:
        answer: Any = await self._beat(keys=[keys.members(self.role)], args=[self.member, self._timeout_s])
        members = tuple(sorted(as_text(member) for member in answer))
        if members != self.members:
            _log.info("members changed", role=self.role, members=members)
            self.members = members
            self._assign()
        await self._release_unused()
        if extend:
            await self._extend_all()
        free = [camera_id for camera_id in self._mine if camera_id not in self._leases]
        await asyncio.gather(*(self._acquire(camera_id) for camera_id in free))

    async def _release_unused(self) -> None:
        """Release what left before its user began: won and lost between two looks at `held()`."""
        gone = [lease for camera_id, lease in self._leases.items() if camera_id not in self._mine]
        await asyncio.gather(*(self.release(lease) for lease in gone if not lease.has_begun))

    async def _extend_all(self) -> None:
        leases = list(self._leases.values())
        if not leases:
            return
        pipe = self._redis.pipeline(transaction=False)
        for lease in leases:
            args = [lease.lock.local.token, int(self._timeout_s * 1000)]
            await self._renew(keys=[lease.lock.name], args=args, client=pipe)
        asked_at_s = running_s()
        granted: list[Any] = await pipe.execute()
        for lease, is_granted in zip(leases, granted, strict=True):
            if is_granted:
                lease.extend(asked_at_s)
            else:
                lease.end()

    async def _acquire(self, camera_id: str) -> None:
        name = keys.lease(self.role, camera_id)
        lock = Lock(self._redis, name, timeout=self._timeout_s, blocking=False, thread_local=False)
        asked_at_s = running_s()
        if await lock.acquire(token=self.member):
            lease = Lease(camera_id, lock, self._timeout_s)
            lease.extend(asked_at_s)
            self._leases[camera_id] = lease
            self.moved["taken"] += 1
            self.changed.set()

    async def _look_for_lost(self) -> None:
        while True:
            await asyncio.sleep(self._timeout_s / LOOKS_PER_TIMEOUT)
            self._drop_lost()

    def _drop_lost(self) -> None:
        for camera_id, lease in list(self._leases.items()):
            if not lease.is_valid() and camera_id not in self._releasing:
                _log.warning("lease lost", role=self.role, camera=camera_id)
                lease.end()
                del self._leases[camera_id]
                self.moved["lost"] += 1
                self.changed.set()

    def _assign(self) -> None:
        assignment = {} if self._is_stopping else assign(self._camera_ids, self.members)
        self._mine = frozenset(camera_id for camera_id, member in assignment.items() if member == self.member)
        self.changed.set()
