"""One connection to an HTTP camera: bytes as they come, with a deadline for every wait and a bound on what waits."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from typing import Final

from libs.common.errors import CameraStalled, SourceCause, SourceError
from services.ingest.sources.guarded_sockets import RefusedAddress, make_socket
from services.ingest.sources.http_url import HttpUrl
from services.ingest.sources.resolver import AddressInfo, resolve
from services.ingest.sources.tls import describe_tls_error, tls_context

WAITING_MAX_BYTES: Final = 1_048_576
"""More than this is not taken from the socket before it is read: the camera's own connection fills up."""


class Connection(asyncio.Protocol):
    """The receiving end of a connection. `StreamReader` would copy every byte once more."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_ended = False
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._at_least = 1
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > WAITING_MAX_BYTES and self._transport is not None:
            self._transport.pause_reading()
            self._is_paused = True
        if self._size >= self._at_least:
            self._wake()

    def eof_received(self) -> bool:
        """Called by the event loop; the connection closes."""
        self._is_ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._is_ended = True
        self._wake()

    @property
    def is_ended(self) -> bool:
        """Whether the camera has closed it and all is read."""
        return self._is_ended and not self._chunks

    def write(self, data: bytes) -> None:
        """Send a request."""
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        """Close at once; what has not been sent or read is dropped."""
        if self._transport is not None:
            self._transport.abort()

    async def read(self, timeout_s: float, at_least: int = 1) -> bytes:
        """What has come since the last call; empty at the end.

        Args:
            timeout_s: how long to wait.
            at_least: how many bytes to wait for; what has come by the deadline is returned even if it is less.

        Raises:
            TimeoutError: nothing came.
        """
        self._at_least = min(at_least, WAITING_MAX_BYTES)
        if self._size < self._at_least and not self._is_ended:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(timeout_s, self._time_out, self._waiter)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return data

    def _time_out(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():
            return
        if self._chunks:
            waiter.set_result(None)
        else:
            waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def connect(url: HttpUrl, written_host: str | None, timeout_s: float, *, insecure: bool) -> Connection:
    """Connect to a camera; its addresses are tried one after the other.

    Args:
        url: where to.
        written_host: the host in the registered URL, which may be an address that redirects may not lead to.
        timeout_s: for each address, with its TLS handshake; they share it where there are several.
        insecure: accept any certificate.

    Raises:
        SourceError: it cannot be reached, or there is no TLS with it.
    """
    try:
        addresses = (await resolve(url.host, url.port))[:4]
    except OSError as error:
        raise SourceError("camera cannot be reached: no such host: check the address", "no_host") from error
    problem: SourceError | None = None
    for info in addresses:
        try:
            return await _connect(info, url, written_host, timeout_s / len(addresses), insecure)
        except SourceError as error:
            problem = problem or error
    raise problem or SourceError("camera cannot be reached: no such host: check the address", "no_host")


async def _connect(
    info: AddressInfo, url: HttpUrl, written_host: str | None, timeout_s: float, insecure: bool
) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        made = make_socket(info, written_host)
    except RefusedAddress as error:
        raise SourceError(f"camera leads to an address that is not allowed: {error}") from error
    except OSError as error:
        raise _unreachable(error) from error
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.sock_connect(made, info[4])
    except TimeoutError as error:
        made.close()
        text = f"camera cannot be reached within {timeout_s:g} s: check address and network"
        raise SourceError(text, "unreachable") from error
    except OSError as error:
        made.close()
        raise _unreachable(error) from error
    except BaseException:
        made.close()
        raise
    context = tls_context(insecure=insecure) if url.is_tls else None
    left_s = max(0.1, timeout_s - (time.monotonic() - began_s))
    try:
        async with asyncio.timeout(left_s):
            _, connection = await loop.create_connection(
                Connection, sock=made, ssl=context, server_hostname=url.host if url.is_tls else None
            )
    except TimeoutError as error:
        made.close()
        raise CameraStalled("camera does not answer the TLS handshake in time: is this its TLS port?") from error
    except (ssl.SSLError, OSError) as error:
        made.close()
        raise SourceError(describe_tls_error(error)) from error
    return connection


async def speaks_tls(url: HttpUrl, written_host: str | None, timeout_s: float) -> bool:
    """Whether a camera that was asked in clear and hung up speaks TLS at this port."""
    try:
        connection = await connect(url.with_tls(), written_host, timeout_s, insecure=True)
    except SourceError:
        return False
    connection.close()
    return True


def _unreachable(error: OSError) -> SourceError:
    cause: SourceCause = "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
    return SourceError(f"camera cannot be reached: {_words(error)}: check address and port", cause)


def _words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else "no connection"
