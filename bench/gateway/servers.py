"""What is compared: ours, Node's ws, a bare socket loop, and the design of the system replaced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.processes import SERVER_CORE, started, wait_for_port
from libs.common import keys
from tests.support.ports import free_port

PEERS = Path(__file__).parent / "peers"
VIEWER_PATH = "/ws/viewer/detection?camera_id={camera}"
LIVE_PATH = "/ws/viewer/live"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    port: int
    path: str


def install_node_peer() -> None:
    """Fetch the Node peer's packages, once."""
    if not (PEERS / "node/node_modules/ws").is_dir():
        sys.stderr.write("installing the Node peer's packages …\n")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PEERS / "node", check=True, stdout=sys.stderr)


@contextmanager
def ours(redis_url: str, form: str = "binary", port: int | None = None) -> Iterator[Server]:
    """The gateway; `form` is `binary`, `json` or `live`."""
    port = port or free_port()
    environment = {"REDIS_URL": redis_url, "GATEWAY_PORT": str(port), "GATEWAY_VIEWERS_MAX": "20000"}
    with started([sys.executable, "-m", "services.gateway"], SERVER_CORE, environment) as process:
        wait_for_port(port, process)
        path = LIVE_PATH if form == "live" else VIEWER_PATH + ("&format=binary" if form == "binary" else "")
        yield Server(process.pid, port, path)


@contextmanager
def node_cameras(redis_url: str, kind: str) -> Iterator[Server]:
    """Node's ws with many cameras, each from its channel of a kind (`live` or `plain`)."""
    port = free_port()
    with started(["node", str(PEERS / "node/cameras.js"), str(port), redis_url, kind], SERVER_CORE) as process:
        wait_for_port(port, process)
        yield Server(process.pid, port, "/?camera_id={camera}" if kind == "live" else "/")


@contextmanager
def node(redis_url: str, form: str) -> Iterator[Server]:
    """Node's ws."""
    port = free_port()
    command = ["node", str(PEERS / "node/server.js"), str(port), redis_url, keys.live("cam0"), form]
    with started(command, SERVER_CORE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield Server(process.pid, port, "/")


@contextmanager
def bare_loop(redis_url: str) -> Iterator[Server]:
    """A bare socket loop."""
    port, redis_port = free_port(), redis_url.rpartition(":")[2].partition("/")[0]
    command = [sys.executable, str(PEERS / "bare_loop.py"), str(port), redis_port, keys.live("cam0")]
    with started(command, SERVER_CORE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield Server(process.pid, port, "/")


@contextmanager
def reference_design(deflate: str) -> Iterator[Server]:
    """The design of the system replaced; `deflate` or `plain`."""
    port = free_port()
    with started([sys.executable, str(PEERS / "reference_design.py"), str(port), deflate], SERVER_CORE) as process:
        wait_for_port(port, process)
        yield Server(process.pid, port, VIEWER_PATH)
