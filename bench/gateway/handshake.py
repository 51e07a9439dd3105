"""A viewer's connection for clients that open many of them: a handshake, frames to read past, and no more."""

from __future__ import annotations

import asyncio
from typing import Final

TIMEOUT_S: Final = 20.0


class Refused(Exception):
    """The server answered, but not by letting the viewer in."""


async def open_viewer(port: int, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and shake hands.

    Raises:
        OSError: nobody listens, or the connection broke.
        Refused: the answer is not 101.
    """
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            writer.close()
            raise ConnectionResetError("closed during the handshake") from error
    if b" 101 " not in head[:20]:
        writer.close()
        raise Refused(head[:60].decode("latin-1"))
    return reader, writer


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The payload of the next WebSocket frame."""
    head = await reader.readexactly(2)
    length = head[1] & 127
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    return await reader.readexactly(length)
