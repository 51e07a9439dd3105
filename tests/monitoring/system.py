"""The whole way of a frame as real processes, each of which can be scraped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from libs.common import keys
from tests.support.ports import free_port
from tests.support.processes import Gateway, running, running_gateway
from tests.support.redis_server import RedisServer

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
FIRST_PICTURE_S = 60.0


@dataclass(frozen=True)
class MonitoredSystem:
    """A simulated camera, an ingest, a detector and a gateway.

    Attributes:
        redis_server: their bus; it has a memory limit.
        gateway: answers.
        targets: `host:port` of each service, where Prometheus asks.
    """

    redis_server: RedisServer
    gateway: Gateway
    targets: dict[str, str]


@contextmanager
def monitored_system(folder: Path) -> Iterator[MonitoredSystem]:
    """Start all of it, and wait until a picture has gone the whole way."""
    redis_server = RedisServer(folder, with_users=True, options=["--maxmemory", "1gb"])
    camera_port, ports = free_port(), {service: free_port() for service in ("ingest", "detector")}
    settings = {
        "ingest": {"INGEST_CAMERAS": f"CAM1=http://127.0.0.1:{camera_port}/stream"},
        "detector": {},
    }
    with ExitStack() as stack:
        stack.callback(redis_server.stop)
        redis_server.start()
        camera = ["--port", str(camera_port), "--clip", str(ASSETS / "north.mp4")]
        stack.enter_context(running("deploy.demo.camera", {}, folder / "camera.log", *camera))
        for service, port in ports.items():
            environment = {"REDIS_URL": redis_server.url, f"{service.upper()}_METRICS_PORT": str(port)}
            environment |= settings[service]
            stack.enter_context(running(f"services.{service}", environment, folder / f"{service}.log"))
        gateway = stack.enter_context(running_gateway(redis_server.url, folder))
        targets = {service: f"127.0.0.1:{port}" for service, port in ports.items()} | {"gateway": gateway.address}
        _wait_for_picture(redis_server)
        yield MonitoredSystem(redis_server, gateway, targets)


def _wait_for_picture(redis_server: RedisServer) -> None:
    deadline = time.monotonic() + FIRST_PICTURE_S
    with redis_server.client() as client:
        while not client.exists(keys.latest("CAM1")):
            assert time.monotonic() < deadline, "no annotated picture came"
            time.sleep(0.05)
