"""Viewers over WebSocket, and what they notice: how many frames came, how old they were, how long none came."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from typing import Final

import aiohttp
import msgpack

from bench.soak.verdict import CameraSample
from libs.common.clock import now_ms

VIEWERS: Final = 4
"""Of each camera: every other one takes JSON, as old pages do; the first one is measured."""


class Viewers:
    """The viewers of all cameras.

    Attributes:
        longest_gap_s: per camera, the longest time without a frame so far.
        last_frame_s: per camera, when the last one came (monotonic).
    """

    def __init__(self, dashboard: str, camera_ids: list[str]) -> None:
        self.longest_gap_s: dict[str, float] = {}
        self.last_frame_s: dict[str, float] = {}
        self._address = dashboard.replace("http://", "ws://").rstrip("/") + "/ws/viewer/detection"
        self._camera_ids = camera_ids
        self._captured_at_ms: dict[str, float] = {}
        self._latencies_ms: defaultdict[str, list[float]] = defaultdict(list)

    async def run(self) -> None:
        """Watch until cancelled; a viewer whose connection ends comes again."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for camera_id in self._camera_ids:
                for number in range(VIEWERS):
                    group.create_task(self._view(session, camera_id, number))

    def forget(self) -> None:
        """Begin anew: what came while other cameras were waited for counts neither as frames nor as a gap."""
        self.longest_gap_s.clear()
        self._latencies_ms.clear()

    def take(self, interval_s: float) -> dict[str, CameraSample]:
        """What came since the last call, `interval_s` seconds ago."""
        samples = {}
        for camera_id in self._camera_ids:
            latencies = sorted(self._latencies_ms.pop(camera_id, []))
            samples[camera_id] = CameraSample(
                fps=len(latencies) / interval_s,
                latency_ms=statistics.median(latencies) if latencies else None,
                latency_p95_ms=latencies[int(0.95 * (len(latencies) - 1))] if latencies else None,
            )
        return samples

    async def _view(self, session: aiohttp.ClientSession, camera_id: str, number: int) -> None:
        is_binary = number % 2 == 0
        address = f"{self._address}?camera_id={camera_id}{'&format=binary' if is_binary else ''}"
        while True:
            try:
                async with session.ws_connect(address, max_msg_size=0) as connection:
                    async for message in connection:
                        if number == 0 and message.type == aiohttp.WSMsgType.BINARY:
                            self._note(camera_id, msgpack.unpackb(message.data))
                        elif message.type == aiohttp.WSMsgType.TEXT and message.data != "keepalive" and is_binary:
                            raise ValueError(f"text to a viewer that asked for binary: {message.data[:40]}")
            except aiohttp.ClientError:
                pass  # counted as a gap, if it lasts
            await asyncio.sleep(0.2)

    def _note(self, camera_id: str, message: dict[str, object]) -> None:
        metadata = message.get("metadata")
        if message.get("type") != "frame" or not isinstance(metadata, dict):
            return
        at_s, captured_at_ms = time.monotonic(), metadata["timings"]["captured_at"]
        if self._captured_at_ms.get(camera_id) == captured_at_ms:
            return  # the picture that the viewer has, once more with its spaces unknown: the camera stalls
        self._captured_at_ms[camera_id] = captured_at_ms
        if camera_id in self.last_frame_s:
            gap_s = at_s - self.last_frame_s[camera_id]
            self.longest_gap_s[camera_id] = max(self.longest_gap_s.get(camera_id, 0.0), gap_s)
        self.last_frame_s[camera_id] = at_s
        self._latencies_ms[camera_id].append(now_ms() - captured_at_ms)
