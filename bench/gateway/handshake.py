"""A viewer's handshake, for clients on plain sockets and on asyncio, and frames to read past."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

TIMEOUT_S: Final = 20.0
DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


class Refused(Exception):
    """The server answered, but not by letting the viewer in."""


def upgrade_request(port: int, path: str, extensions: str = "") -> bytes:
    """What a viewer sends first; `extensions` is a header line or empty."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n"
    ).encode()


def read_answer(sock: socket.socket) -> tuple[bytes, bytes]:
    """The head of the server's answer, and what came behind it.

    Raises:
        ConnectionError: the viewer was not let in.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        got = sock.recv(65_536)
        if not got:
            raise ConnectionError(f"handshake refused: {head!r}")
        head += got
    head, _, rest = head.partition(b"\r\n\r\n")
    if b" 101 " not in head:
        raise ConnectionError(f"handshake refused: {head[:200]!r}")
    return head, rest


async def open_viewer(port: int, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and shake hands.

    Raises:
        OSError: nobody listens, or the connection broke.
        Refused: the answer is not 101.
    """
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade_request(port, path))
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
