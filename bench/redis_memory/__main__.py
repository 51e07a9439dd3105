"""`python -m bench.redis_memory`: what a camera takes in Redis with all its keys at their bounds, at the defaults."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.redis_memory.filling import PICTURE_BYTES, fill, many_spaces
from libs.common import keys
from libs.common.bus import connect
from tests.support.redis_server import RedisServer, redis_version

CAMERA = "CAM1"


async def measure(count: int) -> dict[str, int]:
    """Bytes by key of a camera with so many spaces; `together` is what Redis uses more than before."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            async with connect(server.url) as redis:
                before = int((await redis.info("memory"))["used_memory"])
                await fill(redis, CAMERA, many_spaces(count))
                sizes = {
                    name.rpartition(":")[2]: int(await redis.memory_usage(name, samples=0) or 0)
                    for name in sorted(keys.of_camera(CAMERA))
                }
                crops = [name async for name in redis.scan_iter(keys.crops(CAMERA, "*"))]
                sizes["crops"] = sum([int(await redis.memory_usage(name) or 0) for name in crops])
                return sizes | {"together": int((await redis.info("memory"))["used_memory"]) - before}
        finally:
            server.stop()


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.redis_memory", description=__doc__)
    parser.add_argument("--spaces", type=int, nargs="+", default=[100, 300])
    options = parser.parse_args()
    columns = [asyncio.run(measure(count)) for count in options.spaces]
    lines = [f"Redis {redis_version()}, pictures of {PICTURE_BYTES // 1000} KB, the defaults, MB a camera"]
    lines += ["", f"| key | {' | '.join(f'{count} spaces' for count in options.spaces)} |"]
    lines += ["|---" * (len(columns) + 1) + "|"]
    lines += [f"| `{name}` | {' | '.join(f'{one[name] / 1e6:.2f}' for one in columns)} |" for name in columns[0]]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
