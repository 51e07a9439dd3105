"""A Redis client that tells how long each round trip took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError, ResponseError

OnRoundTrip = Callable[[float, bool], None]
"""Gets seconds, and whether Redis answered (an error is an answer, too)."""


class MeasuredRedis(Redis):
    """A client whose requests and pipelines are measured; subscriptions are not."""

    on_round_trip: OnRoundTrip

    @classmethod
    def measured(cls, pool: ConnectionPool, on_round_trip: OnRoundTrip) -> Redis:
        """A client that owns `pool`, as `Redis.from_pool` makes one."""
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        client.on_round_trip = on_round_trip
        return client

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command and return its answer."""
        started = time.perf_counter()
        try:
            answer = await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            self.on_round_trip(time.perf_counter() - started, isinstance(error, ResponseError))
            raise
        self.on_round_trip(time.perf_counter() - started, True)
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """A pipeline that is measured as one round trip."""
        pipe = _MeasuredPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.on_round_trip = self.on_round_trip
        return pipe


class _MeasuredPipeline(Pipeline):
    on_round_trip: OnRoundTrip

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        if not len(self):
            return await super().execute(raise_on_error)
        started = time.perf_counter()
        try:
            answers = await super().execute(raise_on_error)
        except (RedisError, OSError) as error:
            self.on_round_trip(time.perf_counter() - started, isinstance(error, ResponseError))
            raise
        self.on_round_trip(time.perf_counter() - started, True)
        return answers
