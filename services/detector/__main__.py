"""`python -m services.detector`: settings → resources → parts → run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from functools import partial

import cv2

from libs.common.bus import connect, process_id, wait_for_redis
from libs.common.errors import EngineError, LotcastError
from libs.common.leases import Leases
from libs.common.load import report_load
from libs.common.logging import configure_logging, get_logger
from libs.common.monitoring.metrics import LeaseCollector
from libs.common.monitoring.server import monitoring
from libs.common.settings import read_settings
from libs.common.shutdown import run_until_stopped, stop_on_signals
from services.detector.audience import watch_audience
from services.detector.engines.base import Engine
from services.detector.engines.loading import engine_for_frames, lane_count, load_engine, wants_gpu
from services.detector.engines.timed import TimedEngine
from services.detector.gpus import Gpu, leased_gpu, list_gpus
from services.detector.inspector import Inspector
from services.detector.lanes import Lanes
from services.detector.looking import Looker
from services.detector.machine import keep_freed_memory, keep_what_was_loaded, work_in_long_slices
from services.detector.mailbox import Mailbox
from services.detector.metrics import DetectorMetrics
from services.detector.publisher import Publisher
from services.detector.reader import FrameReader
from services.detector.roster import Roster
from services.detector.settings import DetectorSettings

_log = get_logger("detector")


async def run(settings: DetectorSettings, engine: Engine, detector: str) -> None:
    """Run the detector, called `detector`, until a signal stops it.

    Raises:
        LotcastError: it could not start.
    """
    stop = stop_on_signals()
    lanes = lane_count(settings, engine.batch_max)
    _log.info("model loaded", engine=engine.description, lanes=lanes)
    if settings.model == "demo":
        _log.warning("this model knows the rendered demo only; real cameras want a COCO model: set DETECTOR_MODEL")
    metrics = DetectorMetrics()
    redis = connect(settings.redis, on_round_trip=metrics.round_trips)
    reading = connect(settings.redis, answer_timeout_s=10.0, max_connections=1)
    mailbox = Mailbox()
    publisher = Publisher(redis, settings, detector)
    leases = Leases(redis, "detector", detector, settings.lease_timeout_s)
    roster = Roster(redis, leases, publisher, mailbox, settings)
    reader = FrameReader(reading, detector, roster.cameras.keys, mailbox, metrics)
    # A camera's next frame comes after this one's batch: more than one a camera, or a lane, need not be waited for.
    shared = engine_for_frames(engine, settings, metrics.observe_inference, lambda: min(lanes, len(roster.cameras)))
    closer = TimedEngine(engine, partial(metrics.observe_inference, kind="inspection"))
    looker, inspector = Looker(shared, settings), Inspector(closer, settings)
    work = Lanes(looker, inspector, mailbox, roster.cameras, publisher, settings, lanes, metrics)
    metrics.registry.register(LeaseCollector(leases))
    try:
        async with monitoring(settings, metrics.registry, [leases.pulse, roster.pulse]):
            await wait_for_redis(redis, settings.redis, stop)
            audience = watch_audience(redis, roster.cameras, stop)
            parts = [
                leases.run(stop),
                roster.run(stop),
                reader.run(stop),
                work.run(stop),
                inspector.run(stop),
                audience,
                report_load(redis, "detector", detector, lambda: {"cameras": len(leases.held())}, stop),
            ]
            keep_what_was_loaded()
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
    keep_freed_memory()
    work_in_long_slices()
    cv2.setNumThreads(1)  # the lanes are the parallelism; OpenCV's own threads would fight them for the cores
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
