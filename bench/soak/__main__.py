"""`python -m bench.soak`: the whole system for a while, at the defaults, with viewers and detectors that are killed.

Beside the demo's two lots there are one of 100 spaces, whose camera stalls, and one of 300. Their streams in Redis are
filled to their bounds before, by the detector's own writer. Memory, frames and latency over time become a picture; exit
code 1 if they are not what they should be.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import psutil
from redis.asyncio import Redis

from bench.redis_memory.filling import fill, many_spaces
from bench.soak.chart import draw
from bench.soak.verdict import CameraSample, Sample, Soak, problems_of, summary
from bench.soak.viewers import Viewers
from deploy.demo.model.measuring import read_clip
from deploy.local.demo import ASSETS, demo_installation
from libs.common import keys
from libs.common.bus import connect
from libs.common.cameras import Camera
from libs.common.shutdown import sleep_until_stopped
from services.detector.pictures import encode
from tests.e2e.demo_system import DemoSystem
from tests.support.cameras import Handler, serving
from tests.support.processes import running
from tests.support.waiting import wait_for

EVERY_S: Final = 5.0
KILL_EVERY_S: Final = 180.0
STALL_EVERY_S, STALL_S = 60.0, 15.0
RATES: Final = {"CAM1": 10.0, "CAM2": 10.0, "LOT100": 0.0, "LOT300": 5.0}
SPACES: Final = {"LOT100": 100, "LOT300": 300}
NAMES: Final = {
    "services.ingest": "ingest",
    "services.detector": "detector",
    "services.gateway": "gateway",
    "deploy.demo.camera": "simulated camera",
    "redis-server": "redis",
}


def mjpeg_camera(jpegs: list[bytes], ends: asyncio.Event, *, stalls: bool) -> Handler:
    """An MJPEG camera, 5 frames a second, until `ends`; if it stalls, it rests for the last quarter of every minute."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cam\r\n\r\n")
        for jpeg in cycle(jpegs):
            while stalls and time.monotonic() % STALL_EVERY_S > STALL_EVERY_S - STALL_S:
                if await sleep_until_stopped(ends, 0.2):
                    return
            head = f"--cam\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            writer.write(head.encode() + jpeg + b"\r\n")
            await writer.drain()
            if await sleep_until_stopped(ends, 0.2):
                return

    return handler


def measure_memory(demo: DemoSystem, others: list[int]) -> dict[str, int]:
    """Resident bytes of every process of the demo, and of those beside it, by `NAME PID`."""
    sizes = {}
    for process in [*demo.processes(), *(psutil.Process(pid) for pid in others)]:
        try:
            command = " ".join(process.cmdline())
            name = next((name for part, name in NAMES.items() if part in command), None)
            if name is not None:  # else it is only just becoming one of them
                sizes[f"{name} {process.pid}"] = process.memory_info().rss
        except psutil.NoSuchProcess:
            continue  # it was just killed
    return sizes


async def soak_demo(minutes: float, folder: Path) -> Soak:
    """Run everything for so many minutes."""
    soak = Soak(rates=dict(RATES))
    jpegs = [encode(picture, 80) for picture in islice(read_clip(ASSETS / "south.mp4"), 100, 150)]
    ends = asyncio.Event()
    demo = await asyncio.to_thread(DemoSystem, folder / "demo.log")
    try:
        environment = {"REDIS_URL": demo.redis_url, **demo_installation().detector_environment}
        async with (
            serving(mjpeg_camera(jpegs, ends, stalls=True)) as stalling,
            serving(mjpeg_camera(jpegs, ends, stalls=False)) as steady,
            connect(demo.redis_url) as redis,
        ):
            for camera_id, address in (("LOT100", stalling), ("LOT300", steady)):
                await fill(redis, camera_id, many_spaces(SPACES[camera_id]))
                camera = Camera(id=camera_id, name=f"{SPACES[camera_id]} spaces", url=f"{address}/stream")
                await redis.hset(keys.CAMERAS, camera.id, camera.model_dump_json())
            with running("services.detector", environment, folder / "second.log") as second:
                await asyncio.to_thread(second.wait_for_log, "detector ready")
                viewers = Viewers(demo.dashboard, list(RATES))
                watching = asyncio.create_task(viewers.run())
                try:
                    await wait_for(lambda: watching.done() or viewers.last_frame_s.keys() == RATES.keys(), 60)
                    viewers.forget()
                    system = _System(demo, second.process.pid, redis)
                    await _measure(soak, minutes, system, viewers, watching)
                finally:
                    ends.set()
                    watching.cancel()
                    await asyncio.gather(watching, return_exceptions=True)
    finally:
        demo.stop(signal.SIGTERM)
    return soak


@dataclass(frozen=True, slots=True)
class _System:
    """What runs: the demo, a second detector beside it, and their Redis."""

    demo: DemoSystem
    second_detector_pid: int
    redis: Redis

    async def sample(self, at_s: float, cameras: dict[str, CameraSample]) -> Sample:
        """The memory now, with what viewers saw."""
        data_bytes = int((await self.redis.info("memory"))["used_memory"])
        return Sample(at_s, measure_memory(self.demo, [self.second_detector_pid]), cameras, data_bytes)


async def _measure(soak: Soak, minutes: float, system: _System, viewers: Viewers, watching: asyncio.Task[None]) -> None:
    started_s = at_s = time.monotonic()
    kill_at_s = started_s + min(KILL_EVERY_S, minutes * 60 / 2)
    while at_s < started_s + minutes * 60:
        await asyncio.sleep(EVERY_S)
        if watching.done():
            watching.result()  # a viewer broke: nothing measured from here on would mean anything
        now_s = time.monotonic()
        soak.samples.append(await system.sample(now_s - started_s, viewers.take(now_s - at_s)))
        at_s = now_s
        if at_s >= kill_at_s:
            kill_at_s += KILL_EVERY_S
            victim = next(one for one in system.demo.processes() if "services.detector" in one.cmdline())
            victim.kill()  # the demo starts it again; until then the second one has its cameras
            soak.kills_s.append(time.monotonic() - started_s)
    soak.gaps_s = {camera_id: gap for camera_id, gap in viewers.longest_gap_s.items() if RATES[camera_id]}
    live_s = {camera_id: STALL_S + 15 if not rate else 2 * EVERY_S for camera_id, rate in RATES.items()}
    soak.ends_live = {one for one, last_s in viewers.last_frame_s.items() if time.monotonic() - last_s < live_s[one]}


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long (default: %(default)s)")
    parser.add_argument("--picture", type=Path, default=Path("docs/soak.svg"), help="(default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lotcast-soak-") as folder:
        soak = asyncio.run(soak_demo(options.minutes, Path(folder)))
    told = summary(soak)
    options.picture.write_text(draw(soak, f"Soak: {told.partition(';')[0]}"), "utf-8")
    sys.stdout.write(f"{told}\n{options.picture}\n")
    problems = problems_of(soak)
    sys.stdout.writelines(f"not good enough: {problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
