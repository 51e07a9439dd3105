"""Parking spaces: their shape, and the JSON list in `lotcast:{CAM}:spaces`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, field_validator, model_validator

SpaceState = Literal["free", "occupied", "unknown"]
EventReason = Literal[
    "first look", "arrived", "left", "view lost", "view regained", "space changed", "space removed", "camera off"
]
"""Why a space changed its state, as its event says it."""
SpaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Coordinate = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]
Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Confidence = Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
Spell = Annotated[float, Field(strict=True, ge=0, le=600, allow_inf_nan=False)]


def _signed_area(points: Sequence[tuple[float, float]]) -> float:
    """Area by the shoelace formula, in squared picture units; positive where the points run clockwise on screen."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs) / 2


class ParkingSpace(BaseModel):
    """One space: a polygon on the picture, in coordinates from 0 to 1 of its width and height.

    Thresholds that it does not give are the detector's settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    space_id: SpaceId
    space_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    polygon: Annotated[list[Point], Field(min_length=3, max_length=32)]
    min_overlap: Annotated[
        Share | None, Field(description="least overlap of a vehicle that stands here, as a share of the smaller")
    ] = None
    confidence: Annotated[
        Confidence | None, Field(description="least confidence of a vehicle here, where more than the detector's own")
    ] = None
    occupied_after_s: Annotated[Spell | None, Field(description="occupied once a vehicle stood here this long")] = None
    free_after_s: Annotated[Spell | None, Field(description="free once seen empty this long")] = None

    @field_validator("polygon")
    @classmethod
    def _has_area(cls, polygon: list[Point]) -> list[Point]:
        if abs(_signed_area(polygon)) < 1e-6:
            raise ValueError("encloses no area")
        return polygon

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """`(x, y, width, height)` of the polygon's bounding box, normalised 0..1."""
        xs, ys = [point[0] for point in self.polygon], [point[1] for point in self.polygon]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


class SpaceList(BaseModel):
    """The spaces of one camera; ids are unique."""

    model_config = ConfigDict(extra="forbid")

    spaces: Annotated[list[ParkingSpace], Field(max_length=1000)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for space in self.spaces:
            if space.space_id in seen:
                raise ValueError(f"space_id {space.space_id!r} stands twice")
            seen.add(space.space_id)
        return self


_SPACES = TypeAdapter(list[ParkingSpace])


def dump_spaces(spaces: Sequence[ParkingSpace]) -> bytes:
    """The JSON list that lives in Redis; what a space leaves to the settings is not in it."""
    return _SPACES.dump_json(list(spaces), exclude_none=True)


def load_spaces(data: bytes | None) -> list[ParkingSpace]:
    """The spaces from Redis; none if the key is absent. A field that a later version added is passed over.

    Raises:
        pydantic.ValidationError: somebody wrote there what is not a list of spaces.
    """
    if data is None:
        return []
    return SpaceList(spaces=_SPACES.validate_json(data, extra="ignore")).spaces


class SpaceStatus(BaseModel):
    """What is known of one space: the JSON in `lotcast:{CAM}:occupancy`.

    Attributes:
        reason: why it is in this state; None where that is not known.
    """

    model_config = ConfigDict(frozen=True)

    state: SpaceState
    since_ms: int
    track_id: int | None = None
    reason: EventReason | None = None


class OccupancyEvent(BaseModel):
    """One change of one space: the fields of an entry in `lotcast:{CAM}:events`.

    Attributes:
        reason: why it changed; None in events of versions before 0.2.
        evidence: how sure the change is, 0..1; None where nobody judged the space.
    """

    model_config = ConfigDict(frozen=True)

    space_id: str
    space_name: str
    state: SpaceState
    previous: SpaceState
    at_ms: int
    track_id: int | None = None
    reason: EventReason | None = None
    evidence: float | None = None

    def to_fields(self) -> dict[str, str]:
        """The stream entry's fields; `track_id` only where a track caused the change."""
        return {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}

    def status(self) -> SpaceStatus:
        """What is known of the space since this change; a free one's `track_id` was that of the vehicle that left."""
        track_id = self.track_id if self.state == "occupied" else None
        return SpaceStatus(state=self.state, since_ms=self.at_ms, track_id=track_id, reason=self.reason)
