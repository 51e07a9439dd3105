"""Watches whether the embedded Redis can save its data, and says so at once where it cannot: a full disk, mostly.

Redis saves once a minute and tries again by itself. Here it is asked to try at once where the disk is nearly full, so
that everybody who reads `INFO persistence` (the gateway, the dashboard, `lotcast status`) knows within seconds.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from deploy.local.process import Show
from libs.common.shutdown import sleep_until_stopped

EVERY_S: Final = 2.0
TRY_EVERY_S: Final = 10.0
"""Between two saves that are asked for here."""
SAVE_TIMEOUT_S: Final = 10.0
ROOM_MIN_BYTES: Final = 4 << 20
"""A disk with less room than this, or than twice the last snapshot, is nearly full."""


class StorageWatch:
    """Watches one server's saves.

    Attributes:
        lost: what the last save at the stop could not keep, in a sentence; None if all was kept.
    """

    def __init__(self, redis: Redis, folder: Path, show: Show) -> None:
        self._redis = redis
        self._folder = folder
        self._show = show
        self._tried_at_s = -TRY_EVERY_S
        self._is_failing = False
        self.lost: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until stopped; outlives Redis being away."""
        while not stop.is_set():
            try:
                await self._look()
            except (RedisError, OSError):
                pass  # the services say that Redis is away
            await sleep_until_stopped(stop, EVERY_S)

    async def save_at_stop(self) -> None:
        """Save everything before the server is stopped, and say what is lost if that fails."""
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_S):
                await self._saves_done()
                await self._redis.bgsave()
                if await self._saves_done():
                    return
        except TimeoutError:
            return  # a large snapshot: the server saves once more when it is stopped, and takes its time
        except (RedisError, OSError) as error:
            self.lost = f"Redis did not save its data in {self._folder}: {error}"
            return
        self.lost = f"{self._problem()}: what was changed since the last save is lost"
        # A server that cannot save would not stop; there is nothing more to wait for.
        await self._redis.config_set("save", "")

    async def _saves_done(self) -> bool:
        """Wait until no save is under way; whether the last one succeeded."""
        while (info := await self._info())["rdb_bgsave_in_progress"]:  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.05)
        return bool(info["rdb_last_bgsave_status"] == "ok")

    async def _look(self) -> None:
        info = await self._info()
        is_failing = info["rdb_last_bgsave_status"] != "ok"
        if is_failing != self._is_failing:
            self._is_failing = is_failing
            self._show(
                "lotcast",
                f"{self._problem()}: what is changed from now on is lost at the next stop; free some space"
                if is_failing
                else f"data is saved in {self._folder} again",
            )
        wants_try = is_failing or (info["rdb_changes_since_last_save"] > 0 and self._is_nearly_full())
        is_due = time.monotonic() - self._tried_at_s >= TRY_EVERY_S
        if wants_try and is_due and not info["rdb_bgsave_in_progress"]:
            self._tried_at_s = time.monotonic()
            await self._redis.bgsave()

    async def _info(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self._redis.info("persistence")
        return answer

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _is_nearly_full(self) -> bool:
        snapshot = self._folder / "dump.rdb"
        size_bytes = snapshot.stat().st_size if snapshot.exists() else 0
        return self._free_bytes() < max(ROOM_MIN_BYTES, 2 * size_bytes)

    def _problem(self) -> str:
        try:
            why = f"the disk is full, {self._free_bytes() >> 10} KiB are free" if self._is_nearly_full() else ""
        except OSError as error:
            why = str(error.strerror)
        return f"cannot save data in {self._folder} ({why or 'the line of redis above says why'})"
