"""Callers at the same time share one run of the model, and each gets its own picture's vehicles, or its own failure."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.errors import EngineError
from libs.common.messages import RawFrame
from services.detector.engines.base import Engine, Picture, make_detections
from services.detector.engines.batching import BatchingEngine
from services.detector.engines.loading import core_count, engine_for_frames, load_engine, worker_count
from services.detector.engines.timed import TimedEngine
from services.detector.pictures import encode
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.detector.in_batches import PretendedBatches
from tests.monitoring.scraping import Scrape, scrape
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.waiting import wait_for

BAD = 255
LONG_S = 60.0
Calls = list[Future[list[sv.Detections]]]


def picture(number: int, shape: tuple[int, int] = (4, 4)) -> Picture:
    """A picture that the pretended model takes for so many vehicles."""
    return np.full((*shape, 3), number, np.uint8)


class PretendedModel:
    """Counts instead of looking; stands for a model on a GPU.

    Attributes:
        batches: what it was given, batch by batch, and at what confidence.
        is_open: while it is not set, runs do not end.
        failures: what the next runs raise, None where one ends well.
    """

    def __init__(self, batch_max: int) -> None:
        self.batch_max = batch_max
        self.description = "pretended"
        self.input_size = (4, 4)
        self.batches: list[tuple[list[int], float]] = []
        self.is_open = threading.Event()
        self.is_open.set()
        self.failures: list[BaseException | None] = []

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        numbers = [int(one[0, 0, 0]) for one in pictures]
        self.batches.append((numbers, confidence))
        assert self.is_open.wait(10), "the test forgot it"
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        if BAD in numbers:
            raise EngineError(f"one of {len(numbers)} is bad")
        return [make_detections(np.zeros((n, 4)), np.full(n, 0.5), np.full(n, "car", object)) for n in numbers]


class Callers:
    """Threads that call."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    async def hold(self, model: PretendedModel, batching: BatchingEngine) -> Calls:
        """One call, which keeps the model busy until it is opened."""
        model.is_open.clear()
        before = len(model.batches)
        held = self.call(batching, 0)
        await wait_for(lambda: len(model.batches) > before)
        return held

    def call(self, engine: Engine, *numbers: int, confidence: float = 0.1, shape: tuple[int, int] = (4, 4)) -> Calls:
        """A call for each number, at the same time."""
        return [self._pool.submit(engine.detect, [picture(number, shape)], confidence) for number in numbers]

    async def queue(self, batching: BatchingEngine, *numbers: int, **how: Any) -> Calls:
        """A call for each number, one after the other, while the model is busy; all wait when this is over."""
        calls: Calls = []
        for number in numbers:
            waiting = batching.waiting
            calls += self.call(batching, number, **how)
            await wait_for(lambda waiting=waiting: batching.waiting == waiting + 1)
        return calls


def found(calls: Calls) -> list[int]:
    """How many vehicles each was told of."""
    return [len(answer) for call in calls for answer in call.result(10)]


@pytest.fixture
def callers() -> Iterator[Callers]:
    with ThreadPoolExecutor(16) as pool:
        yield Callers(pool)


def all_lanes(count: int) -> Callable[[], int]:
    return lambda: count


async def test_those_that_come_while_the_model_is_busy_are_the_next_batches(callers: Callers) -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, 0, all_lanes(16))
    held = await callers.hold(model, batching)
    calls = await callers.queue(batching, 1, 2, 3, 4, 5, 6)
    model.is_open.set()
    assert found(held + calls) == [0, 1, 2, 3, 4, 5, 6]
    assert model.batches == [([0], 0.1), ([1, 2, 3, 4], 0.1), ([5, 6], 0.1)]
    assert batching.waiting == 0


def test_a_batch_waits_for_more_but_not_once_all_are_in(callers: Callers) -> None:
    model = PretendedModel(batch_max=8)
    calls = callers.call(BatchingEngine(model, LONG_S, all_lanes(3)), 1, 2, 3)
    assert found(calls) == [1, 2, 3]
    assert [sorted(numbers) for numbers, _ in model.batches] == [[1, 2, 3]]


