"""A viewer on a bare socket, which reads only when it is told to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

from tests.support.waiting import PATIENCE_S

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class RawViewer:
    """One WebSocket connection, unbuffered.

    Attributes:
        status: of the handshake's answer.
        head: the whole head of that answer.
    """

    def __init__(self, sock: socket.socket, status: int, head: str, rest: bytes) -> None:
        self.sock = sock
        self.status = status
        self.head = head
        self._buffer = bytearray(rest)

    @classmethod
    async def connect(
        cls,
        address: str,
        target: str,
        *,
        receive_buffer_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
        segment_bytes: int | None = None,
    ) -> RawViewer:
        """Shake hands with the gateway at `host:port`; with short segments a slow reader shows as on a real network."""
        host, _, port = address.partition(":")
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        if segment_bytes is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_bytes)
        sock.bind((source, 0))
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        extra = "".join(f"{name}: {value}\r\n" for name, value in {"Host": address, **(headers or {})}.items())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await loop.sock_connect(sock, (host, int(port)))
                await loop.sock_sendall(
                    sock,
                    f"GET {target} HTTP/1.1\r\n{extra}Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
                )
                head = bytearray()
                while b"\r\n\r\n" not in head:
                    got = await loop.sock_recv(sock, 1024)
                    if not got:
                        break
                    head += got
        except BaseException:
            sock.close()
            raise
        text, _, rest = bytes(head).partition(b"\r\n\r\n")
        return cls(sock, int(text.split(b" ")[1]) if text else 0, text.decode("latin-1"), rest)

    async def read(self, max_bytes: int = 65_536) -> bytes:
        """Read once; empty at the end."""
        return await asyncio.get_running_loop().sock_recv(self.sock, max_bytes)

    async def frame(self, timeout_s: float = PATIENCE_S) -> tuple[int, bytes]:
        """The next WebSocket frame: opcode and payload.

        Raises:
            EOFError: the connection ended before a whole frame.
        """
        async with asyncio.timeout(timeout_s):
            while (found := self._next()) is None:
                got = await self.read()
                if not got:
                    raise EOFError
                self._buffer += got
        return found

    async def send(self, opcode: int, payload: bytes) -> None:
        """Send one short frame, masked as a client must."""
        frame = bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload
        await asyncio.get_running_loop().sock_sendall(self.sock, frame)

    def close(self) -> None:
        """End the connection without a word."""
        self.sock.close()

    def __del__(self) -> None:
        self.sock.close()  # a test that fails shows its own failure, not the sockets that it left open

    def _next(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1], 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start or len(buffer) < start + length:
            return None
        found = buffer[0] & 15, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return found
