"""Real HTTP cameras for tests, good and bad ones."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(on_connection: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A TCP server on loopback; its `host:port`. Connections that are open at the end are cut off."""
    serving_now: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None
        serving_now.add(task)
        try:
            await on_connection(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client went away, as it may
        except asyncio.CancelledError:
            writer.transport.abort()  # what was not sent yet would keep it open
        finally:
            writer.close()
            serving_now.discard(task)

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=tls)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{host}:{port}"
    finally:
        server.close()
        ending = list(serving_now)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending)
        await asyncio.sleep(0)  # the loop closes the sockets


def one_request(handler: Handler) -> Handler:
    """Reads the head of a request and lets `handler` answer it."""

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await handler(reader, writer)

    return on_connection


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A TCP server on loopback that lets `handler` answer each HTTP request; its address as `http://host:port`."""
    async with listening(one_request(handler), tls) as host:
        yield f"{'https' if tls else 'http'}://{host}"


def multipart_camera(
    jpegs: list[bytes],
    *,
    interval_s: float = 0.01,
    length: bool = True,
    forever: bool = True,
    on_sent: Callable[[], object] | None = None,
) -> Handler:
    """A camera that sends pictures one after the other as multipart MJPEG, and tells `on_sent` after each."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=--cam\r\n\r\n")
        while True:
            for jpeg in jpegs:
                told = f"Content-Length: {len(jpeg)}\r\n" if length else ""
                writer.write(f"--cam\r\nContent-Type: image/jpeg\r\n{told}\r\n".encode() + jpeg + b"\r\n")
                await writer.drain()
                if on_sent is not None:
                    on_sent()
                await asyncio.sleep(interval_s)
            if not forever:
                return

    return handler


def answering(head: str, body: bytes = b"", then_wait_s: float = 0.0) -> Handler:
    """A camera that answers always the same."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\nConnection: close\r\n\r\n" + body)
        await writer.drain()
        await asyncio.sleep(then_wait_s)

    return handler
