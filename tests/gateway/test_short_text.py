"""Short texts are read past websockets' parser, and nobody can tell: whatever comes, in whatever pieces."""

from __future__ import annotations

import random
from typing import Any

import pytest
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from services.gateway.serving.short_text import short_text

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACK = b'{"op":"ack"}'


def opened() -> ServerProtocol:
    conn = ServerProtocol(max_size=4096)
    conn.receive_data(HANDSHAKE)
    (request,) = conn.events_received()
    assert isinstance(request, Request)
    conn.send_response(conn.accept(request))
    conn.data_to_send()
    return conn


def frame(payload: bytes, first: int = 0x81, mask: bytes = b"\x81\x8c\x03\x04") -> bytes:
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([first]) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def read(chunks: list[bytes], *, shortcut: bool) -> list[tuple[str, bytes]]:
    """What is read of a stream that comes in pieces, with and without the shortcut."""
    conn = opened()
    messages: list[tuple[str, bytes]] = []
    for chunk in chunks:
        text = short_text(conn, chunk) if shortcut else None
        if text is not None:
            messages.append(("TEXT", text.encode()))
            continue
        conn.receive_data(chunk)
        assert conn.parser_exc is None
        for event in conn.events_received():
            data: Any = event
            messages.append((Opcode(data.opcode).name, bytes(data.data)))
    return messages


def test_an_acknowledgement_is_read_at_once_and_the_parser_goes_on_after_it() -> None:
    conn = opened()
    assert short_text(conn, frame(ACK)) == ACK.decode()
    assert short_text(conn, frame("é".encode())) == "é"
    conn.receive_data(frame(b"ping") + frame(b"pong"))
    assert [bytes(event.data) for event in conn.events_received()] == [b"ping", b"pong"]  # type: ignore[union-attr]
    assert short_text(conn, frame(b"")) == ""


@pytest.mark.parametrize(
    "data",
    [
        frame(ACK)[:-1],
        frame(ACK) + b"\x81",
        frame(ACK, 0x82),
        frame(ACK, 0x01),
        frame(ACK, 0xC1),
        frame(b"", 0x88),
        frame(b"a" * 126),
        frame(b"\xff"),
        b"\x81\x0c" + ACK,
        b"\x81",
        b"",
    ],
)
def test_what_is_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert short_text(opened(), data) is None


@pytest.mark.parametrize("begun", [b"\x81", b"\x81\x8c", frame(ACK)[:4], frame(ACK)[:9], frame(b"{", 0x01)])
def test_in_the_middle_of_a_message_nothing_is_taken_for_a_whole_one(begun: bytes) -> None:
    conn = opened()
    conn.receive_data(begun)
    assert short_text(conn, frame(ACK)) is None


def test_a_connection_that_is_closing_is_left_to_the_parser() -> None:
    conn = opened()
    conn.send_close(1001)
    assert short_text(conn, frame(ACK)) is None


def test_streams_in_pieces_are_read_as_without_it() -> None:
    chance = random.Random(5)
    taken = 0
    for _ in range(300):
        frames = [
            chance.choice([frame(ACK), frame(b"ping"), frame(b"x" * 200), frame(b"p", 0x89), frame(b"b", 0x82),
                           frame(b"{", 0x01) + frame(b"}", 0x80)])
            for _ in range(6)
        ]  # fmt: skip
        stream, chunks = b"".join(frames), []
        while stream:
            size = chance.choice([1, 2, 6, len(frame(ACK)), len(frame(b"ping")), 300])
            chunks.append(stream[:size])
            stream = stream[size:]
        if chance.random() < 0.5:
            chunks = frames
        assert read(chunks, shortcut=True) == read(chunks, shortcut=False)
        taken += sum(short_text(opened(), chunk) is not None for chunk in chunks)
    assert taken > 100
