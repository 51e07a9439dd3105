"""The detector as a real process: real frames in, viewer messages, occupancy, events and log out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from itertools import islice
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from redis.asyncio import Redis

from deploy.demo.lot.truth import Truth
from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import FrameMetadata, RawFrame
from libs.common.spaces import ParkingSpace, dump_spaces
from services.detector.pictures import encode
from services.ingest.jpeg import jpeg_size
from tests.support.processes import running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
QUICK = {
    "DETECTOR_OCCUPIED_AFTER_S": "0.2",
    "DETECTOR_FREE_AFTER_S": "0.2",
    "DETECTOR_INSPECT_EVERY_S": "1",
    "DETECTOR_LOG_INTERVAL_S": "0.2",
    "DETECTOR_JUDGE": "vehicles",
}


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    """The first frames of the demo's clip."""
    return [encode(picture, 80) for picture in islice(read_clip(ASSETS / "north.mp4"), 12)]


async def register(redis: Redis, **camera: Any) -> None:
    described = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))
    spaces = [ParkingSpace.model_validate(space) for space in described["spaces"]]
    await redis.set(keys.spaces("CAM1"), dump_spaces(spaces))
    await redis.hset(keys.CAMERAS, "CAM1", Camera(id="CAM1", name="x", url="http://h/", **camera).model_dump_json())


class Feeder:
    """Puts frames on the bus, as ingest does."""

    def __init__(self, redis: Redis, jpegs: list[bytes]) -> None:
        self._redis = redis
        self._jpegs = jpegs
        self._seq = 0

    async def send(self, jpeg: bytes | None = None, captured_at_ms: int | None = None) -> None:
        picture = self._jpegs[self._seq % len(self._jpegs)] if jpeg is None else jpeg
        self._seq += 1
        frame = RawFrame(self._seq, captured_at_ms or now_ms(), 1280, 720, picture)
        fields: Any = frame.to_fields()
        await self._redis.xadd(keys.frames("CAM1"), fields, maxlen=4, approximate=False)

    async def latest(self) -> dict[str, Any] | None:
        """Send a frame, and return the last viewer message."""
        await self.send()
        packed = await self._redis.get(keys.latest("CAM1"))
        message: dict[str, Any] | None = msgpack.unpackb(packed) if packed else None
        return message


async def status(redis: Redis) -> Any:
    return await redis.hgetall(keys.status("CAM1"))


async def test_a_frame_becomes_a_complete_message(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)
    with running("services.detector", {"REDIS_URL": redis_url, **QUICK}, tmp_path / "log") as detector:

        async def settled() -> dict[str, Any] | None:
            message = await feeder.latest()
            if message is None or any(one["state"] == "unknown" for one in message["metadata"]["space_occupancy"]):
                return None
            return message

        message = await wait_for(settled, every_s=0.1)
        metadata = message["metadata"]
        assert FrameMetadata.model_validate(metadata).model_dump(by_alias=True, mode="json") == json.loads(
            json.dumps(metadata)
        ), "complete, and nothing beside"
        assert (message["v"], message["type"], message["camera_id"]) == (1, "frame", "CAM1")
        assert jpeg_size(message["frame"]) == (1280, 720)
        assert message["frame"] not in jpegs, "annotated"
        truth = Truth.load(ASSETS / "north.truth.json")
        assert abs(metadata["vehicle_count"] - truth.vehicle_count(0)) <= 1
        occupied = {one["space_id"] for one in metadata["space_occupancy"] if one["is_occupied"]}
        assert occupied == truth.occupied_spaces(0)
        assert metadata["occupied_spaces"] == len(occupied)
        assert {one["space_id"] for one in metadata["matched_detections"]} == occupied
        assert len(set(metadata["track_ids"])) == len(metadata["track_ids"]) > 0
        timings = metadata["timings"]
        assert timings["captured_at"] <= timings["read_at"] <= timings["detected_at"] <= timings["published_at"]
        assert 0 < message["frame_count"] <= int(await redis.get(keys.count("CAM1")) or 0)
        assert 0 < await redis.ttl(keys.latest("CAM1")) <= 300
        assert len(await redis.hgetall(keys.occupancy("CAM1"))) == len(truth.space_ids)
        assert await redis.xlen(keys.events("CAM1")) == len(truth.space_ids), "unknown to free or occupied, once each"
        assert await redis.xlen(keys.log("CAM1")) > 0
        groups: Any = await redis.xinfo_groups(keys.frames("CAM1"))
        assert [(group["name"], group["pending"]) for group in groups] == [(b"detectors", 0)]
        assert detector.stop(signal.SIGINT) == 0
    assert await redis.xinfo_consumers(keys.frames("CAM1"), "detectors") == [], "it took its name away"


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has no such policy")
async def test_no_thread_of_it_interrupts_another(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """What must answer at once, on the same machine, gets its turn first."""
    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "detector.log") as service:
        await asyncio.to_thread(service.wait_for_log, "detector ready")
        threads = [int(name) for name in os.listdir(f"/proc/{service.process.pid}/task")]
        patient = [thread for thread in threads if os.sched_getscheduler(thread) == os.SCHED_BATCH]
        assert service.process.pid in patient
        assert len(patient) > 2, "the model's threads, too; not those that libraries made at their import"


