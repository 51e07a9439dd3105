"""Errors told apart, as a real redis-server gives them: plain, in pipelines, transactions and scripts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ExecAbortError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from structlog.testing import capture_logs

from libs.common.bus import connect
from libs.common.redis_errors import OutageLog, RedisFault, classify, describe, explain
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

Do = Callable[[Redis], Awaitable[Any]]


async def _plain(redis: Redis) -> None:
    await redis.set("key", "rtsp://user:pass@host")


async def _pipeline(redis: Redis) -> None:
    pipe = redis.pipeline(transaction=False)
    pipe.set("key", "rtsp://user:pass@host")
    await pipe.execute()


async def _transaction(redis: Redis) -> None:
    pipe = redis.pipeline(transaction=True)
    pipe.set("key", "rtsp://user:pass@host")
    await pipe.execute()


async def _script(redis: Redis) -> None:
    await redis.register_script("return redis.call('SET', KEYS[1], ARGV[1])")(["key"], ["rtsp://user:pass@host"])


async def _flagged_script(redis: Redis) -> None:
    await redis.register_script("#!lua\nreturn redis.call('SET', KEYS[1], ARGV[1])")(["key"], ["rtsp://user:pass@host"])


WRITES = pytest.mark.parametrize("write", [_plain, _pipeline, _transaction, _script, _flagged_script])


async def _error(do: Do, redis: Redis) -> RedisError | OSError:
    with pytest.raises((RedisError, OSError)) as caught:
        await do(redis)
    return caught.value  # type: ignore[return-value]


@WRITES
async def test_a_full_redis_is_told_as_full(own_redis: Redis, write: Do) -> None:
    await own_redis.config_set("maxmemory", 1)
    error = await _error(write, own_redis)
    assert classify(error) is RedisFault.FULL
    assert "Redis is full" in explain(error)
    assert "raise its maxmemory" in explain(error)
    assert "pass" not in explain(error)


@WRITES
async def test_a_replica_is_told_as_failing_over(own_redis: Redis, write: Do) -> None:
    await own_redis.replicaof("127.0.0.1", free_port())
    error = await _error(write, own_redis)
    assert classify(error) is RedisFault.FAILING_OVER
    assert "read-only replica" in explain(error)


@WRITES
async def test_too_few_replicas_are_told_as_failing_over(own_redis: Redis, write: Do) -> None:
    await own_redis.config_set("min-replicas-to-write", 1)
    error = await _error(write, own_redis)
    assert classify(error) is RedisFault.FAILING_OVER
    assert "too few replicas" in explain(error)


async def test_a_replica_without_its_master_is_told_as_failing_over(own_redis: Redis) -> None:
    await own_redis.config_set("replica-serve-stale-data", "no")
    await own_redis.replicaof("127.0.0.1", free_port())
    error = await _error(lambda redis: redis.get("key"), own_redis)
    assert classify(error) is RedisFault.FAILING_OVER
    assert "lost its master" in explain(error)


@WRITES
async def test_what_the_user_may_not_do_is_told_as_refused(own_redis_server: RedisServer, write: Do) -> None:
    async with connect(own_redis_server.url_of("monitor")) as redis:
        error = await _error(write, redis)
    assert classify(error) is RedisFault.REFUSED
    assert "REDIS_URL" in explain(error)
    assert "rtsp://" not in explain(error)
    with own_redis_server.client() as admin:
        admin.acl_log_reset()


async def test_a_wrong_password_is_told_as_refused(own_redis_server: RedisServer) -> None:
    async with connect(f"redis://admin:wrong@127.0.0.1:{own_redis_server.port}/0") as redis:
        error = await _error(_plain, redis)
    assert classify(error) is RedisFault.REFUSED
    with own_redis_server.client() as admin:
        admin.acl_log_reset()


@pytest.mark.parametrize(
    "do",
    [
        lambda redis: redis.incr("text"),
        lambda redis: redis.lpush("text", 1),
        lambda redis: redis.xrange("stream", "(0-x"),
        lambda redis: redis.execute_command("NONSENSE"),
        lambda redis: redis.eval("return redis.call('INCR', 'text')", 0),
    ],
)
async def test_a_wrong_request_is_told_as_ours(own_redis: Redis, do: Do) -> None:
    await own_redis.set("text", "abc")
    error = await _error(do, own_redis)
    assert classify(error) is RedisFault.OURS
    assert not classify(error).waiting_helps


async def test_a_stopped_redis_is_told_as_away(own_redis: Redis, own_redis_server: RedisServer) -> None:
    await own_redis.ping()
    own_redis_server.stop()
    error = await _error(_plain, own_redis)
    assert classify(error) is RedisFault.AWAY
    assert classify(error).waiting_helps
    assert "is it running" in explain(error)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ResponseError("UNBLOCKED force unblock from blocking operation, instance state changed"), "failing over"),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots, but it's unable to"), "failing over"),
        (ExecAbortError("Transaction discarded because of: READONLY You can't write"), "failing over"),
        (ResponseError("Error running script (call to f_1): @user_script:3: -OOM command not allowed"), "full"),
        (ResponseError("BUSY Redis is busy running a script"), "away"),
        (ResponseError("DENIED Redis is running in protected mode"), "refused"),
        (ResponseError("NOGROUP No such key"), "ours"),
        (RedisConnectionError("max number of clients reached"), "away"),
        (RedisTimeoutError("Timeout reading"), "away"),
        (TimeoutError(), "away"),
        (ConnectionResetError(), "away"),
        (KeyError("x"), "ours"),
    ],
)
def test_answers_that_a_test_cannot_provoke(error: Exception, fault: str) -> None:
    assert classify(error).value == fault
    assert describe(error)


def test_a_loop_tells_each_kind_of_trouble_once() -> None:
    with capture_logs() as lines:
        outage = OutageLog(structlog.get_logger(), "frames are dropped")
        for _ in range(3):
            outage.failed(ResponseError("OOM command not allowed"))
            outage.worked()  # a full Redis takes a write now and then
        outage.failed(RedisConnectionError("refused"))
        outage.failed(RedisConnectionError("refused"))
        outage.worked()
        outage.worked()
    assert [(line["log_level"], line["event"].partition(";")[0]) for line in lines] == [
        ("warning", "Redis is full (its maxmemory is reached)"),
        ("warning", "Redis is away: refused"),
        ("info", "redis is back"),
    ]
