"""Lotcast on one machine: redis-server, ingest, detector and gateway, with cameras of one's own or the demo's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from redis.asyncio import Redis

from deploy.local.data_folder import claimed
from deploy.local.listening import check_can_listen, free_port, url_of
from deploy.local.process import Service
from deploy.local.redis_binary import find_redis_server
from deploy.local.storage_watch import StorageWatch
from deploy.local.supervisor import Stage, show, supervise
from libs.common import keys
from libs.common.bus import connect, wait_for_redis
from libs.common.errors import ConfigurationError
from libs.common.redis_address import RedisAddress
from libs.common.run_folder import RunningSystem, run_folder, tell, write_private
from libs.common.shutdown import stop_on_signals
from services.detector.settings import DetectorSettings
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings

GATEWAY_READY_S = 60.0
FIRST_PICTURE_S = 60.0


@dataclass(frozen=True, slots=True)
class Installation:
    """What to run on this machine.

    Attributes:
        cameras: entries as in a cameras file: id, url, and perhaps name, fps, spaces.
        data_folder: where Redis keeps what must outlive a restart; None keeps nothing.
        sources: further services that must run before the cameras are read: the demo's simulated cameras.
        detector_environment: settings of the detector.
        notice: a sentence for the user before anything starts.
    """

    cameras: Sequence[Mapping[str, Any]]
    data_folder: Path | None = None
    sources: Sequence[Service] = ()
    detector_environment: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None


async def run_installation(installation: Installation) -> None:
    """Run it until SIGINT, SIGTERM, SIGHUP or SIGQUIT.

    Raises:
        ConfigurationError: it cannot start; the text says what to do.
    """
    stop = stop_on_signals()
    gateway = checked_settings()
    given = bool(os.environ.get("REDIS_URL"))
    redis_port = free_port()
    address = gateway.redis if given else RedisAddress(f"redis://127.0.0.1:{redis_port}/0")
    dashboard = url_of(gateway.host, gateway.port)
    with ExitStack() as held:
        folder = held.enter_context(run_folder())
        cameras_file = folder / "cameras.yaml"
        write_private(cameras_file, yaml.safe_dump({"cameras": [dict(camera) for camera in installation.cameras]}))
        servers: list[Service] = []
        data_folder = None
        if not given:
            data_folder = held.enter_context(claimed(installation.data_folder or folder / "data"))
            servers = [redis_service(redis_port, data_folder, is_kept=installation.data_folder is not None)]
        redis = connect(address)
        keeps_data = data_folder if installation.data_folder else None
        storage = StorageWatch(redis, keeps_data, show) if keeps_data else None
        tell(
            folder,
            RunningSystem(
                redis_url=address.url,
                dashboard=dashboard,
                data=None if keeps_data is None else str(keeps_data),
                redis_password_file=None if address.password_file is None else str(address.password_file.resolve()),
                redis_ca_file=None if address.ca_file is None else str(address.ca_file.resolve()),
            ),
        )

        if installation.notice is not None:
            show("lotcast", installation.notice)

        async def redis_ready() -> None:
            await wait_for_redis(redis, address, stop)

        async def all_ready() -> None:
            await _wait_for_gateway(dashboard)
            show("lotcast", f"the gateway is up at {dashboard}; waiting for the first pictures")
            await _wait_for_pictures(redis, [str(camera["id"]) for camera in installation.cameras])
            sys.stdout.write(f"dashboard: {dashboard}\nredis: {address}\n")
            sys.stdout.flush()

        services = _services(installation, _shared_environment(address, given), cameras_file)
        first = Stage([*servers, *installation.sources], redis_ready, storage.save_at_stop if storage else None)
        watching = asyncio.create_task(storage.run(stop)) if storage else None
        try:
            await supervise([first, Stage(services, all_ready)], stop)
        finally:
            if watching is not None:
                watching.cancel()
            await redis.aclose()
        if storage is not None and storage.lost is not None:
            raise ConfigurationError(storage.lost)


def checked_settings() -> GatewaySettings:
    """The gateway's settings, after those of all services were looked at, as the services themselves will do.

    Raises:
        ConfigurationError: one of them is wrong; the text names it.
    """
    gateway = GatewaySettings.from_environment()
    gateway.check_exposure(gateway.load_tokens())
    check_can_listen("GATEWAY", gateway.host, gateway.port)
    for prefix, settings in (
        ("INGEST_METRICS", IngestSettings.from_environment()),
        ("DETECTOR_METRICS", DetectorSettings.from_environment()),
    ):
        if settings.metrics_port:
            check_can_listen(prefix, settings.metrics_host, settings.metrics_port)
    return gateway


def _shared_environment(address: RedisAddress, given: bool) -> dict[str, str]:
    # The services write into the supervisor's pipe, which is no terminal; people may still be reading at its end.
    shared = {
        "REDIS_URL": address.url,
        "LOG_FORMAT": os.environ.get("LOG_FORMAT") or ("console" if sys.stdout.isatty() else "json"),
    }
    if not given:  # our own Redis knows neither passwords nor TLS, whatever the environment says of another
        shared |= {"REDIS_PASSWORD_FILE": "", "REDIS_CA_FILE": ""}
    return shared


def _services(installation: Installation, shared: Mapping[str, str], cameras_file: Path) -> list[Service]:
    return [
        _python_service("gateway", shared),
        _python_service("detector", {**shared, **installation.detector_environment}),
        _python_service("ingest", {**shared, "INGEST_CAMERAS_FILE": str(cameras_file)}),
    ]


def _python_service(name: str, environment: Mapping[str, str]) -> Service:
    return Service(name, [sys.executable, "-m", f"services.{name}"], environment)


def redis_service(port: int, folder: Path, *, is_kept: bool) -> Service:
    """A redis-server on loopback that keeps a snapshot in `folder`: once a minute, and at its stop.

    Args:
        port: where it listens.
        folder: of its data.
        is_kept: whether the data is for the next start, too; if not, the next start may remove the folder of a killed
            one, and a Redis that cannot save does not end at SIGTERM.
    """
    command = [str(find_redis_server()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    # An append-only file would hold every picture that went by: docs/decisions/0012.
    # Each word is an argument of its own: Redis 6.2 takes "60 1" for one word, 7.0 and 8 for two.
    command += ["--save", "60", "1", "--appendonly", "no", "--stop-writes-on-bgsave-error", "no"]
    command += ["--loglevel", "warning", "--client-output-buffer-limit", "pubsub", "64mb", "32mb", "10"]
    return Service("redis", command, orphan_signal=signal.SIGTERM if is_kept else signal.SIGKILL)


async def _wait_for_gateway(address: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the environment names

    def is_ready() -> bool:
        try:
            with direct.open(address + "readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    try:
        async with asyncio.timeout(GATEWAY_READY_S):
            while not await asyncio.to_thread(is_ready):  # noqa: ASYNC110 - another process has no event to wait for
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise ConfigurationError(
            f"{address} is not ready after {GATEWAY_READY_S:g} s; the gateway's lines above say why"
        ) from None


async def _wait_for_pictures(redis: Redis, camera_ids: Sequence[str]) -> None:
    """Wait for an annotated picture of every camera; one that gives none is named, and the rest go on."""
    missing = set(camera_ids)
    try:
        async with asyncio.timeout(FIRST_PICTURE_S):
            while missing:
                missing = {camera_id for camera_id in missing if not await redis.exists(keys.latest(camera_id))}
                await asyncio.sleep(0.2 if missing else 0)
    except TimeoutError:
        for camera_id in sorted(missing):
            reason = await redis.hget(keys.status(camera_id), "ingest_error")
            text = reason.decode() if isinstance(reason, bytes) and reason else "the dashboard shows why"
            show("lotcast", f"no picture yet from {camera_id}: {text}")
