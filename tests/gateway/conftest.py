from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.gateway.in_process import gateway_in_process
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


@pytest.fixture
async def api(redis_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway's application in this process, without tokens: the caller is an admin."""
    async with gateway_in_process(redis_url, tmp_path) as client:
        yield client
