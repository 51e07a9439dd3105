"""What a lot looks like, hour by hour of the day: kept beyond the detector's own life, in so many bytes a camera. Pure.

A reference is one clear picture, grey and small, from which edges and landmarks can be found again. There is one for
each hour of the day, since the light of an hour returns, and the newest one, whatever its hour.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import cv2
import msgpack
import numpy as np

from libs.common.errors import MessageError
from services.detector.view.edges import Grey
from services.detector.view.registration import Shift

REFERENCE_MAX_BYTES: Final = 40_000
"""Of one reference; with the newest one there are 25, so a camera's take 1 MB at most."""
QUALITIES: Final = (80, 60, 40, 25)
NEWEST: Final = "newest"
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class ViewReference:
    """One clear picture of the lot.

    Attributes:
        jpeg: grey, as `edges.shrink` makes it.
        at_ms: when it was captured.
        carried: the shift by which the spaces were carried along then; None if they were not.
    """

    jpeg: bytes
    at_ms: int
    carried: Shift | None = None

    @classmethod
    def of(cls, grey: Grey, at_ms: int, carried: Shift | None) -> Self | None:
        """Of a shrunken picture; None if it cannot be made small enough."""
        for quality in QUALITIES:
            done, buffer = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if done and len(buffer) + 500 <= REFERENCE_MAX_BYTES:
                return cls(buffer.tobytes(), at_ms, carried)
        return None

    @property
    def hour(self) -> int:
        """Of the day, UTC, 0..23."""
        return self.at_ms // HOUR_MS % 24

    def picture(self) -> Grey | None:
        """The picture; None if it cannot be decoded."""
        picture = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        return None if picture is None else np.asarray(picture, np.uint8)

    def pack(self, spaces_version: str) -> bytes:
        """As msgpack, with the version of the spaces that it belongs to."""
        shift = self.carried
        carried = shift and [
            *map(float, shift.matrix.ravel()), shift.right, shift.down, shift.turn_degrees, shift.scale,
        ]  # fmt: skip
        packed: bytes = msgpack.packb(
            {"jpeg": self.jpeg, "at_ms": self.at_ms, "carried": carried, "spaces": spaces_version}
        )
        return packed

    @classmethod
    def unpack(cls, packed: bytes, spaces_version: str) -> Self | None:
        """Read what `pack` made; None if it belongs to other spaces.

        Raises:
            MessageError: it is something else.
        """
        try:
            fields: Mapping[str, Any] = msgpack.unpackb(packed)
            if fields["spaces"] != spaces_version:
                return None
            carried = fields["carried"]
            shift = None
            if carried is not None:
                numbers = np.array(carried, float)
                matrix, (right, down, turn, scale) = numbers[:6].reshape(2, 3), map(float, numbers[6:])
                shift = Shift(matrix, right, down, turn, scale)
            return cls(bytes(fields["jpeg"]), int(fields["at_ms"]), shift)
        except (ValueError, TypeError, KeyError, msgpack.UnpackException) as error:
            raise MessageError(f"this is no reference of a view: {error}") from error


@dataclass(frozen=True, slots=True)
class UnsavedReferences:
    """What has changed since it was saved.

    Attributes:
        are_all_new: those saved before do not hold any more.
        references: by field of the stored hash: the hour as two digits, or `newest`.
    """

    are_all_new: bool = False
    references: Mapping[str, ViewReference] = field(default_factory=dict)


class ViewReferences:
    """The references of one camera: used by the judge's thread, and emptied of what is unsaved by the loop."""

    def __init__(self, stored: Mapping[str, ViewReference]) -> None:
        """Start from what is stored, by field."""
        self._by_field = dict(stored)
        self._unsaved = UnsavedReferences()
        self._lock = threading.Lock()

    def nearest(self, at_ms: int) -> Iterator[ViewReference]:
        """All of them, each once, the nearest hour of the day first."""
        hour = at_ms // HOUR_MS % 24
        each = {one.at_ms: one for one in self._by_field.values()}
        yield from sorted(
            each.values(), key=lambda one: (min((one.hour - hour) % 24, (hour - one.hour) % 24), -one.at_ms)
        )

    def add(self, reference: ViewReference) -> None:
        """Take one in for its hour, and as the newest."""
        fields = {NEWEST: reference, f"{reference.hour:02}": reference}
        self._by_field |= fields
        with self._lock:
            self._unsaved = UnsavedReferences(self._unsaved.are_all_new, {**self._unsaved.references, **fields})

    def clear(self) -> None:
        """None of them holds any more: the lot's things are elsewhere now, or the spaces were drawn anew."""
        self._by_field.clear()
        with self._lock:
            self._unsaved = UnsavedReferences(are_all_new=True)

    def take_unsaved(self) -> UnsavedReferences | None:
        """What is to be saved, which then counts as saved; None if there is nothing."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, UnsavedReferences()
        return unsaved if unsaved.are_all_new or unsaved.references else None
