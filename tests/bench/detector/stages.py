"""What each stage of the detector costs alone, in one thread: CPU seconds a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import cv2

from libs.common.messages import Timings
from libs.common.spaces import ParkingSpace
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.engines.loading import load_engine
from services.detector.metadata import build_metadata
from services.detector.occupancy.hysteresis import Patience
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture, encode
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker

ROUNDS = 60


def measure_stages(model: str, jpegs: Sequence[bytes], spaces: Sequence[ParkingSpace]) -> dict[str, float]:
    """CPU seconds a frame of decoding, inference, tracking and matching, drawing, and encoding."""
    cv2.setNumThreads(1)
    engine = load_engine(DetectorSettings(model=model, lanes=1))
    pictures = [FramePicture(jpeg, (1280, 720)) for jpeg in jpegs]
    found = [engine.detect([picture.full], 0.1)[0] for picture in pictures]
    tracker, lot = CameraTracker(0, 0.25), Lot(spaces, {}, Patience(2000, 4000), 0)
    annotator = FrameAnnotator(spaces, (1280, 720))
    clock = iter(range(0, 10**9, 100))

    def decode(number: int) -> None:
        picture = FramePicture(jpegs[number], (1280, 720))
        assert picture.thumbnail.size
        assert picture.full.size

    def infer(number: int) -> None:
        engine.detect([pictures[number].full], 0.1)

    def track(number: int) -> None:
        at_ms = next(clock)
        tracked = tracker.update(found[number][:], at_ms)
        matches, _ = lot.see(tracked, (1280, 720), at_ms)
        timings = Timings(captured_at=0, read_at=0, detected_at=0, published_at=0)
        build_metadata(
            tracked, lot.spaces, lot.statuses, matches, detector="bench", frame_id="0-0", timings=timings
        ).model_dump(by_alias=True)

    states = ["free"] * len(spaces)
    tracked_for_drawing = [CameraTracker(0, 0.25).update(one[:], 0) for one in found]

    def draw(number: int) -> None:
        annotator.annotate(pictures[number].full.copy(), tracked_for_drawing[number], states)  # type: ignore[arg-type]

    def write(number: int) -> None:
        encode(pictures[number].full, 85)

    stages: dict[str, Callable[[int], None]] = {
        "decode": decode, "infer": infer, "track": track, "draw": draw, "encode": write,
    }  # fmt: skip
    return {name: _cpu_seconds(stage, len(jpegs)) for name, stage in stages.items()}


def measure_engine(model: str, jpegs: Sequence[bytes], seconds: float) -> float:
    """Frames a second of the bare engine in a loop, with all cores to itself."""
    from concurrent.futures import ThreadPoolExecutor

    from services.detector.engines.loading import lane_count

    settings = DetectorSettings(model=model)
    engine, lanes = load_engine(settings), lane_count(settings)
    pictures = [FramePicture(jpeg, (1280, 720)).full for jpeg in jpegs]
    ends = time.monotonic() + seconds

    def loop(lane: int) -> int:
        done = 0
        while time.monotonic() < ends:
            engine.detect([pictures[(lane + done) % len(pictures)]], 0.1)
            done += 1
        return done

    with ThreadPoolExecutor(lanes) as pool:
        return sum(pool.map(loop, range(lanes))) / seconds


def _cpu_seconds(stage: Callable[[int], None], count: int) -> float:
    for number in range(3):
        stage(number % count)
    started = time.process_time()
    for number in range(ROUNDS):
        stage(number % count)
    return (time.process_time() - started) / ROUNDS