def test_a_batch_waits_for_more_but_not_once_it_is_full(callers: Callers) -> None:
    model = PretendedModel(batch_max=2)
    calls = callers.call(BatchingEngine(model, LONG_S, all_lanes(16)), 1, 2, 3, 4)
    assert found(calls) == [1, 2, 3, 4]
    assert [len(numbers) for numbers, _ in model.batches] == [2, 2]


def test_nobody_waits_where_nobody_else_can_come() -> None:
    model = PretendedModel(batch_max=8)
    for cameras in (1, 0):
        assert len(BatchingEngine(model, LONG_S, all_lanes(cameras)).detect([picture(3)], 0.1)[0]) == 3


def test_the_wait_has_its_end_and_0_is_no_wait() -> None:
    model = PretendedModel(batch_max=8)
    started = time.monotonic()
    BatchingEngine(model, 0.2, all_lanes(8)).detect([picture(1)], 0.1)
    assert 0.2 <= time.monotonic() - started < 5
    started = time.monotonic()
    for _ in range(100):
        BatchingEngine(model, 0, all_lanes(8)).detect([picture(1)], 0.1)
    assert time.monotonic() - started < 5


async def test_the_wait_begins_when_a_picture_comes_not_when_the_model_is_free(callers: Callers) -> None:
    wait_s = 1.0
    model, coming = PretendedModel(batch_max=8), [1]
    batching = BatchingEngine(model, wait_s, lambda: coming[0])
    held = await callers.hold(model, batching)
    coming[0] = 8
    calls = await callers.queue(batching, 5)
    came_at_s = time.monotonic()
    await wait_for(lambda: time.monotonic() > came_at_s + wait_s)
    model.is_open.set()
    opened_at_s = time.monotonic()
    assert found(held + calls) == [0, 5]
    assert time.monotonic() - opened_at_s < wait_s / 2


async def test_confidences_do_not_mix_and_the_eldest_goes_first(callers: Callers) -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, 0, all_lanes(16))
    held = await callers.hold(model, batching)
    calls = await callers.queue(batching, 1, confidence=0.5)
    calls += await callers.queue(batching, 2, 3, confidence=0.1)
    calls += await callers.queue(batching, 4, confidence=0.5)
    model.is_open.set()
    assert found(held + calls) == [0, 1, 2, 3, 4]
    assert model.batches[1:] == [([1, 4], 0.5), ([2, 3], 0.1)]


async def test_shapes_do_not_mix_but_resolutions_do(callers: Callers) -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, 0, all_lanes(16))
    held = await callers.hold(model, batching)
    calls = await callers.queue(batching, 1, shape=(360, 640))
    calls += await callers.queue(batching, 2, shape=(480, 640))
    calls += await callers.queue(batching, 3, shape=(540, 960))
    calls += await callers.queue(batching, 4, shape=(640, 360))
    model.is_open.set()
    assert found(held + calls) == [0, 1, 2, 3, 4]
    assert [numbers for numbers, _ in model.batches[1:]] == [[1, 3], [2], [4]]


async def test_a_bad_picture_fails_its_own_caller_only(callers: Callers) -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, 0, all_lanes(16))
    held = await callers.hold(model, batching)
    good, bad = await callers.queue(batching, 1, 2), await callers.queue(batching, BAD)
    model.is_open.set()
    assert found(held + good) == [0, 1, 2]
    with pytest.raises(EngineError, match="one of 1 is bad"):
        found(bad)
    assert [numbers for numbers, _ in model.batches] == [[0], [1, 2, BAD], [1], [2], [BAD]]
    assert found(callers.call(batching, 7)) == [7], "it goes on"


async def test_a_batch_that_fails_once_is_answered_all_the_same(callers: Callers) -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, 0, all_lanes(16))
    held = await callers.hold(model, batching)
    calls = await callers.queue(batching, 1, 2)
    model.failures = [None, EngineError("out of memory")]
    model.is_open.set()
    assert found(held + calls) == [0, 1, 2]
    assert [numbers for numbers, _ in model.batches] == [[0], [1, 2], [1], [2]]


