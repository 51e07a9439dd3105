"""Connections to Redis whose requests can be cancelled at any moment.

redis-py 6 to 8 waits for a command to be written with `asyncio.wait_for`, which in Python 3.11 forgets a cancellation
that comes as the writing ends: `task.cancel()` then does nothing, and whoever waits for the task's end waits for ever.
`asyncio.timeout` does not, and needs no task for each command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    _Base = Connection
else:
    _Base = object


class _Cancellable(_Base):
    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call] # redis-py left it without types
        timeout_s, self.socket_timeout = self.socket_timeout, None  # so that redis-py itself sets none
        try:
            async with asyncio.timeout(timeout_s):
                await super().send_packed_command(command, check_health=False)
        except TimeoutError:
            raise RedisTimeoutError("Timeout writing to socket") from None
        finally:
            self.socket_timeout = timeout_s


class _CancellableConnection(_Cancellable, Connection):
    pass


class _CancellableSSLConnection(_Cancellable, SSLConnection):
    pass


class _CancellableUnixConnection(_Cancellable, UnixDomainSocketConnection):
    pass


def make_cancellable(pool: ConnectionPool) -> None:
    """Let a pool that has made no connection yet make such ones, over what its URL says: TCP, TLS or a Unix socket."""
    pool.connection_class = {
        Connection: _CancellableConnection,
        SSLConnection: _CancellableSSLConnection,
        UnixDomainSocketConnection: _CancellableUnixConnection,
    }[pool.connection_class]
