"""Small pictures of a space before and after a change of its state, as Redis holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self

import msgpack

from libs.common.errors import MessageError

CropSide = Literal["before", "after"]

CROP_MAX_BYTES: Final = 10_000
"""Of one picture."""
CROPS_EXPIRE_S: Final = 3600
CROPS_AN_HOUR: Final = 140
"""Changes of one camera whose pictures are kept within that time: 140 times two pictures and what Redis adds to them
stay below 3 MB."""


@dataclass(frozen=True, slots=True)
class EventCrops:
    """The pictures of one change.

    Attributes:
        before: JPEG of the space as it was; None where nobody had looked at it by then.
        after: JPEG of what changed it; None likewise.
    """

    before: bytes | None
    after: bytes | None

    def side(self, which: CropSide) -> bytes | None:
        """One of the two."""
        return self.before if which == "before" else self.after

    def pack(self) -> bytes:
        """As msgpack: `{before, after}`."""
        packed: bytes = msgpack.packb({"before": self.before, "after": self.after})
        return packed

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Read what `pack` made; fields of later versions are passed over.

        Raises:
            MessageError: it is something else.
        """
        try:
            fields = msgpack.unpackb(packed)
            before, after = fields.get("before"), fields.get("after")
        except (ValueError, AttributeError, msgpack.UnpackException) as error:
            raise MessageError(f"these are no crops: {error}") from error
        if not all(one is None or isinstance(one, bytes) for one in (before, after)):
            raise MessageError("these are no crops: a picture is no bytes")
        return cls(before, after)
