"""One camera's standing vehicles, the spaces that these make probable, and what of that is to be stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.proposals import StoredPlace, StoredProposals
from services.detector.engines.base import Picture
from services.detector.proposals.edges import DIRECTIONS, edge_directions
from services.detector.proposals.places import Place, StandingVehicles
from services.detector.proposals.propose import ProposedSpaces

CONFIDENCE_MIN: Final = 0.15
"""Of a vehicle: one that is found again and again where it is need not be certain each time."""
STANDS_AFTER_SAMPLES: Final = 12
"""A vehicle that was found so often where it is stands."""
CONCLUDE_EVERY_SAMPLES: Final = 12
"""How rarely conclusions are drawn, and stored."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The vehicles of one frame.

    Attributes:
        boxes: (n, 4) left, top, right, bottom in shares of the picture's width and height.
        edges: (n, `DIRECTIONS`) of `edge_directions`.
        aspect: height over width of the picture.
        at_ms: when it was captured.
    """

    boxes: npt.NDArray[np.float64]
    edges: npt.NDArray[np.float64]
    aspect: float
    at_ms: int


def take_sample(vehicles: sv.Detections, picture: Picture, picture_size: tuple[int, int], at_ms: int) -> Sample:
    """What a frame says of where vehicles are; takes about 0.1 ms a vehicle.

    Args:
        vehicles: everything found in it; boxes in its pixels.
        picture: the frame, perhaps smaller.
        picture_size: (width, height) of the frame.
        at_ms: when it was captured.
    """
    width, height = picture_size
    boxes = vehicles.xyxy.astype(float) / (width, height, width, height)
    if vehicles.confidence is not None:
        boxes = boxes[vehicles.confidence >= CONFIDENCE_MIN]
    return Sample(boxes, edge_directions(picture, boxes), height / width, at_ms)


class CameraProposals:
    """Collects where vehicles stand. Used on the loop only.

    Attributes:
        aspect: height over width of the camera's pictures.
        concluded: the last conclusions.
    """

    def __init__(self, stored: StoredProposals, every_s: float) -> None:
        """Start from what was stored.

        Args:
            stored: what the owner before knew.
            every_s: the time between two samples; 0: none are taken.
        """
        self.aspect = 9 / 16
        self.concluded = ProposedSpaces(stored.proposals, stored.ground)
        self._every_ms = round(every_s * 1000)
        self._vehicles = StandingVehicles(
            STANDS_AFTER_SAMPLES,
            STANDS_AFTER_SAMPLES * self._every_ms,
            [_place(one) for one in stored.places],
        )
        self._sampled_ms = 0
        self._samples = 0
        self._known = self._evidence(self._vehicles.places())
        self._unstored: bytes | None = None

    def is_due(self, at_ms: int) -> bool:
        """Whether a frame that was captured then is to be a sample. May be asked from any thread."""
        return bool(self._every_ms) and not 0 <= at_ms - self._sampled_ms < self._every_ms

    def see(self, sample: Sample) -> None:
        """Take in a sample, if one is still due."""
        if not self.is_due(sample.at_ms):
            return
        self._sampled_ms = sample.at_ms
        self._samples += 1
        self.aspect = sample.aspect
        self._vehicles.see(sample.boxes, sample.edges, sample.at_ms)

    def take_due(self) -> list[Place] | None:
        """The places to draw new conclusions from; None while nothing has changed or it is too early."""
        if self._samples < CONCLUDE_EVERY_SAMPLES:
            return None
        self._samples = 0
        places = self._vehicles.places()
        evidence = self._evidence(places)
        if evidence == self._known:
            return None
        self._known = evidence
        return places

    def conclude(self, places: list[Place], concluded: ProposedSpaces) -> None:
        """Take the conclusions that were drawn from places; they are to be stored."""
        self.concluded = concluded
        stored = StoredProposals(
            proposals=list(concluded.proposals),
            places=[
                StoredPlace(
                    box=tuple(round(float(side), 4) for side in one.box),
                    visits=round(one.visits, 3),
                    stood_ms=one.stood_ms,
                    last_ms=one.last_ms,
                    edges=[round(float(share) * 1000) for share in one.edges] if one.edges.any() else [],
                )
                for one in places
            ],
            ground=concluded.ground,
            updated_ms=self._sampled_ms,
        )
        self._unstored = stored.model_dump_json().encode()

    @property
    def unstored(self) -> bytes | None:
        """What Redis does not have yet; None if it has everything."""
        return self._unstored

    def was_stored(self, text: bytes) -> None:
        """Redis has this now."""
        if self._unstored is text:
            self._unstored = None

    @staticmethod
    def _evidence(places: list[Place]) -> tuple[int, float]:
        return len(places), float(np.round(sum(place.visits for place in places), 3))


def _place(stored: StoredPlace) -> Place:
    edges = np.array(stored.edges, float) / 1000 if len(stored.edges) == DIRECTIONS else np.zeros(DIRECTIONS)
    return Place(stored.box, stored.visits, stored.stood_ms, stored.last_ms, edges)
