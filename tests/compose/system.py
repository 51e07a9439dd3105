"""The whole of compose.yaml as a project of its own on this machine's container engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.support.ports import free_port

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "lotcast-test"
COMMAND_S: Final = 120.0
BUILD_S: Final = 1200.0


class ComposeSystem:
    """One project. Its images have a tag of their own, so that nobody's installation is touched.

    Attributes:
        port: where the proxy is published, on loopback.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_PROFILES": "demo",
            "COMPOSE_ENV_FILES": os.devnull,
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_PUBLISHED_AT": "127.0.0.1",
            "LOTCAST_SETTINGS": os.devnull,
            "PROXY_FRONT": str(ROOT / "deploy/proxy/front.conf"),
            "LOTCAST_VERSION": "test",
        }

    def compose(self, *arguments: str, timeout_s: float = COMMAND_S) -> str:
        """Run `docker compose` with these arguments; what it printed.

        Raises:
            AssertionError: it failed; the text is what it said.
        """
        return self._run(["docker", "compose", "-f", str(ROOT / "compose.yaml"), *arguments], timeout_s)

    def docker(self, *arguments: str) -> str:
        """Run `docker` with these arguments; what it printed."""
        return self._run(["docker", *arguments], COMMAND_S)

    def _run(self, command: list[str], timeout_s: float) -> str:
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def up(self, **replicas: int) -> None:
        """Bring everything up with so many replicas of each service, and wait until all are healthy."""
        scale = [text for service, number in replicas.items() for text in ("--scale", f"{service}={number}")]
        self.compose("up", "-d", "--wait", "--no-recreate", *scale)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What `docker inspect` tells of a service's containers, or of all; those that ended, too."""
        ids = self.compose("ps", "-a", "-q", *([service] if service else [])).split()
        return list(json.loads(self.docker("inspect", *ids))) if ids else []

    def kill(self, container_id: str) -> None:
        """SIGKILL the container's first process, as a crash does; `docker kill` would not set off its restart policy.

        The signal is sent from a container that sees the host's processes, as the engine may run elsewhere or as root.
        """
        pid = self.docker("inspect", "-f", "{{.State.Pid}}", container_id)
        assert int(pid) > 0, "it does not run"
        image = self.compose("config", "--images", "redis").split()[0]
        rights = ["--pid=host", "--user=0", "--cap-drop=ALL", "--cap-add=KILL", "--network=none"]
        self.docker("run", "--rm", *rights, "--entrypoint", "sh", image, "-c", f"kill -9 {pid}")

    def redis(self, *arguments: str) -> list[str]:
        """Lines that redis-cli prints, as the user `monitor`."""
        command = ["exec", "-T", "redis", "/opt/lotcast/redis/cli.sh", "monitor", *arguments]
        return self.compose(*command).splitlines()

    def logged_at_s(self, service: str, event: str, since_s: float) -> list[float]:
        """When a service's processes logged this event, by their own clocks; all in seconds since the epoch."""
        lines = self.compose("logs", "--no-log-prefix", "--no-color", "--since", f"{since_s:.3f}", service).splitlines()
        entries = [json.loads(line[line.index("{") :]) for line in lines if event in line]
        times = [entry["timestamp"] for entry in entries if entry["event"] == event]
        return [datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() for text in times]

    def everything(self) -> list[str]:
        """Containers, volumes and networks of this project that there are."""
        ours = f"label=com.docker.compose.project={PROJECT}"
        found = self.docker("ps", "-aq", "--filter", ours).split()
        found += self.docker("volume", "ls", "-q", "--filter", ours).split()
        return found + self.docker("network", "ls", "-q", "--filter", ours).split()


def missing_engine() -> str | None:
    """Why there is no engine to test with, and what to do; None if there is one."""
    if shutil.which("docker") is None:
        return "no docker on this machine: install Docker Engine 25 or newer, with Compose 2.24 or newer"
    for command in (["docker", "version", "--format", "{{.Server.Version}}"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
            return f"`{' '.join(command)}` fails: {' '.join(reason)}; start the engine, or set DOCKER_HOST"
    return None


def is_healthy(container: dict[str, Any]) -> bool:
    """Whether it runs and its health check says so."""
    return bool(container["State"]["Running"] and container["State"]["Health"]["Status"] == "healthy")


def wait_until(condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Ask until the condition is true; its value.

    Raises:
        AssertionError: it did not become true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.1)
    return value
