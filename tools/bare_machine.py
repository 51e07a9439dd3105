"""Prove that Lotcast starts on a bare machine: a fresh clone, `make demo`, both cameras' pictures, Ctrl-C.

`python -m tools.bare_machine` clones HEAD and runs it under tools/bare_machine.sh, where redis-server,
Node.js, browsers and everything else that .ci/packages lists are gone. It asks for the pictures as a viewer does, over
HTTP and WebSocket. Exit code 0 if all came in time and nothing was left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil
from websockets.sync.client import connect

ROOT: Final = Path(__file__).parents[1]
CAMERAS: Final = ("CAM1", "CAM2")
START_S: Final = 180.0
STOP_S: Final = 30.0
KEPT: Final = ("HOME", "LANG", "PATH", "TERM", "TMPDIR")
"""Of the environment; beside what tells pip and npm where packages come from."""


class Failed(Exception):
    """Something that a person on a bare machine would miss."""


def clean_environment(port: int) -> dict[str, str]:
    """An environment as after a login, where the demo listens on `port`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.lower().startswith(("pip_", "npm_config_", "ssl_cert", "node_extra_ca", "http"))
    }
    return {**kept, "GATEWAY_PORT": str(port)}


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clone(commit: str, into: Path) -> None:
    """A clone of this repository at a commit, without what Git does not know."""
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(into)], check=True)
    subprocess.run(["git", "-C", str(into), "checkout", "-q", commit], check=True)


def has_picture(port: int, camera_id: str) -> bool:
    """Whether the gateway has a JPEG of the camera, by HTTP and at once on a viewer's WebSocket."""
    address = f"127.0.0.1:{port}"
    try:
        with urllib.request.urlopen(f"http://{address}/api/cameras/{camera_id}/snapshot.jpg", timeout=2) as answer:
            if not answer.read().startswith(b"\xff\xd8"):
                return False
        with connect(f"ws://{address}/ws/viewer/detection?camera_id={camera_id}", open_timeout=2) as viewer:
            message = json.loads(viewer.recv(timeout=5))
    except (OSError, TimeoutError, urllib.error.URLError):
        return False
    return bool(message["camera_id"] == camera_id and message["frame"].startswith("data:image/jpeg;base64,"))


def wait_for_pictures(demo: subprocess.Popen[bytes], port: int, began: float) -> None:
    """Wait until every camera has one.

    Raises:
        Failed: the demo ended, or it took too long.
    """
    missing = set(CAMERAS)
    while missing:
        if demo.poll() is not None:
            raise Failed(f"`make demo` ended with exit code {demo.returncode}")
        if time.monotonic() - began > START_S:
            raise Failed(f"no picture of {', '.join(sorted(missing))} within {START_S:g} s")
        time.sleep(0.5)
        missing = {camera_id for camera_id in missing if not has_picture(port, camera_id)}


def interrupt(demo: subprocess.Popen[bytes], port: int) -> None:
    """Press Ctrl-C: the terminal sends SIGINT to all that runs in the foreground.

    Raises:
        Failed: it does not end in time, or something goes on running or listening.
    """
    running = psutil.Process(demo.pid).children(recursive=True)
    os.killpg(demo.pid, signal.SIGINT)
    try:
        demo.wait(STOP_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"`make demo` does not end within {STOP_S:g} s after Ctrl-C") from None
    _, left = psutil.wait_procs(running, timeout=5)
    if left:
        raise Failed(f"still running after Ctrl-C: {[process.name() for process in left]}")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Failed("somebody still listens on the gateway's port")


def prove(commit: str) -> None:
    """Start the demo of a commit on a bare machine, and stop it.

    Raises:
        Failed: a person would be disappointed.
    """
    folder = Path(tempfile.mkdtemp(prefix="bare-machine-"))
    try:
        clone(commit, folder / "lotcast")
        run_demo([str(ROOT / "tools/bare_machine.sh"), "make", "demo"], folder / "lotcast")
    finally:
        shutil.rmtree(folder)


def run_demo(command: Sequence[str], folder: Path) -> None:
    """Run a command that starts the demo until both cameras' pictures have come, and press Ctrl-C.

    Args:
        command: program and arguments.
        folder: the current folder of the command.

    Raises:
        Failed: pictures do not come, or it does not end as it should.
    """
    port = free_port()
    began = time.monotonic()
    demo = subprocess.Popen(
        command, cwd=folder, env=clean_environment(port), stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for_pictures(demo, port, began)
        say(f"both cameras' pictures came after {time.monotonic() - began:.0f} s")
        check_dashboard(port)
        interrupt(demo, port)
        say("Ctrl-C ended everything")
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()


def check_dashboard(port: int) -> None:
    """See that the gateway serves the built dashboard, page and script.

    Raises:
        Failed: it does not.
    """
    address = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{address}/", timeout=5) as answer:
        page = answer.read().decode()
    script = re.search(r'src="(/assets/[^"]+\.js)"', page)
    if script is None:
        raise Failed("the dashboard is not built")
    with urllib.request.urlopen(address + script[1], timeout=5) as answer:
        if not answer.read():
            raise Failed("the dashboard's script is empty")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"bare machine: {text}\n")
    sys.stdout.flush()


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--commit", default="HEAD", help="what to clone [HEAD]")
    commit = parser.parse_args().commit
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as at the end of a job's time: leave nothing running
    try:
        prove(commit)
    except Failed as failure:
        say(f"FAILED: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