async def test_a_frame_that_cannot_be_decoded_is_counted_and_skipped(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)
    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "log") as detector:
        await wait_for(feeder.latest, every_s=0.1)
        before = int(await redis.get(keys.count("CAM1")) or 0)

        async def counted() -> bool:
            await feeder.send(b"\xff\xd8 this is no picture \xff\xd9")
            return int((await status(redis)).get(b"detector_undecodable", 0)) > 0

        await wait_for(counted, every_s=0.1)
        await redis.xadd(keys.frames("CAM1"), {"nonsense": "x"})  # on its own, so that no newer one hides it
        await asyncio.to_thread(detector.wait_for_log, "lacks or garbles field")

        async def goes_on() -> bool:
            await feeder.send()
            return int(await redis.get(keys.count("CAM1")) or 0) > before + 2

        await wait_for(goes_on, every_s=0.1)
        assert detector.process.poll() is None


async def test_frames_that_are_too_old_are_dropped_and_counted(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)
    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "log"):

        async def counted() -> bool:
            await feeder.send(captured_at_ms=now_ms() - 3000)
            return int((await status(redis)).get(b"detector_too_old", 0)) > 0

        await wait_for(counted, every_s=0.1)
        assert not await redis.exists(keys.latest("CAM1"))


async def test_what_is_known_survives_a_restart_and_no_track_id_comes_twice(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)
    seen: list[set[int]] = []
    counts: list[int] = []
    for life in range(2):
        with running("services.detector", {"REDIS_URL": redis_url, **QUICK}, tmp_path / f"log{life}") as detector:

            async def tracked() -> Any:
                message: Any = await feeder.latest()
                done = message and message["metadata"]["occupied_spaces"] and message["metadata"]["track_ids"]
                return message if done and message["frame_count"] > 5 + max(counts, default=0) else None

            last: Any = await wait_for(tracked, every_s=0.1)
            seen.append(set(last["metadata"]["track_ids"]))
            counts.append(int(last["frame_count"]))
            detector.process.kill()
            detector.process.wait(5)
    assert not seen[0] & seen[1]
    events: Any = await redis.xrange(keys.events("CAM1"))
    spaces = [fields[b"space_id"] for _, fields in events]
    assert len(spaces) == len(set(spaces)), "the restart made no event"


async def test_without_pictures_the_spaces_become_unknown(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)
    environment = {"REDIS_URL": redis_url, **QUICK, "DETECTOR_UNKNOWN_AFTER_S": "1"}
    with running("services.detector", environment, tmp_path / "log"):

        async def states() -> set[str]:
            answer: Any = await redis.hgetall(keys.occupancy("CAM1"))
            return {json.loads(text)["state"] for text in answer.values()}

        async def known() -> bool:
            await feeder.send()
            return {"occupied", "free"} == await states()

        await wait_for(known, every_s=0.1)

        async def unknown() -> bool:
            return {"unknown"} == await states()

        await wait_for(unknown)


