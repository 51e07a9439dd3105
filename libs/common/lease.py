"""One tenure of one camera, and the lock in Redis that holds it."""

from __future__ import annotations

from typing import Final

from redis.asyncio.lock import Lock

from libs.common.clock import running_s

SAFETY_SHARE: Final = 0.1
"""A lease counts as lost this share of the timeout before Redis may give it away: time for a publish under way."""

_ACQUIRE: Final = """#!lua flags=allow-oom
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
"""


class CameraLock(Lock):
    """redis-py's lock, which can also be acquired while Redis is full; extending and releasing write nothing new."""

    async def do_acquire(self, token: str | bytes) -> bool:
        timeout_ms = int((self.timeout or 0) * 1000)
        return bool(await self.redis.register_script(_ACQUIRE)(keys=[self.name], args=[token, timeout_ms]))


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
