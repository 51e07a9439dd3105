"""A viewer message in the forms in which viewers want it; each form is made once, when the first viewer asks."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import Any

import orjson

from libs.common.messages import unpack_viewer_message


class PreparedMessage:
    """One viewer message.

    Attributes:
        packed: msgpack, as it came from Redis; binary viewers get these bytes.
    """

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return unpack_viewer_message(self.packed)

    @cached_property
    def json_text(self) -> str:
        """The same object as JSON, `frame` being a data URL.

        Raises:
            MessageError: `packed` is not a viewer message.
        """
        data_url = b"data:image/jpeg;base64," + base64.b64encode(self.jpeg)
        return orjson.dumps(
            {**self._fields, "frame": data_url.decode("ascii")}, option=orjson.OPT_NON_STR_KEYS
        ).decode()

    @property
    def jpeg(self) -> bytes:
        """The picture.

        Raises:
            MessageError: `packed` is not a viewer message.
        """
        jpeg: bytes = self._fields["frame"]
        return jpeg