async def test_a_covered_lens_makes_the_spaces_unknown_once_they_were_held(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)
    covered = encode(np.full((720, 1280, 3), 12, np.uint8), 80)
    environment = {"REDIS_URL": redis_url, **QUICK, "DETECTOR_HOLD_S": "8"}
    with running("services.detector", environment, tmp_path / "log"):

        async def states(jpeg: bytes | None) -> set[str]:
            await feeder.send(jpeg)
            answer: Any = await redis.hgetall(keys.occupancy("CAM1"))
            return {json.loads(text)["state"] for text in answer.values()}

        async def known() -> bool:
            return await states(None) == {"occupied", "free"}

        async def unknown() -> bool:
            return await states(covered) == {"unknown"}

        await wait_for(known, every_s=0.1)
        assert await states(covered) == {"occupied", "free"}, "nothing can be said of them: they keep their states"
        await wait_for(unknown, every_s=0.1)
        await wait_for(known, every_s=0.1)
        events: Any = await redis.xrange(keys.events("CAM1"))
        reasons = {fields[b"reason"] for _, fields in events}
        assert reasons == {b"first look", b"view lost", b"view regained"}


async def test_a_cameras_motion_gate_is_switched_off_and_on_while_it_runs(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs[:1])

    async def counted() -> tuple[int, int]:
        answer = await status(redis)
        return int(answer.get(b"detector_frames", 0)), int(answer.get(b"detector_still", 0))

    async def rests() -> bool:
        await feeder.send()
        return (await counted())[1] > at_first

    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "log"):
        at_first = 0
        await wait_for(rests, every_s=0.1)
        await register(redis, motion_threshold=0)

        since = [await counted()]

        async def works() -> bool:
            """Whether the model saw all of at least ten frames in a row."""
            await feeder.send()
            frames, still = await counted()
            if still != since[-1][1]:
                since.append((frames, still))
            return frames >= since[-1][0] + 10

        await wait_for(works, every_s=0.1)
        await register(redis, motion_threshold=20)
        at_first = (await counted())[1]
        await wait_for(rests, every_s=0.1)


async def test_pictures_are_drawn_only_while_somebody_watches(
    redis: Redis, redis_url: str, tmp_path: Path, jpegs: list[bytes]
) -> None:
    await register(redis)
    feeder = Feeder(redis, jpegs)

    async def shown_in(frames: int) -> int:
        before = int(await redis.get(keys.count("CAM1")) or 0)
        for _ in range(frames):
            await feeder.send()
            await asyncio.sleep(0.1)
        return int(await redis.get(keys.count("CAM1")) or 0) - before

    with running("services.detector", {"REDIS_URL": redis_url, **QUICK}, tmp_path / "log"):
        await wait_for(feeder.latest, every_s=0.1)
        began_s = time.monotonic()
        shown = await shown_in(30)
        assert 2 <= shown <= time.monotonic() - began_s + 3, "about one a second, for `latest`"
        async with redis.pubsub() as viewer:
            await viewer.subscribe(keys.live("CAM1"))

            async def live() -> bool:
                return await shown_in(5) >= 4

            await wait_for(live)


async def test_redis_goes_and_comes_back(own_redis_server: RedisServer, tmp_path: Path, jpegs: list[bytes]) -> None:
    with running("services.detector", {"REDIS_URL": own_redis_server.url}, tmp_path / "log") as detector:
        async with Redis.from_url(own_redis_server.url) as redis:
            await register(redis)
            feeder = Feeder(redis, jpegs)
            await wait_for(feeder.latest, every_s=0.1)
        own_redis_server.stop()
        detector.wait_for_log("cannot read frames")
        own_redis_server.start()
        async with Redis.from_url(own_redis_server.url) as redis:
            await register(redis)
            feeder = Feeder(redis, jpegs)
            await wait_for(feeder.latest, every_s=0.1)


def test_a_model_that_is_not_there_stops_the_start(redis_url: str, tmp_path: Path) -> None:
    environment = {"REDIS_URL": redis_url, "DETECTOR_MODEL": "/nowhere/model.onnx"}
    with running("services.detector", environment, tmp_path / "log") as detector:
        assert detector.process.wait(30) == 2
        assert "DETECTOR_MODEL: /nowhere/model.onnx does not exist" in detector.log
