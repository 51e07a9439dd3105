"""Draws the conclusions beside the frame path: in one thread, one camera after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from libs.common.logging import get_logger
from libs.common.shutdown import sleep_until_stopped
from services.detector.proposals.camera_proposals import CameraProposals
from services.detector.proposals.propose import propose

_log = get_logger("proposals")

EVERY_S: Final = 1.0
"""How often the cameras are looked over."""


class WithProposals(Protocol):
    """A camera that collects where vehicles stand."""

    @property
    def proposals(self) -> CameraProposals:
        """What it has collected."""


async def run_proposer(cameras: Mapping[str, WithProposals], stop: asyncio.Event) -> None:
    """Conclude from places to spaces, for each camera that has new ones, until stopped.

    Args:
        cameras: the cameras of this process by id; they may change meanwhile.
        stop: ends it.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "proposals") as pool:
        while not await sleep_until_stopped(stop, EVERY_S):
            for camera_id, camera in list(cameras.items()):
                collected = camera.proposals
                places = collected.take_due()
                if places is None or stop.is_set():
                    continue
                try:
                    aspect, ground = collected.aspect, collected.concluded.ground
                    collected.conclude(places, await loop.run_in_executor(pool, propose, places, aspect, ground))
                except Exception as error:  # a boundary: proposals are a help, and no frame may suffer from them
                    _log.error("no proposals; again when more has parked", camera=camera_id, exc_info=error)
