"""Parking spaces that seem to be there, and what they are concluded from: the JSON in `lotcast:{CAM}:proposals`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.common.spaces import Point

PROPOSALS_MAX: Final = 300
PLACES_MAX: Final = 300
KEEP_S: Final = 14 * 86_400
"""A place is forgotten when no vehicle has stood there for so long; the key expires as late."""


class SpaceProposal(BaseModel):
    """A space that seems to be there."""

    model_config = ConfigDict(frozen=True)

    polygon: Annotated[list[Point], Field(min_length=4, max_length=4, description="its corners on the ground")]
    confidence: Annotated[float, Field(ge=0, le=1, description="how sure it is that this is a space")]


class StoredPlace(BaseModel):
    """A box in which vehicles have stood, in shares of the picture's width and height.

    Attributes:
        box: left, top, right, bottom.
        visits: how many vehicles stood there.
        stood_ms: how long, added up.
        last_ms: when one was seen there last, by Redis's clock.
        edges: how strong the edges of each direction are there, per mille; empty where nothing is known.
    """

    model_config = ConfigDict(frozen=True)

    box: tuple[float, float, float, float]
    visits: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    stood_ms: Annotated[int, Field(ge=0)]
    last_ms: int
    edges: Annotated[list[Annotated[int, Field(ge=0, le=1000)]], Field(max_length=36)] = []


class StoredGround(BaseModel):
    """How the camera hangs above the ground, as the places tell.

    Attributes:
        focal: focal length in picture widths.
        pitch: how far it looks below the horizon, radians.
        height_m: above the ground, metres.
        roll: how far it is turned about its axis, radians.
        evidence: what the places counted for together when it was estimated.
    """

    model_config = ConfigDict(frozen=True)

    focal: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    pitch: Annotated[float, Field(gt=0, lt=1.6)]
    height_m: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    roll: Annotated[float, Field(gt=-1.6, lt=1.6)]
    evidence: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class StoredProposals(BaseModel):
    """What the detector keeps of a camera.

    Attributes:
        proposals: the surest first.
        places: where vehicles have stood.
        ground: how the camera hangs; None before it was estimated.
        updated_ms: when this was written, by Redis's clock; 0: never.
    """

    model_config = ConfigDict(frozen=True)

    proposals: Annotated[list[SpaceProposal], Field(max_length=PROPOSALS_MAX)] = []
    places: Annotated[list[StoredPlace], Field(max_length=PLACES_MAX)] = []
    ground: StoredGround | None = None
    updated_ms: int = 0


def load_proposals(data: bytes | None) -> StoredProposals:
    """What Redis has; nothing if the key is absent or somebody wrote there what is none."""
    if data is None:
        return StoredProposals()
    try:
        return StoredProposals.model_validate_json(data)
    except ValidationError:
        return StoredProposals()
