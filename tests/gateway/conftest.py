from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.processes import Gateway, running_gateway


@pytest.fixture
def gateway(redis_url: str, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway on an empty Redis."""
    with running_gateway(redis_url, tmp_path) as gateway:
        yield gateway


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of that gateway; paths are enough for addresses."""
    async with aiohttp.ClientSession(gateway.url, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session
