"""Judging the spaces beside the frame path: when a judge is asked, and how its answer reaches the camera's state.

A look at a picture takes longer than a frame may, so it runs in a thread of its own, one picture at a time. First the
view is checked: where the lot cannot be seen, nothing is judged. The answer is tied to the picture and the spaces that
it was made of. It enters the camera's state with the next frame, in the order of the camera's frames.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import supervision as sv

from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from libs.common.messages import RawFrame
from libs.common.spaces import ParkingSpace
from services.detector.crops import SpaceCrops
from services.detector.engines.base import Picture
from services.detector.judge.judgement import Judgement
from services.detector.occupancy.hidden import hidden_spaces
from services.detector.occupancy.judged_space import HIDDEN_MIN
from services.detector.occupancy.look import Look
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture
from services.detector.view.check import View, ViewCheck, carry
from services.detector.view.reference import UnsavedReferences

_log = get_logger("judging")


SHORT_LOOK_S: Final = 0.15
REST_SHARE: Final = 2.0
REST_MAX_S: Final = 4.0
"""A camera is not looked at for so many times as long as its last look took longer than a short one: those at large
pictures take a second, and must not keep the cores from the frames of all cameras."""


class SpaceJudge(Protocol):
    """Judges the spaces of one picture. Called from one thread."""

    @property
    def description(self) -> str:
        """What judges, for the log."""

    def judge(
        self, picture: Picture, spaces: Sequence[ParkingSpace], due: Sequence[int], vehicles: sv.Detections
    ) -> Judgement:
        """How likely each space is occupied, and whether it is hidden.

        Args:
            picture: the whole decoded picture, (height, width, 3) BGR.
            spaces: all spaces of the camera.
            due: the numbers of those to judge.
            vehicles: what the detection model found in this picture, in its pixels.

        Returns:
            What is judged of the spaces that are due, in their order.

        Raises:
            EngineError: the model failed.
        """


@dataclass(frozen=True, slots=True)
class LookRequest:
    """One picture to look at.

    Attributes:
        frame: the frame.
        lot: the camera's spaces.
        due: the numbers of the spaces to judge; none if only the view is to be checked.
        vehicles: what the detection model found in this frame, in its pixels.
    """

    frame: RawFrame
    lot: Lot
    due: Sequence[int]
    vehicles: sv.Detections


class CameraJudging:
    """Looks at the spaces of one camera, and the answer that has not been used yet.

    Attributes:
        camera_id: whose spaces these are.
        is_under_way: a picture of the camera waits for the judge, or is being looked at; or the judge rests after that.
        crops: how the spaces looked last.
        took_s: how long the last look took.
    """

    def __init__(self, camera_id: str, view: ViewCheck) -> None:
        """Start without an answer.

        Args:
            camera_id: whose spaces these are.
            view: checks the camera's view; used by the judge's thread only.
        """
        self.camera_id = camera_id
        self.is_under_way = False
        self.took_s = 0.0
        self.crops = SpaceCrops()
        self._view = view
        self._lot: Lot | None = None
        self._answer: tuple[Lot, Look] | None = None

    @property
    def view(self) -> View:
        """What the last picture showed of the lot."""
        return self._view.view

    def take_unsaved_view(self, lot: Lot) -> UnsavedReferences | None:
        """The references of the view that are to be saved for these spaces, if they were made for them."""
        return self._view.references.take_unsaved() if self._lot is lot else None

    def look(self, request: LookRequest, judge: SpaceJudge) -> Look:
        """In the judge's thread: check the view, and judge the spaces if the lot can be seen.

        Raises:
            FrameError: the picture cannot be decoded.
            EngineError: the model failed.
        """
        started_s = time.monotonic()
        try:
            return self._look(request, judge)
        finally:
            self.took_s = time.monotonic() - started_s

    def rest_is_over(self) -> None:
        """The camera may be looked at again."""
        self.is_under_way = False

    def _look(self, request: LookRequest, judge: SpaceJudge) -> Look:
        frame, lot = request.frame, request.lot
        picture = FramePicture(frame.jpeg, (frame.width, frame.height)).full
        if self._lot is not None and self._lot is not lot:
            self._view.forget()  # the spaces were drawn anew, on what the camera shows now
            drawn = {space.space_id: space.polygon for space in self._lot.spaces}
            self.crops.forget_all_but(
                [space.space_id for space in lot.spaces if drawn.get(space.space_id) == space.polygon]
            )
        self._lot = lot
        condition = self._view.view.condition
        view = self._view.look(picture, frame.captured_at_ms)
        if view.condition != condition:
            _log.info("view changed", camera=self.camera_id, view=view.condition, notice=view.notice)
        if view.condition != "clear":
            return Look(frame.captured_at_ms, view)
        spaces = self._where_they_are(lot.spaces, frame)
        hidden = hidden_spaces(spaces, (frame.width, frame.height), request.vehicles)
        unseen = frozenset(number for number, space in enumerate(spaces) if view.hides(space.polygon))
        # Those that seem hidden are judged, too: what moved decides whether they are (`JudgedSpace.hide`).
        seen = [number for number in request.due if number not in unseen]
        judged = judge.judge(picture, spaces, seen, request.vehicles)
        probabilities = dict(zip(seen, judged.probabilities.tolist(), strict=True))
        hidden_probabilities = dict(zip(seen, judged.hidden.tolist(), strict=True))
        shown = {
            number: told
            for number, told in probabilities.items()
            if number not in hidden and hidden_probabilities[number] < HIDDEN_MIN
        }
        self.crops.look(picture, spaces, shown, frame.captured_at_ms)
        return Look(frame.captured_at_ms, view, probabilities, unseen, hidden, hidden_probabilities)

    def answer(self, lot: Lot, look: Look) -> None:
        """Leave an answer for the next frame."""
        self._answer = lot, look

    def take_answer(self, lot: Lot) -> Look | None:
        """The answer that has come since the frame before; None if there is none, or it is about other spaces."""
        answer, self._answer = self._answer, None
        return answer[1] if answer is not None and answer[0] is lot else None

    def _where_they_are(self, spaces: Sequence[ParkingSpace], frame: RawFrame) -> list[ParkingSpace]:
        """The spaces, carried along if the camera has moved a little since they were drawn."""
        shift = self._view.carried
        if shift is None:
            return list(spaces)
        aspect = frame.height / frame.width
        return [space.model_copy(update={"polygon": carry(space.polygon, shift, aspect)}) for space in spaces]


class JudgingQueue:
    """Asks the judge about one picture at a time; a camera has at most one picture here, waiting or under way."""

    def __init__(self, judge: SpaceJudge) -> None:
        self._judge = judge
        self._pool = ThreadPoolExecutor(1, "judge")
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    def put(self, request: LookRequest, judging: CameraJudging) -> None:
        """Have a picture looked at, unless the camera has one here already.

        Args:
            request: the picture and what to judge in it.
            judging: of the camera; gets the answer.
        """
        if judging.is_under_way or self._is_stopped:
            return
        judging.is_under_way = True
        task = asyncio.create_task(self._ask(request, judging))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped; a look under way is finished, those that wait are not begun."""
        await stop.wait()
        self._is_stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for task in list(self._tasks):
            task.cancel()

    async def _ask(self, request: LookRequest, judging: CameraJudging) -> None:
        loop = asyncio.get_running_loop()
        try:
            look = await loop.run_in_executor(self._pool, judging.look, request, self._judge)
            judging.answer(request.lot, look)
        except FrameError:
            pass  # the frame path logs and counts it
        except EngineError as error:
            _log.warning("spaces not judged; trying again later", camera=judging.camera_id, error=str(error))
        finally:
            rest_s = min(REST_MAX_S, REST_SHARE * max(0.0, judging.took_s - SHORT_LOOK_S))
            loop.call_later(rest_s, judging.rest_is_over)
