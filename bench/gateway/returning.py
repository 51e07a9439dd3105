"""Viewers that come back as the dashboard's do (`web/src/stream/backoff.ts`) when their gateway is gone.

    python -m bench.gateway.returning PORT PATH COUNT

Prints `ready` when all are connected and, once each has lost its connection and is connected again, one line of JSON:
when each came back, and each try that failed, with when and why; times are of the machine's steady clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from typing import Final

from bench.gateway.handshake import Refused, open_viewer

FIRST_RETRY_S: Final = 3.0
LONGEST_RETRY_S: Final = 10.0
JITTER: Final = 0.3
TRIES_MAX: Final = 10
CONNECT_AT_ONCE: Final = 50


async def return_when_lost(
    reader: asyncio.StreamReader, port: int, path: str, chance: random.Random, failures: list[tuple[float, str]]
) -> tuple[float, asyncio.StreamWriter]:
    """Wait until the connection is lost, come back, and say when that was."""
    try:
        while await reader.read(65_536):
            pass
    except OSError:
        pass
    for attempt in range(TRIES_MAX):
        base_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**attempt)
        await asyncio.sleep(base_s * (1 + JITTER * (2 * chance.random() - 1)))
        began = time.monotonic()
        try:
            _, writer = await open_viewer(port, path)
        except (OSError, Refused) as error:
            failures.append((began, f"{type(error).__name__}: {error}"))
            continue
        return time.monotonic(), writer
    raise SystemExit("a viewer did not come back")


async def run(port: int, path: str, count: int) -> dict[str, list[float] | list[tuple[float, str]]]:
    """All viewers, until each is back."""
    pairs: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    while len(pairs) < count:
        batch = min(CONNECT_AT_ONCE, count - len(pairs))
        pairs += await asyncio.gather(*(open_viewer(port, path) for _ in range(batch)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    failures: list[tuple[float, str]] = []
    chance = random.Random(1)
    returns = [return_when_lost(reader, port, path, chance, failures) for reader, _ in pairs]
    back = await asyncio.gather(*returns)
    return {"back_at_s": [at_s for at_s, _ in back], "failures": failures}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(run(arguments.port, arguments.path, arguments.count))) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
