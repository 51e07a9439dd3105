"""One short message of a viewer, read at once: an `ack` comes after each picture, and parsing it costs as much as that.

What is one whole text of up to 125 bytes and no more, as nearly everything that viewers send, is read here. Anything
else is left to websockets, whose parser is not touched.
"""

from __future__ import annotations

from types import CodeType, GeneratorType
from typing import Final

from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.utils import apply_mask

_WHOLE_TEXT: Final = 0x81
_MASKED: Final = 0x80
_HEAD_BYTES: Final = 6
_SHORT_MAX_BYTES: Final = 125
_BETWEEN_FRAMES: Final[CodeType] = StreamReader.at_eof.__code__
"""Where websockets' parser waits when it has read the last frame to its end."""


def short_text(conn: ServerProtocol, data: bytes) -> str | None:
    """The text, if `data` is one whole text message and nothing else, and the connection is where one may begin.

    Args:
        conn: of an open connection; it has not got `data`, and need not get it if this returns a text.
        data: what has come.
    """
    if (
        len(data) < _HEAD_BYTES
        or data[0] != _WHOLE_TEXT
        or not _MASKED <= data[1] <= _MASKED + _SHORT_MAX_BYTES
        or len(data) != _HEAD_BYTES + data[1] - _MASKED
        or not _is_between_messages(conn)
    ):
        return None
    try:
        return bytes(apply_mask(data[_HEAD_BYTES:], data[2:_HEAD_BYTES])).decode()
    except UnicodeDecodeError:
        return None


def _is_between_messages(conn: ServerProtocol) -> bool:
    # One of a version whose attributes are called otherwise is never between messages.
    if conn.state is not OPEN or getattr(conn, "current_size", conn) is not None:
        return False
    waiting: object = conn.parser
    while isinstance(waiting, GeneratorType) and waiting.gi_yieldfrom is not None:
        waiting = waiting.gi_yieldfrom
    return isinstance(waiting, GeneratorType) and waiting.gi_code is _BETWEEN_FRAMES
