"""The Redis client that services use: deadlines on everything, and a clear word when Redis is away."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterDownError, ReadOnlyError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from libs.common.errors import BusUnavailable
from libs.common.logging import get_logger
from libs.common.monitoring.measured_redis import MeasuredRedis, OnRoundTrip
from libs.common.redis_address import PasswordFile, RedisAddress, refusal
from libs.common.redis_connections import use_own_connections
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("bus")

HashFields = dict[
    bytes | bytearray | memoryview | str | int | float, bytes | bytearray | memoryview | str | int | float
]
"""What `hset(mapping=…)` takes; redis-py's type is invariant in the keys."""

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 2.0

RETRIED_ERRORS: Final = (
    RedisConnectionError,
    RedisTimeoutError,
    # Nothing was written: the same request, on a new connection, may reach the new master.
    ReadOnlyError,
    ClusterDownError,
    AskError,
    TryAgainError,
)


def connect(
    address: RedisAddress | str,
    *,
    answer_timeout_s: float | None = ANSWER_TIMEOUT_S,
    max_connections: int = 16,
    on_round_trip: OnRoundTrip | None = None,
    on_failover: Callable[[], None] | None = None,
) -> Redis:
    """A client for an address; it connects when first used and answers are bytes.

    Args:
        address: where Redis is; a URL alone is an address without password file and authority.
        answer_timeout_s: seconds to wait for an answer; None for a client that blocks on purpose.
        max_connections: more callers at once wait up to `CONNECT_TIMEOUT_S` for a connection to come free.
        on_round_trip: hears of every request's time; not for a client that blocks on purpose.
        on_failover: called when the server has turned out to take no writes, and all connections are made anew.
    """
    if isinstance(address, str):
        address = RedisAddress(address)
    url, access = address.url, dict[str, Any]()
    if address.password_file is not None:
        url = address.url_without_user
        access["credential_provider"] = PasswordFile(address.user, address.password_file)
    if address.ca_file is not None:
        access["ssl_ca_certs"] = str(address.ca_file)
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=CONNECT_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=answer_timeout_s,
        # A frame that is late is worth nothing: the caller counts the failure and goes on with the next one.
        retry=Retry(NoBackoff(), 1, RETRIED_ERRORS),
        health_check_interval=0,
        protocol=2,  # the answers' shapes differ between RESP 2 and 3; every supported server speaks 2
        driver_info=None,  # CLIENT SETINFO came with Redis 7.2; where an ACL forbids CLIENT, each try would be logged
        max_connections=max_connections,
        **access,
    )
    failovers = use_own_connections(pool)
    failovers.on_failover = on_failover or failovers.on_failover
    return Redis.from_pool(pool) if on_round_trip is None else MeasuredRedis.measured(pool, on_round_trip)


async def wait_for_redis(
    redis: Redis, address: RedisAddress | str, stop: asyncio.Event, deadline_s: float = 30.0
) -> None:
    """Wait until Redis answers.

    Raises:
        BusUnavailable: it did not within `deadline_s`, it does not let this process in, or `stop` was set first.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    told = False
    where = RedisAddress(address) if isinstance(address, str) else address
    while True:
        try:
            await redis.ping()
            return
        except REDIS_ERRORS as error:
            if (problem := refusal(error, where)) is not None:
                raise BusUnavailable(problem) from error
            if loop.time() > deadline:
                raise BusUnavailable(f"{where} does not answer: {describe(error)}; is REDIS_URL right?") from error
            if not told and loop.time() > deadline - deadline_s + 1:  # one that is just being started needs a moment
                _log.warning("redis does not answer yet; trying again", redis=str(where), error=describe(error))
                told = True
        if await sleep_until_stopped(stop, 0.1):
            raise BusUnavailable(f"{where} did not answer before the stop")


async def check_access(address: RedisAddress) -> None:
    """Ask Redis once, for a service that starts without it, too: being away is fine, being refused is not.

    Raises:
        BusUnavailable: Redis does not let this process in; the text says which variable to look at.
    """
    redis = connect(address)
    try:
        await redis.ping()
    except REDIS_ERRORS as error:
        if (problem := refusal(error, address)) is not None:
            raise BusUnavailable(problem) from error
    finally:
        await redis.aclose()


def as_bytes(answer: bytes | str) -> bytes:
    """An answer of a client made by `connect`, which decodes nothing; redis-py's types allow for one that does."""
    return answer if isinstance(answer, bytes) else answer.encode()


def as_text(answer: bytes | str) -> str:
    """An answer of a client made by `connect`, as text."""
    return as_bytes(answer).decode()


def process_id(role: str) -> str:
    """A name for this process that no other has, readable in redis-cli: `detector-myhost-1234-a1b2c3`."""
    return f"{role}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
