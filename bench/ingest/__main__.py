"""`python -m bench.ingest`: how many MJPEG cameras one core reads, beside OpenCV's way."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

import av

from bench.ingest.runs import Measurement, cores, farm, measure_ingest, measure_usual_way
from libs.common.bus import connect
from services.ingest.sources.encoding import encode_frame
from tests.support.redis_server import RedisServer

CLIP = Path(__file__).parents[2] / "deploy/demo/assets/north.mp4"
FRAME_BYTES = 50_000
FPS = 10.0


def picture() -> bytes:
    """A frame of the demo's clip, 1280x720, as a JPEG nearest to 50 KB."""
    with av.open(str(CLIP)) as container:
        frame = next(container.decode(video=0))
        made = [encode_frame(frame, quality) for quality in range(20, 96)]
    return min(made, key=lambda jpeg: abs(len(jpeg) - FRAME_BYTES))


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def row(name: str, one: Measurement) -> str:
    """One line of the table."""
    return (
        f"| {name} | {one.cameras} | {one.sent:.0f} | {one.written:.0f} | {one.lost} | {one.core:.0%} "
        f"| {one.cpu_ms:.2f} | {one.memory_mb:.0f} |"
    )


async def run(options: argparse.Namespace, redis_url: str, folder: Path) -> int:
    """Measure and print; the exit code."""
    jpeg = folder / "frame.jpg"
    jpeg.write_bytes(picture())
    say(f"frames of 1280x720, {jpeg.stat().st_size} bytes, {FPS:g} a second and camera; the reader on one core")
    say()
    say("| reader | cameras | sent/s | written/s | lost | of a core | CPU ms a frame | MB |")
    say("|---|---|---|---|---|---|---|---|")
    redis = connect(redis_url, answer_timeout_s=10)
    none_lost: Measurement | None = None
    for cameras in options.cameras:
        with farm(jpeg, FPS) as address:
            one = await measure_ingest(redis, redis_url, address, cameras, FPS, options.seconds)
        say(row("ingest", one))
        if not one.lost:
            none_lost = one
    await redis.flushall()
    with farm(jpeg, FPS) as address:
        usual = await measure_usual_way(redis_url, address, options.usual_cameras, options.seconds)
    say(row("OpenCV, decode and encode", usual))
    say()
    if none_lost is not None:
        share = usual.cpu_ms / none_lost.cpu_ms
        say(f"{none_lost.cameras} cameras without loss, at 1/{share:.0f} of the usual way's CPU a frame")
    await redis.aclose()
    return 0


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--cameras", type=int, nargs="+", default=[10, 50, 100, 200, 300])
    parser.add_argument("--usual-cameras", type=int, default=4, help="for the usual way (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            os.sched_setaffinity(server.pid, cores()[1])
            return asyncio.run(run(options, server.url, Path(folder)))
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
