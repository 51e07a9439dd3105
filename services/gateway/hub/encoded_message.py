"""A viewer message in the forms that viewers want, framed for the wire; each is made once, when first asked for."""

from __future__ import annotations

import base64
import struct
from functools import cached_property
from typing import Any, Final, Literal, get_args

import orjson

from libs.common.errors import MessageError
from libs.common.messages import unpack_viewer_message

Form = Literal["binary", "json", "mjpeg"]
"""What a viewer wants: msgpack or JSON in WebSocket messages, or the bare pictures as a multipart stream."""

FORMS: Final[tuple[Form, ...]] = get_args(Form)

BOUNDARY: Final = "lotcast-frame"

TEXT: Final = 0x1
BINARY: Final = 0x2
_FIN: Final = 0x80


def websocket_frame(opcode: int, payload: bytes) -> bytes:
    """One whole, unmasked WebSocket message as a server sends it (RFC 6455, section 5.2).

    Args:
        opcode: 1 for text, 2 for binary.
        payload: the message.
    """
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", _FIN | opcode, length)
    elif length < 65_536:
        head = struct.pack("!BBH", _FIN | opcode, 126, length)
    else:
        head = struct.pack("!BBQ", _FIN | opcode, 127, length)
    return head + payload


class EncodedMessage:
    """One viewer message.

    Attributes:
        packed: msgpack, as it came from Redis; binary viewers get these bytes.
    """

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    def wire(self, form: Form) -> bytes:
        """What is written to every connection that wants `form`.

        Raises:
            MessageError: `packed` is not a viewer message.
        """
        if form == "binary":
            return self._binary
        return self._json if form == "json" else self._mjpeg

    @property
    def jpeg(self) -> bytes:
        """The picture.

        Raises:
            MessageError: `packed` is not a viewer message.
        """
        jpeg: bytes = self._fields["frame"]
        return jpeg

    def is_newer_than(self, other: EncodedMessage) -> bool:
        """Whether it was published after `other`: it is counted higher, or, where counting began anew, it is later.

        Clocks alone do not tell: a camera may have moved to a detector whose clock is behind.

        Raises:
            MessageError: one of them is not a viewer message.
        """
        mine, theirs = self._order, other._order
        return mine[0] > theirs[0] or mine[1] > theirs[1]

    @property
    def _order(self) -> tuple[float, float]:
        count, timestamp_s = self._fields.get("frame_count"), self._fields.get("timestamp")
        if not isinstance(count, int) or not isinstance(timestamp_s, int | float):
            raise MessageError("a viewer message without count or timestamp")
        return count, timestamp_s

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return unpack_viewer_message(self.packed)

    @cached_property
    def _binary(self) -> bytes:
        return websocket_frame(BINARY, self.packed)

    @cached_property
    def _json(self) -> bytes:
        data_url = "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")
        try:
            text = orjson.dumps({**self._fields, "frame": data_url}, option=orjson.OPT_NON_STR_KEYS)
        except orjson.JSONEncodeError as error:
            raise MessageError(f"not to be told in JSON: {error}") from error
        return websocket_frame(TEXT, text)

    @cached_property
    def _mjpeg(self) -> bytes:
        jpeg = self.jpeg
        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode("ascii")
        # The multipart stream travels in HTTP's chunked coding; one picture is one chunk.
        return b"%x\r\n%b%b\r\n\r\n" % (len(head) + len(jpeg) + 2, head, jpeg)
