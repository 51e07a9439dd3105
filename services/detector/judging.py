"""Judging the spaces beside the frame path: when a judge is asked, and how its answer reaches the camera's state.

A judge looks at one decoded picture, the spaces and the vehicles that were detected in it. That takes longer than a
frame may, so it runs in a thread of its own, for one picture at a time. The answer is tied to the picture and the
spaces it was made of. It enters the camera's state with the next frame, in the order of the camera's frames.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import supervision as sv

from libs.common.clock import Stopwatch
from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from libs.common.messages import RawFrame
from services.detector.engines.base import Picture
from services.detector.motion import MotionGate
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture

_log = get_logger("judging")

STILL_FACTOR: Final = 12
"""How much rarer the spaces are judged while nothing moves."""
PAUSE_S: Final = 1.0
"""The shortest time between two judgements of a camera."""


class SpaceJudge(Protocol):
    """Judges the spaces of one picture. Called from one thread."""

    def judge(self, picture: Picture, lot: Lot, detections: sv.Detections) -> sv.Detections:
        """Find the vehicles in and around the spaces.

        Args:
            picture: the whole decoded picture, (height, width, 3) BGR.
            lot: the spaces to judge.
            detections: the tracked vehicles in this picture, in its pixels.

        Returns:
            The vehicles in and around the spaces, in pixels of the picture.

        Raises:
            EngineError: the model failed.
        """


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge's answer, with the picture that it was made of.

    Attributes:
        lot: the spaces that were judged.
        vehicles: the vehicles in and around them, in pixels of the picture.
        picture_size: (width, height) of the picture, in pixels.
        captured_at_ms: when the picture was captured.
    """

    lot: Lot
    vehicles: sv.Detections
    picture_size: tuple[int, int]
    captured_at_ms: int


class CameraJudging:
    """When the spaces of one camera are judged, and the answer that has not been used yet."""

    def __init__(self, camera_id: str, every_s: float) -> None:
        """Start without an answer.

        Args:
            camera_id: whose spaces these are.
            every_s: seconds between two judgements where something moves; 0: never.
        """
        self.camera_id = camera_id
        self.is_under_way = False
        self._every_s = every_s
        self._since_asked = Stopwatch()
        self._answer: Judgement | None = None

    def take_due(self, lot: Lot, gate: MotionGate) -> bool:
        """Whether the spaces are to be judged in the frame at hand; it then counts as asked.

        While nothing moves, the last answer still holds, and the judge is asked rarely.
        """
        if not self._every_s or not lot.spaces:
            return False
        wait_s = self._every_s if gate.has_moved else self._every_s * STILL_FACTOR
        if lot.wants_inspection:
            wait_s = min(self._every_s, PAUSE_S)
        if self._since_asked.elapsed_s() < wait_s:
            return False
        self._since_asked.restart()
        gate.has_moved = False
        return True

    def answer(self, judgement: Judgement) -> None:
        """Leave an answer for the next frame."""
        self._answer = judgement

    def take_answer(self, lot: Lot) -> Judgement | None:
        """The answer that has come since the frame before; None if there is none, or it is about other spaces."""
        answer, self._answer = self._answer, None
        return answer if answer is not None and answer.lot is lot else None


class JudgingQueue:
    """Asks the judge about one picture at a time; a camera has at most one picture here, waiting or under way."""

    def __init__(self, judge: SpaceJudge) -> None:
        self._judge = judge
        self._pool = ThreadPoolExecutor(1, "judge")
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    def put(self, frame: RawFrame, lot: Lot, detections: sv.Detections, judging: CameraJudging) -> None:
        """Have the spaces judged in a frame, unless the camera has one here already.

        Args:
            frame: the frame.
            lot: the camera's spaces.
            detections: the vehicles tracked in this frame, in its pixels.
            judging: gets the answer.
        """
        if judging.is_under_way or self._is_stopped:
            return
        judging.is_under_way = True
        task = asyncio.create_task(self._ask(frame, lot, detections, judging))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped; a judgement under way is finished, those that wait are not begun."""
        await stop.wait()
        self._is_stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for task in list(self._tasks):
            task.cancel()

    async def _ask(self, frame: RawFrame, lot: Lot, detections: sv.Detections, judging: CameraJudging) -> None:
        loop = asyncio.get_running_loop()
        try:
            judging.answer(await loop.run_in_executor(self._pool, self._judge_frame, frame, lot, detections))
        except FrameError:
            pass  # the frame path logs and counts it
        except EngineError as error:
            _log.warning("spaces not judged; trying again later", camera=judging.camera_id, error=str(error))
        finally:
            judging.is_under_way = False

    def _judge_frame(self, frame: RawFrame, lot: Lot, detections: sv.Detections) -> Judgement:
        picture = FramePicture(frame.jpeg, (frame.width, frame.height))
        vehicles = self._judge.judge(picture.full, lot, detections)
        return Judgement(lot, vehicles, picture.size, frame.captured_at_ms)