@pytest.mark.parametrize("death", [ValueError("a bug"), SystemExit()], ids=["bug", "exit"])
async def test_where_the_leader_dies_nobody_hangs(callers: Callers, death: BaseException) -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, 0, all_lanes(16))
    held = await callers.hold(model, batching)
    calls = await callers.queue(batching, 1, 2, 3, 4, 5, 6)
    model.failures = [None, death]
    model.is_open.set()
    assert found(held) == [0]
    failures = [call.exception(10) for call in calls]
    leader = failures.index(death)
    for number, failure in enumerate(failures):
        if number != leader:
            assert isinstance(failure, EngineError) if number < 4 else failure is None
    assert batching.waiting == 0
    assert found(callers.call(batching, 7)) == [7], "another one leads"


async def test_a_dead_leader_leaves_nothing_behind() -> None:
    def fail() -> int:
        raise ValueError("a bug")

    batching = BatchingEngine(PretendedModel(batch_max=4), 0, fail)
    for _ in range(2):  # the second one is not kept waiting by the first
        with pytest.raises(ValueError, match="a bug"):
            batching.detect([picture(1)], 0.1)
    assert batching.waiting == 0


def test_an_engine_that_answers_too_little_is_noticed() -> None:
    class Forgetful(PretendedModel):
        def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
            return super().detect(pictures, confidence)[:-1]

    with pytest.raises(ValueError, match="shorter"):
        BatchingEngine(Forgetful(batch_max=4), 0, all_lanes(1)).detect([picture(1)], 0.1)


def test_a_call_of_several_pictures_is_a_batch_already() -> None:
    model = PretendedModel(batch_max=4)
    batching = BatchingEngine(model, LONG_S, all_lanes(16))
    assert [len(one) for one in batching.detect([picture(1), picture(2)], 0.1)] == [1, 2]
    assert batching.detect([], 0.1) == []
    assert (batching.batch_max, batching.input_size, batching.description) == (4, (4, 4), "pretended")


def test_each_run_of_the_model_is_told_once_with_its_size() -> None:
    told: list[tuple[float, int]] = []
    model = PretendedModel(batch_max=2)
    timed = TimedEngine(model, lambda seconds, pictures: told.append((seconds, pictures)))
    started = time.perf_counter()
    assert [len(one) for one in timed.detect([picture(n) for n in (3, 4, 5)], 0.2)] == [3, 4, 5]
    assert 0 < sum(seconds for seconds, _ in told) <= time.perf_counter() - started
    assert [pictures for _, pictures in told] == [2, 1]
    assert model.batches == [([3, 4], 0.2), ([5], 0.2)]
    with pytest.raises(EngineError):
        timed.detect([picture(BAD)], 0.2)
    assert len(told) == 2


def test_only_an_engine_that_gains_by_batches_is_given_them() -> None:
    settings = DetectorSettings(batch_wait_ms=200)
    told: list[int] = []
    took_s = []
    for batch_max in (1, 2):
        engine = engine_for_frames(PretendedModel(batch_max), settings, lambda _, n: told.append(n), all_lanes(2))
        started = time.monotonic()
        assert len(engine.detect([picture(2)], 0.1)[0]) == 2
        took_s.append(time.monotonic() - started)
    assert told == [1, 1]
    assert took_s[0] < 0.2 <= took_s[1], "as long as the setting says"


async def test_an_engine_that_takes_single_pictures_takes_them_side_by_side(callers: Callers) -> None:
    model = PretendedModel(batch_max=1)
    engine = engine_for_frames(model, DetectorSettings(), lambda *_: None, all_lanes(2))
    model.is_open.clear()
    calls = callers.call(engine, 1, 2)
    await wait_for(lambda: len(model.batches) == 2)
    model.is_open.set()
    assert found(calls) == [1, 2]


