"""Viewers that come and go: so many a second, each gets a picture, stays a second and leaves.

    python -m bench.gateway.churn PORT PATH RATE SECONDS

Prints one line of JSON at the end: how many came, how many got no picture, and how long the first picture took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Final

from bench.gateway.crowd import PICTURE_MIN_BYTES
from bench.gateway.handshake import TIMEOUT_S, Refused, open_viewer, read_frame
from bench.gateway.viewers import shares

STAYS_S: Final = 1.0


async def visit(port: int, path: str, took_ms: list[float]) -> None:
    """One viewer; notes how long it took from connecting until its first picture had come."""
    began = time.monotonic()
    try:
        reader, writer = await open_viewer(port, path)
    except (OSError, Refused):
        return
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while len(await read_frame(reader)) < PICTURE_MIN_BYTES:
                pass
        took_ms.append((time.monotonic() - began) * 1000)
        async with asyncio.timeout(STAYS_S):
            while await reader.read(262_144):
                pass
    except (TimeoutError, asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def churn(port: int, path: str, rate: float, seconds: float) -> dict[str, float]:
    """Let viewers come at a steady rate."""
    took_ms: list[float] = []
    began, visits = time.monotonic(), []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        visits.append(asyncio.create_task(visit(port, path, took_ms)))
    came_s = time.monotonic() - began
    await asyncio.gather(*visits)
    return shares(took_ms) | {"per_s": len(visits) / came_s, "without": len(visits) - len(took_ms)}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("rate", type=float)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    told = asyncio.run(churn(arguments.port, arguments.path, arguments.rate, arguments.seconds))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
