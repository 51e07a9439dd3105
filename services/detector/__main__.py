"""`python -m services.detector`: settings → resources → parts → run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from functools import partial

import cv2

from libs.common.bus import HashFields, connect, process_id, wait_for_redis
from libs.common.errors import EngineError, LotcastError
from libs.common.leases import Leases
from libs.common.load import report_load
from libs.common.logging import configure_logging, get_logger
from libs.common.monitoring.metrics import LeaseCollector
from libs.common.monitoring.server import monitoring
from libs.common.process_memory import freeze_loaded_objects, keep_freed_memory
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from libs.common.settings import read_settings
from libs.common.shutdown import run_until_stopped, stop_on_signals
from libs.common.system.drops import drops_to_text
from services.detector.camera_manager import CameraManager
from services.detector.crop_writer import CropWriter
from services.detector.engines.base import Engine
from services.detector.engines.loading import core_count, engine_for_frames, load_engine, wants_gpu, worker_count
from services.detector.engines.timed import TimedEngine
from services.detector.full_frame import FullFrameInference
from services.detector.gpus import Gpu, leased_gpu, list_gpus
from services.detector.judge.loading import load_judge
from services.detector.judging import JudgingQueue
from services.detector.latest_frames import LatestFrames
from services.detector.metrics import DetectorMetrics, ViewCollector
from services.detector.pipeline import Pipeline
from services.detector.process import DetectorProcess
from services.detector.process_tuning import use_batch_scheduling
from services.detector.proposals.proposer import run_proposer
from services.detector.publisher import Publisher
from services.detector.reader import FrameReader
from services.detector.settings import DetectorSettings
from services.detector.subscribers import watch_subscribers

_log = get_logger("detector")


async def run(settings: DetectorSettings, engine: Engine, detector: str) -> None:
    """Run the detector, called `detector`, until a signal stops it.

    Raises:
        LotcastError: it could not start.
    """
    stop = stop_on_signals()
    workers = worker_count(settings, engine.batch_max)
    _log.info("model loaded", engine=engine.description, workers=workers)
    if settings.model == "demo":
        _log.warning("this model knows the rendered demo only; real cameras want a COCO model: set DETECTOR_MODEL")
    metrics = DetectorMetrics()
    redis = connect(settings.redis, on_round_trip=metrics.round_trips)
    reading = connect(settings.redis, answer_timeout_s=10.0, max_connections=1)
    latest_frames = LatestFrames()
    memory, clock = RedisMemoryWatch(redis), RedisClock(redis)
    process = DetectorProcess(detector, settings, metrics, clock, memory)
    publisher = Publisher(redis, process)
    leases = Leases(redis, "detector", detector, settings.lease_timeout_s)
    camera_manager = CameraManager(redis, leases, publisher, latest_frames, process)
    reader = FrameReader(reading, camera_manager.cameras, latest_frames, process)
    # A camera's next frame comes after this one's batch: more than one a camera, or a worker, need not be waited for.
    shared = engine_for_frames(
        engine, settings, metrics.observe_inference, lambda: min(workers, len(camera_manager.cameras))
    )
    full_frame = FullFrameInference(shared, settings.track_confidence, settings.frame_max_pixels)
    tiled_engine = TimedEngine(engine, partial(metrics.observe_inference, kind="inspection"))
    judge = load_judge(settings, tiled_engine)
    _log.info("judge loaded", judge=judge.description)
    judging = JudgingQueue(judge)

    def carried() -> HashFields:
        return {"cameras": len(leases.held()), "dropped": drops_to_text(metrics.frames.dropped())}

    pipeline = Pipeline(full_frame, judging, publisher, camera_manager.cameras, process)
    for collector in (LeaseCollector(leases), ViewCollector(camera_manager), clock):
        metrics.registry.register(collector)
    try:
        async with monitoring(settings, metrics.registry, [leases.liveness, camera_manager.liveness]):
            await wait_for_redis(redis, settings.redis, stop)
            await clock.sync()
            parts = [
                leases.run(stop),
                camera_manager.run(stop),
                reader.run(stop),
                pipeline.run(latest_frames, workers, stop),
                judging.run(stop),
                CropWriter(redis, camera_manager.cameras, process).run(stop),
                run_proposer(camera_manager.cameras, stop),
                watch_subscribers(redis, camera_manager.cameras, stop),
                memory.run(stop),
                clock.run(stop),
                report_load(redis, "detector", detector, carried, clock, stop),
            ]
            freeze_loaded_objects()
            _log.info("detector ready", detector=detector)
            await run_until_stopped(parts, stop)
    finally:
        await redis.aclose()
        await reading.aclose()
    _log.info("detector stopped")


async def run_on_gpu(settings: DetectorSettings, gpus: Sequence[Gpu], detector: str) -> None:
    """Run the detector on that GPU which the fewest others use.

    Raises:
        LotcastError: it could not start.
    """
    redis = connect(settings.redis, max_connections=1)
    try:
        await wait_for_redis(redis, settings.redis, asyncio.Event())
        async with leased_gpu(redis, detector, settings.lease_timeout_s, gpus) as gpu:
            on_gpu = settings.model_copy(update={"device": gpu.device})
            await run(on_gpu, await asyncio.to_thread(load_engine, on_gpu), detector)
    finally:
        await redis.aclose()


def main() -> int:
    """Entry point; returns the exit code."""
    settings = read_settings(DetectorSettings, "python -m services.detector")
    configure_logging(settings, "detector")
    keep_freed_memory(core_count())
    use_batch_scheduling()
    cv2.setNumThreads(1)  # the workers are the parallelism; OpenCV's own threads would fight them for the cores
    detector = process_id("detector")
    gpus = list_gpus() if wants_gpu(settings) else []
    try:
        if gpus:
            asyncio.run(run_on_gpu(settings, gpus, detector))
        else:
            asyncio.run(run(settings, load_engine(settings), detector))
    except EngineError as error:
        _log.error("detector cannot start", problem=str(error))
        return 2
    except LotcastError as error:
        _log.error("detector cannot run", problem=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
