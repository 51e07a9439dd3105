"""What httptools has read of a handshake is what websockets reads of it, or websockets reads it itself."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol

from services.gateway.serving.handshake import read_request

USUAL = [
    (b"Host", b"127.0.0.1:8069"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"keep-alive, Upgrade"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Cookie", b"a=1; b=2"),
]


class _Parsed:
    """What uvicorn keeps of httptools' callbacks."""

    def __init__(self, data: bytes) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def request(self) -> Request | None:
        return read_request(self.parser.get_method(), self.parser.get_http_version(), self.url, self.headers)


def as_sent(headers: list[tuple[bytes, bytes]], path: bytes = b"/ws/viewer/live?a=%20b") -> bytes:
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (path, lines)


def read_by_websockets(parsed: _Parsed) -> Request | None:
    """As uvicorn has it read: written out again from what httptools found."""
    protocol = ServerProtocol()
    protocol.receive_data(as_sent(parsed.headers, parsed.url))
    events = protocol.events_received()
    return events[0] if events and isinstance(events[0], Request) else None


TOKEN = st.text("abcXYZ019-_!~", min_size=1, max_size=12).map(str.encode)
VALUE = st.text([chr(one) for one in (*range(0x20, 0x7F), 0x09, 0xE4, 0xFF)], max_size=40).map(
    lambda text: text.encode("latin-1")
)


@given(st.lists(st.tuples(TOKEN, VALUE), max_size=6), st.text("abc/?&=%20.", max_size=20).map(str.encode))
def test_it_is_the_request_that_websockets_would_read(more: list[tuple[bytes, bytes]], path: bytes) -> None:
    parsed = _Parsed(as_sent([*USUAL, *more], b"/" + path))
    ours = parsed.request()
    theirs = read_by_websockets(parsed)
    if ours is not None:
        assert theirs is not None
        assert (ours.path, ours.method, ours.protocol) == (theirs.path, theirs.method, theirs.protocol)
        assert list(ours.headers.raw_items()) == list(theirs.headers.raw_items())
    else:
        assert any(not value.isascii() for _, value in more)


@pytest.mark.parametrize(
    "header",
    [
        (b"Content-Length", b"0"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Expect", b"100-continue"),
        (b"Cookie", b"\xe4"),
        (b"Cookie", b"x" * 8200),
    ],
)
def test_what_is_unusual_is_left_to_websockets(header: tuple[bytes, bytes]) -> None:
    assert _Parsed(as_sent(USUAL)).request() is not None
    assert _Parsed(as_sent([*USUAL, header])).request() is None


def test_so_is_what_is_no_get_of_http_1_1_and_what_has_too_many_headers() -> None:
    parsed = _Parsed(as_sent(USUAL))
    assert read_request(b"POST", "1.1", parsed.url, parsed.headers) is None
    assert read_request(b"GET", "1.0", parsed.url, parsed.headers) is None
    assert read_request(b"GET", "1.1", b"/\xe4", parsed.headers) is None
    assert read_request(b"GET", "1.1", b"/" + b"x" * 8200, parsed.headers) is None
    assert read_request(b"GET", "1.1", parsed.url, [(b"x", b"y")] * 129) is None
