"""The Redis client that services use: deadlines on everything, and a clear word when Redis is away."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from libs.common.cameras import hide_credentials
from libs.common.errors import BusUnavailable
from libs.common.logging import get_logger
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("bus")

HashFields = dict[
    bytes | bytearray | memoryview | str | int | float, bytes | bytearray | memoryview | str | int | float
]
"""What `hset(mapping=…)` takes; redis-py's type is invariant in the keys."""

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 2.0


def connect(redis_url: str, *, answer_timeout_s: float | None = ANSWER_TIMEOUT_S, max_connections: int = 16) -> Redis:
    """A client for `redis_url`; it connects when first used and answers are bytes.

    Args:
        redis_url: `redis://`, `rediss://` or `unix://`.
        answer_timeout_s: seconds to wait for an answer; None for a client that blocks on purpose.
        max_connections: more callers at once wait up to `CONNECT_TIMEOUT_S` for a connection to come free.
    """
    pool = BlockingConnectionPool.from_url(
        redis_url,
        timeout=CONNECT_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=answer_timeout_s,
        # A frame that is late is worth nothing: the caller counts the failure and goes on with the next one.
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
        protocol=2,  # the answers' shapes differ between RESP 2 and 3; every supported server speaks 2
        max_connections=max_connections,
    )
    return Redis.from_pool(pool)


async def wait_for_redis(redis: Redis, redis_url: str, stop: asyncio.Event, deadline_s: float = 30.0) -> None:
    """Wait until Redis answers.

    Raises:
        BusUnavailable: it did not within `deadline_s`, or `stop` was set first.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    shown, told = hide_credentials(redis_url), False
    while True:
        try:
            await redis.ping()
            return
        except (RedisError, OSError, TimeoutError) as error:
            if loop.time() > deadline:
                raise BusUnavailable(f"{shown} does not answer: {error}; is REDIS_URL right?") from error
            if not told and loop.time() > deadline - deadline_s + 1:  # one that is just being started needs a moment
                _log.warning("redis does not answer yet; trying again", redis=shown, error=str(error))
                told = True
        if await sleep_until_stopped(stop, 0.1):
            raise BusUnavailable(f"{shown} did not answer before the stop")


def as_bytes(answer: bytes | str) -> bytes:
    """An answer of a client made by `connect`, which decodes nothing; redis-py's types allow for one that does."""
    return answer if isinstance(answer, bytes) else answer.encode()


def as_text(answer: bytes | str) -> str:
    """An answer of a client made by `connect`, as text."""
    return as_bytes(answer).decode()


def process_id(role: str) -> str:
    """A name for this process that no other has, readable in redis-cli: `detector-myhost-1234-a1b2c3`."""
    return f"{role}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
