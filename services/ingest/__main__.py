"""`python -m services.ingest`: settings → resources → parts → run."""

from __future__ import annotations

import asyncio
import os

from libs.common.bus import HashFields, connect, process_id, wait_for_redis
from libs.common.errors import LotcastError
from libs.common.leases import Leases
from libs.common.load import report_load
from libs.common.logging import configure_logging, get_logger
from libs.common.monitoring.metrics import LeaseCollector
from libs.common.monitoring.server import monitoring
from libs.common.process_memory import freeze_loaded_objects, keep_freed_memory
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from libs.common.settings import read_settings
from libs.common.shutdown import end_process, run_until_stopped, stop_on_signals
from libs.common.system.drops import drops_to_text
from services.ingest.camera_manager import CameraManager
from services.ingest.cameras_file import CameraEntry, read_entries
from services.ingest.directory import CameraDirectory
from services.ingest.frame_writer import FrameWriter
from services.ingest.metrics import CameraCollector, IngestMetrics
from services.ingest.probe import ProbeWorker
from services.ingest.settings import IngestSettings

_log = get_logger("ingest")


async def run(settings: IngestSettings, entries: list[CameraEntry]) -> None:
    """Run ingest until a signal stops it.

    Raises:
        LotcastError: it could not start.
    """
    stop = stop_on_signals()
    owner = process_id("ingest")
    metrics = IngestMetrics()
    redis = connect(settings.redis, on_round_trip=metrics.round_trips)
    memory, clock = RedisMemoryWatch(redis), RedisClock(redis)
    writer = FrameWriter(redis, metrics.frames, clock)
    leases = Leases(redis, "ingest", owner, settings.lease_timeout_s)
    camera_manager = CameraManager(redis, CameraDirectory(redis, entries), leases, writer, settings, metrics.frames)
    probe_worker = ProbeWorker(redis, settings)

    def carried() -> HashFields:
        return {"cameras": len(leases.held()), "dropped": drops_to_text(metrics.frames.dropped())}

    for collector in (LeaseCollector(leases), CameraCollector(camera_manager), memory, clock):
        metrics.registry.register(collector)
    try:
        async with monitoring(settings, metrics.registry, [leases.liveness, *camera_manager.liveness_checks]):
            await wait_for_redis(redis, settings.redis, stop)
            await clock.sync()
            _log.info("ingest ready", ingest=owner)
            load = report_load(redis, "ingest", owner, carried, clock, stop)
            parts = [
                leases.run(stop),
                camera_manager.run(stop),
                writer.run(stop),
                probe_worker.run(stop),
                memory.run(stop),
                clock.run(stop),
                load,
            ]
            await run_until_stopped(parts, stop)
    finally:
        await redis.aclose()
    _log.info("ingest stopped")


def main() -> int:
    """Entry point; returns the exit code."""
    settings = read_settings(IngestSettings, "python -m services.ingest")
    configure_logging(settings, "ingest")
    try:
        entries = read_entries(settings.cameras_file, settings.cameras)
    except LotcastError as error:
        _log.error("ingest cannot start", problem=str(error))
        return 2
    keep_freed_memory(len(os.sched_getaffinity(0)))
    freeze_loaded_objects()
    try:
        asyncio.run(run(settings, entries))
    except LotcastError as error:
        _log.error("ingest cannot run", problem=str(error))
        return 1
    return 0


if __name__ == "__main__":
    end_process(main())
