"""A viewer's handshake, read once: what httptools has read of it goes to websockets as it is.

uvicorn writes the request out again and has websockets read it a second time, which is a good part of what letting a
viewer in costs. What is unusual about a request still goes that way, so that websockets itself says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS, Request

_UNUSUAL: Final = frozenset({"transfer-encoding", "content-length", "expect"})


def read_request(method: bytes, version: str, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Request | None:
    """The request as websockets would read it; None where websockets has to read it itself.

    Args:
        method: `GET`.
        version: of HTTP, `1.1`.
        url: path and query, as they were sent.
        headers: (name in small letters, value) as httptools has checked them: names are tokens, and no value has a
            control character in it.
    """
    if method != b"GET" or version != "1.1" or not url.isascii() or len(headers) > MAX_NUM_HEADERS:
        return None
    read = Headers()
    for name, value in headers:
        if len(name) + len(value) > MAX_LINE_LENGTH - 4 or not value.isascii() or b"\x7f" in value:
            return None
        text = name.decode("ascii")
        if text in _UNUSUAL:
            return None
        read.set_insecure(text, value.strip(b" \t").decode("ascii"))
    if len(url) > MAX_LINE_LENGTH - 16:
        return None
    return Request(url.decode("ascii"), read)
