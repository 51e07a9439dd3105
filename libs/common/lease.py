"""One tenure of one camera, and the lock in Redis that holds it."""

from __future__ import annotations

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.clock import running_s

SAFETY_SHARE: Final = 0.1
"""A lease counts as lost this share of the timeout before Redis may give it away: time for a publish under way."""

_ACQUIRE: Final = """#!lua flags=allow-oom
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
"""


class CameraLock(Lock):
    """redis-py's lock of one camera, asked for in a pipeline with others, and also while Redis is full.

    Extending and releasing write nothing new.
    """

    def __init__(self, redis: Redis, role: keys.Role, camera_id: str, timeout_s: float) -> None:
        super().__init__(redis, keys.lease(role, camera_id), timeout=timeout_s, blocking=False, thread_local=False)
        self._acquire = redis.register_script(_ACQUIRE)

    async def ask(self, token: str, pipe: Pipeline) -> None:
        """Put the request into a pipeline; its answer is true if the lock was free."""
        await self._acquire(keys=[self.name], args=[token, int((self.timeout or 0) * 1000)], client=pipe)

    def granted(self, token: str) -> None:
        """Note that Redis gave the lock to the token's owner."""
        self.local.token = token.encode()


class Lease:
    """One tenure of one camera.

    Attributes:
        camera_id: which camera.
        has_begun: whether the service works under it, and will release it.
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
        """The service begins its work under this lease."""
        self.has_begun = True

    def extend(self, asked_at_s: float) -> None:
        """Note that Redis granted the whole timeout to a request sent at `asked_at_s` (on `running_s`'s clock)."""
        self._valid_until_s = asked_at_s + self._timeout_s * (1 - SAFETY_SHARE)

    def end(self) -> None:
        """The tenure is over, whatever answers may still come."""
        self._is_over = True
