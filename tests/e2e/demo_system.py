"""The demo as a person starts it, and what its pages and its bus show."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from deploy.demo.camera.frame_mark import read_mark
from libs.common import keys
from libs.common.bus import connect
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
READY_S = 90.0


class DemoSystem:
    """`lotcast demo`, running.

    Attributes:
        dashboard: its address.
        redis_url: of its Redis.
    """

    def __init__(self, log_file: Path, **settings: str) -> None:
        """Start it, with these settings of its services."""
        self._log_file = log_file
        self.port = free_port()
        environment = {**os.environ, "GATEWAY_PORT": str(self.port), "LOG_FORMAT": "json", **settings}
        environment.pop("REDIS_URL", None)
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lotcast", "demo"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        self.dashboard = self._told("dashboard")
        self.redis_url = self._told("redis")

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log_file.read_text("utf-8", "replace")

    def _told(self, what: str) -> str:
        deadline = time.monotonic() + READY_S
        while True:
            found = re.search(rf"^{what}: (\S+)$", self.log, re.MULTILINE)
            if found:
                return found[1]
            assert self.process.poll() is None, f"the demo ended:\n{self.log}"
            assert time.monotonic() < deadline, f"the demo is not ready:\n{self.log}"
            time.sleep(0.1)

    def processes(self) -> list[psutil.Process]:
        """Everything that it runs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


async def record_clip_frames(redis_url: str, camera_id: str, into: dict[str, int], stop: asyncio.Event) -> None:
    """Note, until stopped, which frame of the clip each raw frame on the bus is: frame id → frame number."""
    last: Any = "$"
    async with connect(redis_url, answer_timeout_s=None) as redis:
        while not stop.is_set():
            answer: Any = await redis.xread({keys.frames(camera_id): last}, block=500)
            for _, entries in answer or []:
                for frame_id, fields in entries:
                    last = frame_id
                    mark = read_mark(fields[b"jpeg"])
                    if mark is not None:
                        into[frame_id.decode()] = mark[1]
            await asyncio.sleep(0)


async def api(demo: DemoSystem, path: str, method: str = "GET", body: Any = None) -> Any:
    """Call the API as the page does; what it answered."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{demo.dashboard}{path}", data, {"Content-Type": "application/json"}, method=method
    )
    return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(request).read()))
