"""What each stage of the detector costs alone, in one thread: CPU seconds a frame."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2

from libs.common.messages import FrameMetadata, Timings
from libs.common.spaces import ParkingSpace
from services.detector.camera import AnnotatedFrame
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.engines.loading import load_engine
from services.detector.metadata import build_metadata
from services.detector.occupancy.hysteresis import Patience
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture, encode
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker
from tests.bench.detector.bus import measure_bus

ROUNDS = 60


def measure_stages(model: str, jpegs: Sequence[bytes], spaces: Sequence[ParkingSpace]) -> dict[str, float]:
    """CPU seconds a frame of reading, decoding, inference, tracking and matching, drawing, encoding, and publishing."""
    cv2.setNumThreads(1)
    engine = load_engine(DetectorSettings(model=model, lanes=1))
    pictures = [FramePicture(jpeg, (1280, 720)) for jpeg in jpegs]
    seen = [picture.for_model(engine.input_size, full_is_needed=True) for picture in pictures]
    found = [engine.detect([one], 0.1)[0] for one in seen]
    for one, small in zip(found, seen, strict=True):
        one.xyxy = one.xyxy * (1280 / small.shape[1])
    tracker, lot = CameraTracker(0, 0.25), Lot(spaces, {}, Patience(2000, 4000), 0)
    annotator = FrameAnnotator(spaces, (1280, 720))
    clock = iter(range(0, 10**9, 100))

    def decode(number: int) -> None:
        picture = FramePicture(jpegs[number], (1280, 720))
        picture.for_model(engine.input_size, full_is_needed=True)
        assert picture.thumbnail.size

    def infer(number: int) -> None:
        engine.detect([seen[number]], 0.1)

    def track(number: int) -> FrameMetadata:
        at_ms = next(clock)
        tracked = tracker.update(found[number][:], at_ms)
        matches, _ = lot.see(tracked, (1280, 720), at_ms)
        timings = Timings(captured_at=0, read_at=0, detected_at=0, published_at=0)
        return build_metadata(
            tracked, lot.spaces, lot.statuses, matches, detector="bench", frame_id="0-0", timings=timings
        )

    states = ["free"] * len(spaces)
    following = CameraTracker(0, 0.25)
    tracked_for_drawing = [following.update(one[:], 100 * number) for number, one in enumerate(found)]
    copies = [picture.full.copy() for picture in pictures]

    def draw(number: int) -> None:
        annotator.annotate(copies[number], tracked_for_drawing[number], states)  # type: ignore[arg-type]

    def write(number: int) -> None:
        encode(pictures[number].full, 85)

    frames = [AnnotatedFrame(encode(one, 85), track(number)) for number, one in enumerate(copies)]
    bus = asyncio.run(measure_bus(jpegs, frames, spaces))
    stages: dict[str, Callable[[int], Any]] = {
        "decode": decode, "infer": infer, "track": track, "draw": draw, "encode": write,
    }  # fmt: skip
    work = {name: _cpu_seconds(stage, len(jpegs)) for name, stage in stages.items()}
    return {"read": bus["read"], **work, "publish": bus["publish"]}


def measure_engine(model: str, jpegs: Sequence[bytes], seconds: float) -> float:
    """Frames a second of the bare engine in a loop, with all cores to itself."""
    from concurrent.futures import ThreadPoolExecutor

    from services.detector.engines.loading import lane_count

    settings = DetectorSettings(model=model)
    engine, lanes = load_engine(settings), lane_count(settings)
    pictures = [FramePicture(jpeg, (1280, 720)).for_model(engine.input_size, full_is_needed=True) for jpeg in jpegs]
    ends = time.monotonic() + seconds

    def loop(lane: int) -> int:
        done = 0
        while time.monotonic() < ends:
            engine.detect([pictures[(lane + done) % len(pictures)]], 0.1)
            done += 1
        return done

    with ThreadPoolExecutor(lanes) as pool:
        return sum(pool.map(loop, range(lanes))) / seconds


def _cpu_seconds(stage: Callable[[int], Any], count: int) -> float:
    for number in range(3):
        stage(number % count)
    started = time.process_time()
    for number in range(ROUNDS):
        stage(number % count)
    return (time.process_time() - started) / ROUNDS
