"""Many viewers in one process: connects them, reads what comes, and tells at the end what came and how late.

    python -m bench.gateway.viewers PORT 'PATH' COUNT CAMERAS [--deflate] [--idle]

`{camera}` in the path is replaced by `cam0`, `cam1`, …; prints `ready` when all are connected, `start` on stdin
begins the count and `stop` ends it; then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import selectors
import socket
import statistics
import sys
import time
import zlib
from typing import Final

from bench.gateway.handshake import DEFLATE, read_answer, upgrade_request

SENT_AT: Final = re.compile(rb"sent_at[^0-9]*([0-9]+\.[0-9]+)")
RECEIVE_BYTES: Final = 120_000
TAIL_BYTES: Final = 600
"""`sent_at` stands behind the picture, in the last bytes of every form of the message."""


class Viewer:
    """One connection and its place in the stream of frames."""

    def __init__(self, port: int, path: str, deflate: bool) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.sock.sendall(upgrade_request(port, path, DEFLATE if deflate else ""))
        head, rest = read_answer(self.sock)
        self._inflate = zlib.decompressobj(-15) if b"permessage-deflate" in head.lower() else None
        self._buffer = bytearray(rest)
        self.sock.setblocking(False)
        self.delivered = 0
        self.late_ms: list[float] = []

    def take(self, data: bytes, now: float) -> None:
        """Take in what was read at `now`, seconds since the epoch."""
        self._buffer += data
        while True:
            frame = self._next_frame()
            if frame is None:
                return
            opcode, payload = frame
            if opcode == 9:
                self.sock.sendall(b"\x8a\x80\x00\x00\x00\x00" if not payload else _masked_pong(payload))
            if opcode not in (1, 2) or len(payload) < 1000:
                continue
            self.delivered += 1
            if self._inflate is not None:
                payload = self._inflate.decompress(payload + b"\x00\x00\xff\xff")
            found = SENT_AT.search(payload[-TAIL_BYTES:])
            if found:
                self.late_ms.append((now - float(found[1])) * 1000)

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + length or (start > 2 and len(buffer) < start):
            return None
        frame = buffer[0] & 15, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return frame


def _masked_pong(payload: bytes) -> bytes:
    return bytes((0x8A, 0x80 | len(payload))) + b"\x00\x00\x00\x00" + payload


def shares(took_ms: list[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum; not a number where there is none."""
    in_order = sorted(took_ms)
    return {
        "p50_ms": statistics.median(in_order) if in_order else float("nan"),
        "p99_ms": in_order[int(len(in_order) * 0.99)] if in_order else float("nan"),
        "max_ms": in_order[-1] if in_order else float("nan"),
    }


def summary(viewers: list[Viewer], lost: int) -> dict[str, float]:
    """Counts and lateness over all viewers."""
    late_ms = [value for viewer in viewers for value in viewer.late_ms]
    return shares(late_ms) | {
        "delivered": sum(viewer.delivered for viewer in viewers),
        "lost_connections": lost,
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("count", type=int)
    parser.add_argument("cameras", type=int)
    parser.add_argument("--deflate", action="store_true")
    arguments = parser.parse_args()
    selector = selectors.DefaultSelector()
    viewers = []
    for number in range(arguments.count):
        path = arguments.path.replace("{camera}", f"cam{number % arguments.cameras}")
        viewer = Viewer(arguments.port, path, arguments.deflate)
        viewers.append(viewer)
        selector.register(viewer.sock, selectors.EVENT_READ, viewer)
    selector.register(sys.stdin, selectors.EVENT_READ)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    lost = 0
    while True:
        # First read from all that are ready, then look at what was read: what the looking costs is not their lateness.
        taken: list[tuple[Viewer, bytes, float]] = []
        for key, _ in selector.select():
            if key.data is None:
                if sys.stdin.readline().strip() != "start":
                    sys.stdout.write(json.dumps(summary(viewers, lost)) + "\n")
                    return
                for viewer in viewers:
                    viewer.delivered, viewer.late_ms = 0, []
                continue
            try:
                data = key.data.sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                taken.append((key.data, data, time.time()))
            else:
                selector.unregister(key.data.sock)
                lost += 1
        for viewer, data, now in taken:
            viewer.take(data, now)


if __name__ == "__main__":
    main()
