"""`python -m deploy.demo.camera`: a simulated ESP32-CAM that plays a clip."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import av
from aiohttp import web

from deploy.demo.camera.clip_player import ClipPlayer
from deploy.demo.camera.server import SimulatedCamera
from libs.common.shutdown import stop_on_signals


async def serve(player: ClipPlayer, host: str, port: int) -> None:
    """Serve until a signal comes; prints the address once it listens."""
    stop = stop_on_signals()
    runner = web.AppRunner(SimulatedCamera(player).application(), shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        listening = runner.addresses[0]
        sys.stdout.write(f"camera: http://{listening[0]}:{listening[1]}/stream\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.camera", description=__doc__)
    parser.add_argument("--clip", type=Path, required=True, help="video file to play, over and over")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--fps", type=float, help="frames a second (default: the clip's own)")
    options = parser.parse_args(argv)
    try:
        player = ClipPlayer(options.clip, options.fps)
    except (av.error.FFmpegError, OSError) as error:
        sys.stderr.write(f"camera: {options.clip}: {error.strerror or error}\n")
        return 2
    try:
        asyncio.run(serve(player, options.host, options.port))
    except OSError as error:
        sys.stderr.write(f"camera: cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
