"""Lotcast on one machine: redis-server, ingest, detector and gateway, with cameras of one's own or the demo's."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
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
from deploy.local.process import Service
from deploy.local.redis_binary import find_redis_server
from deploy.local.supervisor import show, supervise
from libs.common import keys
from libs.common.bus import connect, wait_for_redis
from libs.common.errors import ConfigurationError
from libs.common.redis_address import RedisAddress
from libs.common.settings import ServiceSettings

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
    """

    cameras: Sequence[Mapping[str, Any]]
    data_folder: Path | None = None
    sources: Sequence[Service] = ()
    detector_environment: Mapping[str, str] = field(default_factory=dict)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def run_installation(installation: Installation) -> None:
    """Run it until SIGINT or SIGTERM.

    Raises:
        ConfigurationError: it cannot start; the text says what to do.
    """
    host, port = os.environ.get("GATEWAY_HOST", "127.0.0.1"), _gateway_port()
    _check_port_is_free(host, port)
    given = bool(os.environ.get("REDIS_URL"))
    redis_port = free_port()
    address = ServiceSettings.from_environment().redis if given else RedisAddress(f"redis://127.0.0.1:{redis_port}/0")
    redis = connect(address)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="lotcast-")))
        cameras_file = folder / "cameras.yaml"
        cameras_file.write_text(yaml.safe_dump({"cameras": [dict(camera) for camera in installation.cameras]}), "utf-8")
        # The services write into the supervisor's pipe, which is no terminal; people may still be reading at its end.
        log_format = os.environ.get("LOG_FORMAT", "console" if sys.stdout.isatty() else "json")
        shared = {"REDIS_URL": address.url, "LOG_FORMAT": log_format}
        if not given:  # our own Redis knows neither passwords nor TLS, whatever the environment says of another
            shared |= {"REDIS_PASSWORD_FILE": "", "REDIS_CA_FILE": ""}
        servers = []
        if not given:
            data_folder = held.enter_context(claimed(installation.data_folder or folder))
            servers = [redis_service(redis_port, data_folder)]
        parts = [
            _python_service("gateway", shared),
            _python_service("detector", {**shared, **installation.detector_environment}),
            _python_service("ingest", {**shared, "INGEST_CAMERAS_FILE": str(cameras_file)}),
        ]

        async def redis_ready() -> None:
            await wait_for_redis(redis, address, asyncio.Event())

        async def all_ready() -> None:
            dashboard = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"
            await _wait_for_gateway(dashboard)
            show("lotcast", f"the gateway is up at {dashboard}; waiting for the first pictures")
            await _wait_for_pictures(redis, [str(camera["id"]) for camera in installation.cameras])
            sys.stdout.write(f"dashboard: {dashboard}\nredis: {address}\n")
            sys.stdout.flush()

        try:
            await supervise([([*servers, *installation.sources], redis_ready), (parts, all_ready)])
        finally:
            await redis.aclose()


def _gateway_port() -> int:
    text = os.environ.get("GATEWAY_PORT", "8069")
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ConfigurationError(f"GATEWAY_PORT: {text!r} is not a port")
    return int(text)


def _check_port_is_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {error.strerror}; set GATEWAY_PORT to a free port"
            ) from None


def _python_service(name: str, environment: Mapping[str, str]) -> Service:
    return Service(name, [sys.executable, "-m", f"services.{name}"], environment)


def redis_service(port: int, folder: Path) -> Service:
    """A redis-server on loopback that keeps a snapshot in `folder`: once a minute, and at its stop."""
    command = [str(find_redis_server()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    # An append-only file would hold every picture that went by: docs/decisions/0012.
    # Each word is an argument of its own: Redis 6.2 takes "60 1" for one word, 7.0 and 8 for two.
    command += ["--save", "60", "1", "--appendonly", "no", "--stop-writes-on-bgsave-error", "no"]
    command += ["--loglevel", "warning", "--client-output-buffer-limit", "pubsub", "64mb", "32mb", "10"]
    return Service("redis", command)


async def _wait_for_gateway(address: str) -> None:
    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(address + "readyz", timeout=2) as answer:
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
