"""A write that goes on while Redis is full: for what is small, bounded and needed, such as status and presence."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

_WRITE: Final = """#!lua flags=allow-oom
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
"""


class VitalWrite:
    """Runs one command on one key, also beyond Redis's `maxmemory`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_WRITE)

    async def __call__(
        self,
        command: str,
        key: str,
        *arguments: str | bytes | bytearray | memoryview | int | float,
        pipe: Pipeline | None = None,
    ) -> Any:
        """Run a command, or put it into a pipeline.

        Args:
            command: such as `HSET`.
            key: the one that it writes.
            arguments: those after the key.
            pipe: where it is put, to be sent with others. Use it with `async with`: redis-py looks scripts up before it
                sends, and whoever is cancelled in that moment would else keep the pipeline's connection for good.

        Returns:
            Redis's answer as it came; the pipeline's own where there is one.

        Raises:
            redis.RedisError: Redis is away or takes no writes.
        """
        return await self._script(keys=[key], args=[command, *arguments], client=pipe)

    def put(self, pipe: Pipeline, command: str, key: str, *arguments: str | bytes | int | float) -> None:
        """Put a command into a pipeline, which does not ask Redis first whether it knows the script.

        Where it does not, sending the pipeline raises `redis.exceptions.NoScriptError`: `load` and send it again.
        """
        pipe.evalsha(self._script.sha, 1, key, command, *arguments)

    async def load(self) -> None:
        """Have Redis know the script. Raises `redis.RedisError`."""
        await self._redis.script_load(_WRITE)
