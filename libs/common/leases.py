"""Which cameras this process owns: shared among the processes of a role, never owned by two at once.

Each process writes heartbeats (`libs.common.membership`), computes the same assignment as the others, and holds each of
its cameras by a lock that expires unless it is extended. It goes on while Redis is full. How a service uses it:

    leases = Leases(redis, "ingest", process_id("ingest"))
    run_until_stopped([leases.run(stop), ...])      # heartbeats, acquires, extends
    leases.share(camera_ids)                        # whenever the list of cameras is read
    held = leases.held()                            # camera id → Lease: work on these
    lease.begin()                                   # when work on a camera begins; from here on the service releases it
    if lease.is_valid(): publish                    # right before each publish
    await leases.release(lease)                     # when work on a camera that is no longer held has ended

After a stop nothing is held any more: the service ends its work and releases as usual, and `run` then leaves the role.

A camera that goes to another process leaves `held()` first and stays locked until `release`, so that the next owner
begins after this one has ended. If it leaves before work has begun, it is released here, since the service may not know
of it. A `Lease` is one tenure: work begun under it must end with it, even if the same process gets the camera again,
because another process may have owned it in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.assignment import assign
from libs.common.clock import running_s
from libs.common.lease import CameraLock, Lease
from libs.common.logging import get_logger
from libs.common.membership import Membership
from libs.common.monitoring.liveness import LivenessCheck
from libs.common.redis_errors import REDIS_ERRORS, OutageLog, describe
from libs.common.shutdown import sleep_until_stopped

__all__ = ["Lease", "Leases"]

_log = get_logger("leases")

DEFAULT_TIMEOUT_S: Final = 2.0
TICKS_PER_TIMEOUT: Final = 8
"""How often within the timeout a heartbeat is written and free cameras are taken."""
TICKS_PER_EXTENSION: Final = 2
CHECKS_PER_TIMEOUT: Final = 40
"""How often within the timeout leases are checked for having run out; this needs no answer from Redis."""
SILENT_TIMEOUTS_MAX: Final = 3
"""A process whose heartbeats have not reached Redis for this many timeouts owns nothing and is not healthy."""


class Leases:
    """The leases of this process in one role.

    Attributes:
        member: this process's name.
        role: its role.
        members: the role's live processes, as this one last saw them, sorted.
        moved: how often a camera was `taken`, `released` and `lost` by this process.
        changed: set when `held()` may have changed; the service clears it.
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
        self._membership = Membership(redis, role, member, timeout_s)
        self._renew = redis.register_script(Lock.LUA_REACQUIRE_SCRIPT)

    def share(self, camera_ids: Collection[str]) -> None:
        """Set the cameras that exist; one that is missing from now on is no longer held."""
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
        """Give up a camera, so that another process can take it; call this when work under the lease has ended.

        Does nothing if the lease was lost meanwhile. If Redis is away, the lease expires by itself.
        """
        lease.end()
        if self._leases.get(lease.camera_id) is not lease:
            return  # the lock may be held again, under a later lease of this process
        self._releasing.add(lease.camera_id)
        try:
            await lease.lock.release()
            self.moved["released"] += 1
        except REDIS_ERRORS as error:  # a LockError is one
            self.moved["lost"] += 1
            _log.debug("lease was gone before its release", camera=lease.camera_id, reason=str(error))
        finally:
            self._releasing.discard(lease.camera_id)
            del self._leases[lease.camera_id]

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the leases until stopped, then until they are released; outlives Redis being away, the leases do not."""
        checking = asyncio.create_task(self._drop_lost_for_ever())
        try:
            await self._tick_until_stopped(stop)
            self._is_stopping = True
            self._assign()
            await self._release_unused()
            # Those that nobody releases run out.
            while self._leases:  # noqa: ASYNC110 - a few rounds, once in a process's life: no need for an event
                await asyncio.sleep(self._timeout_s / CHECKS_PER_TIMEOUT)
            await self._leave()
        finally:
            checking.cancel()

    async def _leave(self) -> None:
        """Let the others take over at once."""
        try:
            await self._membership.leave()
        except REDIS_ERRORS as error:
            _log.info("could not leave the role; the others notice by the missing heartbeat", error=describe(error))

    async def _tick_until_stopped(self, stop: asyncio.Event) -> None:
        outage = OutageLog(_log, f"leases of {self.role} run out")
        tick = 0
        while not stop.is_set():
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._tick(extend=tick % TICKS_PER_EXTENSION == 0)
                self.liveness.beat()
                outage.worked()
            except REDIS_ERRORS as error:
                outage.failed(error)
            tick += 1
            await sleep_until_stopped(stop, self._timeout_s / TICKS_PER_TIMEOUT)

    async def _tick(self, *, extend: bool) -> None:
        members = await self._membership.beat()
        if members != self.members:
            _log.info("members changed", role=self.role, members=members)
            self.members = members
            self._assign()
        await self._release_unused()
        if extend:
            await self._extend_all()
        free = [camera_id for camera_id in self._mine if camera_id not in self._leases]
        await self._acquire_all(free)

    async def _release_unused(self) -> None:
        """Release cameras that left before work began: taken and lost between two calls of `held()`."""
        gone = [lease for camera_id, lease in self._leases.items() if camera_id not in self._mine]
        await asyncio.gather(*(self.release(lease) for lease in gone if not lease.has_begun))

    async def _extend_all(self) -> None:
        leases = list(self._leases.values())
        if not leases:
            return
        async with self._redis.pipeline(transaction=False) as pipe:  # see `VitalWrite`
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

    async def _acquire_all(self, camera_ids: Collection[str]) -> None:
        """Take those cameras that nobody holds, in one round trip: hundreds at once would want a connection each."""
        if not camera_ids:
            return
        locks = [CameraLock(self._redis, self.role, camera_id, self._timeout_s) for camera_id in camera_ids]
        async with self._redis.pipeline(transaction=False) as pipe:
            for lock in locks:
                await lock.ask(self.member, pipe)
            asked_at_s = running_s()
            answers: list[Any] = await pipe.execute(raise_on_error=False)
        for camera_id, lock, answer in zip(camera_ids, locks, answers, strict=True):
            if answer and not isinstance(answer, Exception):
                lock.granted(self.member)
                lease = Lease(camera_id, lock, self._timeout_s)
                lease.extend(asked_at_s)
                self._leases[camera_id] = lease
                self.moved["taken"] += 1
                self.changed.set()
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer

    async def _drop_lost_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._timeout_s / CHECKS_PER_TIMEOUT)
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
