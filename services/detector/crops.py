"""Small pictures of spaces: how each looked when it was last seen taken and last seen free. Pure but for JPEG.

A change of state gets one of each: what the space looked like before it, and what the judge saw that decided it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from libs.common.event_crops import CROP_MAX_BYTES, EventCrops
from libs.common.spaces import OccupancyEvent, ParkingSpace
from services.detector.engines.base import Picture
from services.detector.occupancy.belief import SURE
from services.detector.pictures import encode

SIDE_PX: Final = 160
"""Longer side of a crop at most."""
GROWTH: Final = 1.4
"""How much larger than the space's bounding box a crop is."""
QUALITIES: Final = (80, 60, 40)
"""Of the JPEG: the first that keeps the bound."""
REFRESHED_MS: Final = 10_000
"""How old the picture of a state becomes before another look that is sure of it takes its place."""
WAITING_MAX: Final = 64
"""Changes of one camera whose pictures wait to be written."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """How a space looked in one state."""

    jpeg: bytes
    at_ms: int
    is_sure: bool


def cut_crop(picture: Picture, polygon: Sequence[tuple[float, float]]) -> bytes | None:
    """The space with a margin as a JPEG of 10,000 bytes at most; None if there is nothing of it in the picture.

    Args:
        picture: (height, width, 3) BGR.
        polygon: normalised 0..1.

    Raises:
        FrameError: OpenCV's encoder refuses it.
    """
    points = np.asarray(polygon, float)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2 * GROWTH
    size = picture.shape[1], picture.shape[0]
    left, top = (int(one) for one in np.floor(np.clip(middle - half, 0, 1) * size))
    right, bottom = (int(one) for one in np.ceil(np.clip(middle + half, 0, 1) * size))
    part = picture[top:bottom, left:right]
    if not part.size:
        return None
    scale = SIDE_PX / max(part.shape[:2])
    if scale < 1:
        shrunk = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
        part = np.asarray(cv2.resize(part, shrunk, interpolation=cv2.INTER_AREA), np.uint8)
    for quality in QUALITIES:
        jpeg = encode(part, quality)
        if len(jpeg) <= CROP_MAX_BYTES:
            return jpeg
    return None


class SpaceCrops:
    """How the spaces of one camera looked last, taken and free: two pictures a space at most.

    `look` runs in the judge's thread, `of` on the loop: what is kept is replaced whole, never changed.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], _Kept] = {}

    def look(
        self, picture: Picture, spaces: Sequence[ParkingSpace], probabilities: Mapping[int, float], at_ms: int
    ) -> None:
        """Keep what the judge has just looked at, where it is newer or surer than what is kept.

        Args:
            picture: the whole picture.
            spaces: where they are in it.
            probabilities: of being occupied, by the number of the space that was looked at.
            at_ms: when the picture was captured.
        """
        for number, probability in probabilities.items():
            key = spaces[number].space_id, probability >= 0.5
            is_sure = max(probability, 1 - probability) >= SURE
            kept = self._kept.get(key)
            is_due = kept is None or (is_sure and (not kept.is_sure or not 0 <= at_ms - kept.at_ms < REFRESHED_MS))
            if is_due and (jpeg := cut_crop(picture, spaces[number].polygon)) is not None:
                self._kept[key] = _Kept(jpeg, at_ms, is_sure)

    def forget_all_but(self, space_ids: Sequence[str]) -> None:
        """Forget the spaces that are gone, or were drawn anew."""
        kept = set(space_ids)
        self._kept = {key: value for key, value in self._kept.items() if key[0] in kept}

    def of(self, event: OccupancyEvent) -> EventCrops | None:
        """The pictures of a change that has just been decided; None where it is none from free to taken or back."""
        if {event.previous, event.state} != {"free", "occupied"}:
            return None
        before, after = (
            self._kept.get((event.space_id, state == "occupied")) for state in (event.previous, event.state)
        )
        if before is None and after is None:
            return None
        return EventCrops(*(None if one is None else one.jpeg for one in (before, after)))


class CropsOutbox:
    """The pictures of one camera's changes on their way to Redis. Used on the loop only; bounded.

    Attributes:
        dropped: how many changes lost their pictures because too many waited; the writer counts and clears them.
    """

    def __init__(self, crops: SpaceCrops) -> None:
        """Take the pictures from there."""
        self._crops = crops
        self._unnamed: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self.dropped = 0

    def add(self, events: Sequence[OccupancyEvent]) -> None:
        """Keep the pictures of changes that have just been decided; their events have no ids yet."""
        for event in events:
            crops = self._crops.of(event)
            if crops is not None:
                self._unnamed[event.space_id, event.at_ms] = crops.pack()
        while len(self._unnamed) > WAITING_MAX:
            self._unnamed.popitem(last=False)
            self.dropped += 1

    def event_was_written(self, event: OccupancyEvent, event_id: str) -> None:
        """Redis has the event under that id: its pictures may be written."""
        packed = self._unnamed.pop((event.space_id, event.at_ms), None)
        if packed is not None:
            self.put(event_id, packed)

    def put(self, event_id: str, packed: bytes) -> None:
        """Have the packed pictures of an event written."""
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append((event_id, packed))

    def take(self) -> list[tuple[str, bytes]]:
        """Event ids and packed pictures that can be written now; they are then the caller's."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken
