"""Real lots and the demo's clips, played on a virtual clock: the detector tells the right changes and no others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from deploy.demo.lot.truth import Truth
from deploy.demo.model.measuring import read_clip
from deploy.local.demo import demo_installation
from libs.common.spaces import OccupancyEvent, ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.evaluation import LabelledPicture, load_dataset, read_picture
from services.detector.judging import SpaceJudge
from services.detector.replay import CameraReplay
from services.detector.sensor_noise import with_noise
from services.detector.sequence import play_dataset
from services.detector.settings import DetectorSettings
from tests.support.disturbances import put
from tests.support.real_data import FOLDER, PKLOT, YOLO11N, needs_real_data
from tests.support.remembered import remembering_engine, remembering_judge

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
ASSETS: Final = Path(__file__).parents[3] / "deploy/demo/assets"
SMALL_LOT: Final = FOLDER / "videos/small_lot.mp4"
SETTINGS: Final = DetectorSettings(model=str(YOLO11N), workers=1)
NEAR_CHANGE_S: Final = 2.0


@pytest.fixture(scope="module")
def engine() -> Engine:
    return remembering_engine(SETTINGS)


@pytest.fixture(scope="module")
def judge(engine: Engine) -> SpaceJudge:
    return remembering_judge(SETTINGS, engine)


@needs_real_data
def test_every_change_of_four_real_days_is_seen(engine: Engine, judge: SpaceJudge) -> None:
    """126 changes. Two events are wrong: a group of people stands in a space, and a car on the line between two."""
    played = play_dataset(load_dataset(PKLOT), PKLOT, engine, judge, SETTINGS, 15)
    assert played.changes == 126
    assert (played.missed, played.late, played.unknown) == ([], 0, 0)
    assert len(played.invented) <= 2


@needs_real_data
@pytest.mark.skipif(not SMALL_LOT.is_file(), reason="no small_lot.mp4 beside the project")
def test_the_one_car_that_leaves_a_small_lot_is_seen_to_leave(engine: Engine, judge: SpaceJudge) -> None:
    truth = json.loads(SMALL_LOT.with_suffix(".truth.json").read_text("utf-8"))
    camera = CameraReplay([ParkingSpace.model_validate(one) for one in truth["spaces"]], engine, judge, SETTINGS)
    for number, picture in enumerate(read_clip(SMALL_LOT)):
        if number % 5 == 0:
            camera.show(picture, number * 1000 // 24)
    changes = [event for event in camera.events if event.reason != "first look"]
    assert [(event.space_id, event.state, event.reason) for event in changes] == [("1", "free", "left")]
    assert 80 * 1000 // 24 < changes[0].at_ms < 240 * 1000 // 24, "frame 240 is the first that is labelled as free"
    for labelled in truth["frames"]:
        assert _occupied(camera.events, labelled["frame"] * 1000 // 24) == set(labelled["occupied"]), labelled["frame"]


@pytest.mark.parametrize("clip", ["north", "south"])
def test_the_demo_is_right_over_a_whole_loop(clip: str) -> None:
    values = demo_installation().detector_environment
    settings = DetectorSettings(
        model="demo",
        workers=1,
        occupied_after_s=float(values["DETECTOR_OCCUPIED_AFTER_S"]),
        free_after_s=float(values["DETECTOR_FREE_AFTER_S"]),
        inspect_every_s=float(values["DETECTOR_INSPECT_EVERY_S"]),
    )
    truth = Truth.load(ASSETS / f"{clip}.truth.json")
    spaces = json.loads((ASSETS / f"{clip}.spaces.json").read_text("utf-8"))["spaces"]
    engine = remembering_engine(settings)
    camera = CameraReplay(
        [ParkingSpace.model_validate(one) for one in spaces], engine, remembering_judge(settings, engine), settings
    )
    wrong = []
    for number, picture in enumerate(read_clip(ASSETS / f"{clip}.mp4")):
        camera.show(picture, number * 1000 // truth.fps)
        occupied = {space for space, status in camera.statuses.items() if status.state == "occupied"}
        is_settled = truth.seconds_to_nearest_change(number) > NEAR_CHANGE_S and number > NEAR_CHANGE_S * truth.fps
        if is_settled and occupied != truth.occupied_spaces(number):
            wrong.append(number)
    assert wrong == []
    told = [
        (event.space_id, event.state == "occupied") for event in camera.events if event.reason in ("arrived", "left")
    ]
    assert told == [(space, is_occupied) for _, space, is_occupied in truth.changes]


@pytest.fixture(scope="module")
def lot() -> tuple[LabelledPicture, Picture]:
    labelled = next(one for one in load_dataset(PKLOT).images if one.image == "2013-02-22_07_15_01.jpg")
    return labelled, read_picture(PKLOT / labelled.image)


@needs_real_data
@pytest.mark.parametrize(("one_space_each", "taken"), [(False, {"space_13", "space_14"}), (True, {"space_13"})])
def test_a_lorry_across_two_spaces_takes_both_unless_a_setting_says_otherwise(
    engine: Engine, lot: tuple[LabelledPicture, Picture], one_space_each: bool, taken: set[str]
) -> None:
    labelled, picture = lot
    settings = SETTINGS.model_copy(update={"one_space_each": one_space_each})
    camera = CameraReplay(
        [one.parking_space() for one in labelled.spaces], engine, remembering_judge(settings, engine), settings
    )
    with_lorry = put(picture, picture[398:478, 655:808], (535, 262, 735, 404))
    for second in range(30):
        camera.show(with_noise(with_lorry if second >= 12 else picture, second), second * 1000)
    arrived = [(event.space_id, event.state) for event in camera.events if event.reason == "arrived"]
    assert sorted(arrived) == [(space, "occupied") for space in sorted(taken)]
    assert len(camera.events) == len(labelled.spaces) + len(arrived)


def _occupied(events: Sequence[OccupancyEvent], at_ms: int) -> set[str]:
    """The spaces that were occupied then, as the events tell."""
    states = {event.space_id: event.state for event in events if event.at_ms <= at_ms}
    return {space for space, state in states.items() if state == "occupied"}