def test_there_are_lanes_for_a_batch_and_for_the_next_one() -> None:
    cores, settings = core_count(), DetectorSettings()
    assert worker_count(settings) == worker_count(settings, 1) == cores + 3
    for batch_max in (2, 4, 8):
        assert worker_count(settings, batch_max) >= max(2 * batch_max, batch_max + cores + 3)
    assert worker_count(settings, 1000) == 64
    assert worker_count(DetectorSettings(workers=3), 8) == 3


def demo_pictures(count: int) -> list[Picture]:
    """Pictures of the demo's clip that differ."""
    return list(islice(read_clip(DEMO_MODEL.parent / "north.mp4"), 100, 100 + 20 * count, 20))


def test_a_real_model_finds_in_batches_what_it_finds_alone(callers: Callers) -> None:
    model: Engine = load_engine(DetectorSettings())
    pictures = demo_pictures(12)
    alone = [model.detect([one], 0.1)[0] for one in pictures]
    assert len({len(one) for one in alone}) > 1, "they could be mixed up"
    pretended = PretendedBatches(model, 4)
    batching = BatchingEngine(pretended, LONG_S, all_lanes(12))
    all_are_here = threading.Barrier(12)

    def call(one: Picture) -> sv.Detections:
        all_are_here.wait(10)
        return batching.detect([one], 0.1)[0]

    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(call, pictures))
    assert pretended.sizes == [4, 4, 4]
    for one, other in zip(together, alone, strict=True):
        assert one == other


CAMERAS = [f"CAM{number}" for number in range(6)]


async def test_the_service_gives_the_model_frames_of_several_cameras_at_once(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    jpegs = [encode(one, 80) for one in demo_pictures(2)]
    for camera_id in CAMERAS:
        camera = Camera(id=camera_id, name="x", url="http://h/", motion_threshold=0)
        await redis.hset(keys.CAMERAS, camera_id, camera.model_dump_json())
    port = free_port()
    environment = {"REDIS_URL": redis_url, "DETECTOR_METRICS_PORT": str(port)}
    sent = 0

    async def feed() -> None:
        nonlocal sent
        sent += 1
        for camera_id in CAMERAS:
            fields: Any = RawFrame(sent, now_ms(), 1280, 720, jpegs[sent % 2]).to_fields()
            await redis.xadd(keys.frames(camera_id), fields, maxlen=4, approximate=False)

    def runs(told: Scrape) -> float:
        return told.sum("lotcast_inference_batch_size_count", kind="frame")

    async def full_batches() -> Scrape | None:
        """Whether the model had some batches of four, and every camera's frames went on from there."""
        await feed()
        told = await scrape(f"http://127.0.0.1:{port}")
        full = runs(told) - told.sum("lotcast_inference_batch_size_bucket", kind="frame", le="2.0")
        published = await redis.exists(*(keys.latest(camera_id) for camera_id in CAMERAS))
        return told if full >= 5 and published == len(CAMERAS) else None

    async def settled() -> Scrape | None:
        """Whether each frame that was looked at was in one batch, once no more come."""
        told = await scrape(f"http://127.0.0.1:{port}")
        pictures = told.sum("lotcast_inference_batch_size_sum", kind="frame")
        return told if pictures == told.sum("lotcast_frames_total", stage="detect", outcome="new") else None

    with running("tests.detector.in_batches", environment, tmp_path / "log", "4") as detector:
        detector.wait_for_log("detector ready")
        began_at_s = time.monotonic()
        await wait_for(full_batches, every_s=0.05)
        told = await wait_for(settled)
        assert runs(told) == told.sum("lotcast_inference_seconds_count", kind="frame")
        assert runs(told) < told.sum("lotcast_inference_batch_size_sum", kind="frame")
        assert told.sum("lotcast_inference_batch_size_bucket", kind="frame", le="4.0") == runs(told), "none is larger"
        assert told.sum("lotcast_inference_seconds_sum", kind="frame") <= time.monotonic() - began_at_s, "one at a time"
        started = next(json.loads(line) for line in detector.log.splitlines() if "model loaded" in line)
        assert started["workers"] >= 8
        assert detector.stop() == 0
