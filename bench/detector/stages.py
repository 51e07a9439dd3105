"""What each stage of the detector costs alone: CPU seconds a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import cv2

from bench.detector.bus import measure_bus
from libs.common.messages import FrameMetadata, Timings
from libs.common.spaces import ParkingSpace
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.engines.loading import load_engine, worker_count
from services.detector.frame_result import AnnotatedFrame
from services.detector.metadata import build_metadata
from services.detector.occupancy.hysteresis import Debounce
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture, encode
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker

ROUNDS = 40
SIZE = (1280, 720)
QUALITY = 85


class Stages:
    """The stages one by one, in one thread, ready to be measured as often as one likes."""

    def __init__(self, model: str, jpegs: Sequence[bytes], spaces: Sequence[ParkingSpace]) -> None:
        """Load the model and prepare what each stage gets.

        Args:
            model: a file or folder.
            jpegs: as cameras send them, 1280 by 720.
            spaces: of the camera.
        """
        cv2.setNumThreads(1)
        self._jpegs, self._spaces = jpegs, spaces
        self._engine = load_engine(DetectorSettings(model=model, workers=1))
        pictures = [FramePicture(jpeg, SIZE) for jpeg in jpegs]
        self._seen = [picture.for_model(self._engine.input_size, full_is_needed=True) for picture in pictures]
        self._found = [self._engine.detect([one], 0.1)[0] for one in self._seen]
        for one, small in zip(self._found, self._seen, strict=True):
            one.xyxy = one.xyxy * (SIZE[0] / small.shape[1])
        following = CameraTracker(0, 0.25)
        self._tracked = [following.update(one[:], 100 * number) for number, one in enumerate(self._found)]
        self._tracker, self._lot = CameraTracker(0, 0.25), Lot(spaces, {}, Debounce(2000, 4000), 0)
        self._clock_ms = count(step=100)
        self._annotator = FrameAnnotator(spaces, SIZE)
        self._canvases = [picture.full for picture in pictures]
        self._frames = [
            AnnotatedFrame(encode(one, QUALITY), self._track(number)) for number, one in enumerate(self._canvases)
        ]

    async def measure(self) -> dict[str, float]:
        """CPU seconds a frame of each stage; `redis` is what Redis does for reading and publishing."""
        bus = await measure_bus(self._jpegs, self._frames, self._spaces)
        stages: dict[str, Callable[[int], Any]] = {
            "decode": self._decode,
            "infer": lambda number: self._engine.detect([self._seen[number]], 0.1),
            "track": self._track,
            "draw": lambda number: self._annotator.annotate(
                self._canvases[number], self._tracked[number], ["free"] * len(self._spaces)
            ),
            "encode": lambda number: encode(self._canvases[number], QUALITY),
        }
        return bus | {name: _cpu_seconds(stage, len(self._jpegs)) for name, stage in stages.items()}

    def _decode(self, number: int) -> None:
        picture = FramePicture(self._jpegs[number], SIZE)
        picture.for_model(self._engine.input_size, full_is_needed=True)
        assert picture.thumbnail.size

    def _track(self, number: int) -> FrameMetadata:
        at_ms = next(self._clock_ms)
        tracked = self._tracker.update(self._found[number][:], at_ms)
        matches, _ = self._lot.see(tracked, SIZE, at_ms)
        return build_metadata(
            tracked,
            self._lot.spaces,
            self._lot.statuses,
            matches,
            detector="bench",
            frame_id="0-0",
            timings=Timings(captured_at=0, read_at=0, detected_at=0, published_at=0),
        )


def measure_engine(model: str, jpegs: Sequence[bytes], seconds: float) -> float:
    """Frames a second of the bare engine in a loop, with all cores to itself."""
    settings = DetectorSettings(model=model)
    engine, workers = load_engine(settings), worker_count(settings)
    pictures = [FramePicture(jpeg, SIZE).for_model(engine.input_size, full_is_needed=True) for jpeg in jpegs]
    ends = time.monotonic() + seconds

    def loop(worker: int) -> int:
        done = 0
        while time.monotonic() < ends:
            engine.detect([pictures[(worker + done) % len(pictures)]], 0.1)
            done += 1
        return done

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(loop, range(workers))) / seconds


def _cpu_seconds(stage: Callable[[int], Any], count: int) -> float:
    for number in range(3):
        stage(number % count)
    started = time.process_time()
    for number in range(ROUNDS):
        stage(number % count)
    return (time.process_time() - started) / ROUNDS
