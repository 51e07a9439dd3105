"""Fixtures that tests of every part share."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

import services.detector  # noqa: F401 - before OpenVINO, which would report that it was imported
from libs.common.bus import connect
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One redis-server for the whole run, under the users of deploy/redis."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), with_users=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server of the test's own, which it may stop and start; under the users of deploy/redis."""
    server = RedisServer(tmp_path, with_users=True)
    server.start()
    yield server
    refused = server.refused() if server.is_running else []
    server.stop()
    assert not refused, "a service did what its user may not do"


@pytest.fixture
async def own_redis(own_redis_server: RedisServer) -> AsyncIterator[Redis]:
    """The admin's client of the test's own server; answers are bytes."""
    client = connect(own_redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> Iterator[str]:
    """The admin's address of an empty database; services that are started with it run as their own users."""
    with redis_server.client() as client:
        client.flushall()
    redis_server.forget_refused()
    yield redis_server.url
    assert not redis_server.refused(), "a service did what its user may not do"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the empty database; answers are bytes."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def fake_redis() -> AsyncIterator[Redis]:
    """An empty Redis in this process, for plain commands; scripts and blocking reads want `redis`."""
    from fakeredis import FakeAsyncRedis  # takes a while, and few files need it

    client: Redis = FakeAsyncRedis()
    yield client
    await client.aclose()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a test sets up for a whole process: later lines would go to a file that is closed by then."""
    root, hook, thread_hook = logging.getLogger(), sys.excepthook, threading.excepthook
    handlers, level = root.handlers, root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        logging.captureWarnings(False)
        root.handlers, sys.excepthook, threading.excepthook = handlers, hook, thread_hook
        root.setLevel(level)


PROCESS_HELPERS = (
    "running", "running_gateway", "run_forked", "fork_server", "ServiceProcess", "serving_rtsp", "DemoSystem",
    "subprocess",
)  # fmt: skip
"""What a test file imports that starts processes; such a file is slow as a whole, whatever else it tests."""

PROCESS_FIXTURES = frozenset({"gateway", "system"})
"""Fixtures that start services."""

REDIS_FIXTURES = frozenset({"redis_server", "own_redis_server"})
"""Fixtures that start the redis-server that `LOTCAST_TEST_REDIS` chooses."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow and let it come first; leave out what another redis-server cannot change."""
    functions = [item for item in items if isinstance(item, pytest.Function)]
    for item in functions:
        if PROCESS_FIXTURES.intersection(item.fixturenames) or _imports(item, *PROCESS_HELPERS):
            item.add_marker(pytest.mark.slow)
    if os.environ.get("LOTCAST_TEST_REDIS") == "wheel":
        kept = {one for one in functions if REDIS_FIXTURES & {*one.fixturenames} or _imports(one, "RedisServer")}
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]
    # With `--dist loadfile --no-loadscope-reorder`, files are handed out in this order: what waits long begins early.
    slow_files = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in slow_files)


def _imports(item: pytest.Function, *names: str) -> bool:
    return any(hasattr(item.module, name) for name in names)
