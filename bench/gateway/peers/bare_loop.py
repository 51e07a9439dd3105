"""The floor: one thread that reads a Redis channel from a socket and writes each message to every viewer's socket.

    python bare_loop.py PORT REDIS_PORT CHANNEL

It knows just enough of HTTP, WebSocket and Redis to be measured; a viewer that stalls would block it.
"""

from __future__ import annotations

import base64
import hashlib
import selectors
import socket
import struct
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def shake_hands(viewer: socket.socket) -> None:
    """Answer a WebSocket handshake."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += viewer.recv(4096)
    key = next(line[19:].strip() for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    viewer.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def main() -> None:
    """Relay until killed."""
    port, redis_port, channel = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    listening = socket.create_server(("127.0.0.1", port), backlog=2048)
    bus = socket.create_connection(("127.0.0.1", redis_port))
    bus.sendall(f"SUBSCRIBE {channel}\r\n".encode())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    selector = selectors.DefaultSelector()
    selector.register(listening, selectors.EVENT_READ)
    selector.register(bus, selectors.EVENT_READ)
    viewers: list[socket.socket] = []
    marker = b"message\r\n$%d\r\n%b\r\n$" % (len(channel), channel.encode())
    received = bytearray()
    while True:
        for key, _ in selector.select():
            if key.fileobj is listening:
                viewer, _ = listening.accept()
                viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                shake_hands(viewer)
                viewers.append(viewer)
                continue
            received += bus.recv(262_144)
            while (start := received.find(marker)) >= 0:
                start += len(marker)
                end_of_length = received.find(b"\r\n", start)
                length = int(received[start:end_of_length]) if end_of_length >= 0 else -1
                if length < 0 or len(received) < end_of_length + 4 + length:
                    break
                payload = bytes(received[end_of_length + 2 : end_of_length + 2 + length])
                del received[: end_of_length + 4 + length]
                head = (
                    struct.pack("!BBH", 0x82, 126, length)
                    if length < 65_536
                    else struct.pack("!BBQ", 0x82, 127, length)
                )
                frame = head + payload
                for viewer in viewers:
                    try:
                        viewer.sendall(frame)
                    except OSError:
                        viewers = [other for other in viewers if other is not viewer]


if __name__ == "__main__":
    main()
