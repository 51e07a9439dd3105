"""Many thousands of viewers in one process: reads pictures away and looks at their last bytes only.

    python -m bench.gateway.crowd PORT 'PATH' COUNT CAMERAS --stamp s|ms [--watch]

`{camera}` in the path is replaced by `cam0`, `cam1`, …. With `--watch` each viewer asks for all cameras on its one
connection and acknowledges each picture. A picture ends with the time of its publication: a float of seconds or a
whole number of milliseconds, in eight bytes. Prints `ready` when all are connected, `start` on stdin begins the count
and `stop` ends it; then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import struct
import sys
import time
from typing import Final

from bench.gateway.handshake import read_answer, upgrade_request
from bench.gateway.viewers import shares

PICTURE_MIN_BYTES: Final = 20_000
RECEIVE_BYTES: Final = 262_144
STAMP_BYTES: Final = 8
CONNECT_AT_ONCE: Final = 50
ACKNOWLEDGEMENT: Final = b'{"op": "ack"}'
PING: Final = 9


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    head = bytes((0x80 | opcode, 0x80 | len(payload))) if len(payload) < 126 else (
        bytes((0x80 | opcode, 0xFE)) + len(payload).to_bytes(2, "big")
    )  # fmt: skip
    return head + b"\x00\x00\x00\x00" + payload


class CrowdViewer:
    """One connection and its place in the stream of WebSocket frames.

    Attributes:
        delivered: pictures.
        late_ms: of each, from its publication to its last byte.
    """

    __slots__ = ("_head", "_left", "_length", "_opcode", "_stamp", "_tail", "_watches", "delivered", "late_ms", "sock")

    def __init__(self, sock: socket.socket, stamp: struct.Struct, watches: bool) -> None:
        self.sock = sock
        self.delivered = 0
        self.late_ms: list[float] = []
        self._stamp = stamp
        self._watches = watches
        self._head = b""
        self._opcode = self._length = self._left = 0
        self._tail = b""

    def take(self, data: memoryview, now_s: float) -> None:
        """Take in what was read at `now_s`, seconds since the epoch."""
        at, end = 0, len(data)
        while at < end:
            if not self._left:
                at = self._take_head(data, at)
                continue
            step = min(self._left, end - at)
            at += step
            self._left -= step
            self._tail = (self._tail + bytes(data[max(at - 125, at - step) : at]))[-125:]
            if not self._left:
                self._has_ended(now_s)

    def _take_head(self, data: memoryview, at: int) -> int:
        """Read on in a frame's head, up to 10 bytes; returns where to go on."""
        while at < len(data):
            self._head += bytes(data[at : at + 1])
            at += 1
            head = self._head
            wanted = 2 if len(head) < 2 else {126: 4, 127: 10}.get(head[1], 2)
            if len(head) == wanted:
                self._opcode = head[0] & 15
                self._length = self._left = int.from_bytes(head[2:], "big") if wanted > 2 else head[1]
                self._head = self._tail = b""
                break
        return at

    def _has_ended(self, now_s: float) -> None:
        if self._opcode == PING:
            self.sock.sendall(masked(10, self._tail[-self._length :]))
        if self._length < PICTURE_MIN_BYTES:
            return
        self.delivered += 1
        published: float = self._stamp.unpack(self._tail[-STAMP_BYTES:])[0]
        self.late_ms.append(now_s * 1000 - (published if self._stamp.format == ">Q" else published * 1000))
        if self._watches:
            self.sock.sendall(masked(1, ACKNOWLEDGEMENT))


def connect(port: int, paths: list[str]) -> list[tuple[socket.socket, bytes]]:
    """Connect and shake hands, all at the same time; each socket with what came behind the handshake."""
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in paths]
    for sock, path in zip(sockets, paths, strict=True):
        sock.sendall(upgrade_request(port, path))
    connected = []
    for sock in sockets:
        _, rest = read_answer(sock)
        sock.setblocking(False)
        connected.append((sock, rest))
    return connected


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("count", type=int)
    parser.add_argument("cameras", type=int)
    parser.add_argument("--stamp", choices=["s", "ms"], required=True)
    parser.add_argument("--watch", action="store_true")
    arguments = parser.parse_args()
    stamp = struct.Struct(">d" if arguments.stamp == "s" else ">Q")
    paths = [arguments.path.replace("{camera}", f"cam{n % arguments.cameras}") for n in range(arguments.count)]
    poll, viewers = select.epoll(), {}
    for first in range(0, len(paths), CONNECT_AT_ONCE):
        for sock, rest in connect(arguments.port, paths[first : first + CONNECT_AT_ONCE]):
            viewer = viewers[sock.fileno()] = CrowdViewer(sock, stamp, arguments.watch)
            viewer.take(memoryview(rest), time.time())
            poll.register(sock, select.EPOLLIN)
            if arguments.watch:
                for camera in range(arguments.cameras):
                    wish = {"op": "watch", "camera_id": f"cam{camera}"}
                    sock.sendall(masked(1, json.dumps(wish).encode()))
    poll.register(sys.stdin, select.EPOLLIN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    scratch, lost = memoryview(bytearray(RECEIVE_BYTES)), 0
    while True:
        for descriptor, _ in poll.poll():
            if descriptor not in viewers:
                if sys.stdin.readline().strip() != "start":
                    late_ms = [value for one in viewers.values() for value in one.late_ms]
                    told = shares(late_ms) | {"delivered": sum(one.delivered for one in viewers.values())}
                    fewest = min(one.delivered for one in viewers.values())
                    sys.stdout.write(json.dumps(told | {"fewest": fewest, "lost_connections": lost}) + "\n")
                    return
                for one in viewers.values():
                    one.delivered, one.late_ms = 0, []
                continue
            viewer = viewers[descriptor]
            try:
                count = viewer.sock.recv_into(scratch)
            except BlockingIOError:
                continue
            except OSError:
                count = 0
            if count:
                viewer.take(scratch[:count], time.time())
            else:
                poll.unregister(descriptor)
                lost += 1


if __name__ == "__main__":
    main()
