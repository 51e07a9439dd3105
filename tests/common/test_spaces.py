from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from libs.common.spaces import ParkingSpace, SpaceList, dump_spaces, load_spaces

SQUARE = [(0.1, 0.2), (0.3, 0.2), (0.3, 0.5), (0.1, 0.5)]


def space(space_id: str = "A1", polygon: object = SQUARE) -> ParkingSpace:
    return ParkingSpace.model_validate({"space_id": space_id, "space_name": "A 1", "polygon": polygon})


def test_spaces_survive_redis() -> None:
    assert load_spaces(dump_spaces([space()])) == [space()]
    assert load_spaces(None) == []


def test_what_a_space_asks_for_survives_redis_and_nothing_else_is_written() -> None:
    asking = ParkingSpace.model_validate(
        {**space().model_dump(), "min_overlap": 0.2, "confidence": 0.5, "occupied_after_s": 0, "free_after_s": 600}
    )
    assert load_spaces(dump_spaces([asking])) == [asking]
    assert json.loads(dump_spaces([space()]))[0].keys() == {"space_id", "space_name", "polygon"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_overlap", 0),
        ("min_overlap", 1.1),
        ("confidence", 0),
        ("confidence", 1),
        ("confidence", float("nan")),
        ("occupied_after_s", -1),
        ("occupied_after_s", "soon"),
        ("free_after_s", 601),
    ],
)
def test_a_threshold_out_of_range_is_refused_and_named(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ParkingSpace.model_validate({**space().model_dump(), field: value})
    (problem,) = caught.value.errors()
    assert problem["loc"] == (field,)
    assert problem["input"] is value


def test_bounds() -> None:
    assert space().bounds == pytest.approx((0.1, 0.2, 0.2, 0.3))


@pytest.mark.parametrize(
    "polygon",
    [
        [(0, 0), (1, 1)],
        [(0, 0), (1, 0), (2, 1)],
        [(0, 0), (float("nan"), 0), (1, 1)],
        [(0, 0), (0.5, 0.5), (1, 1)],
        [(0.01 * i, 0.02 * (i % 2)) for i in range(33)],
    ],
)
def test_a_bad_polygon_is_refused_and_named(polygon: object) -> None:
    with pytest.raises(ValidationError) as caught:
        space(polygon=polygon)
    assert caught.value.errors()[0]["loc"][0] == "polygon"


def test_a_space_id_stands_once() -> None:
    with pytest.raises(ValidationError, match="'A1' stands twice"):
        SpaceList(spaces=[space(), space()])
