"""The demo: two rendered clips, served by two simulated cameras, through the real system."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deploy.local.embedded import Installation
from deploy.local.listening import free_port
from deploy.local.process import Service
from libs.common.errors import ConfigurationError

ASSETS = Path(__file__).parents[1] / "demo/assets"
CLIPS = ("north", "south")
# The rendered traffic is quicker than life: a minute holds what takes a real lot an hour.
OCCUPIED_AFTER_S = 0.8
FREE_AFTER_S = 0.8


def demo_installation() -> Installation:
    """The demo on free loopback ports.

    Raises:
        ConfigurationError: the clips are not there.
    """
    cameras, sources = [], []
    for clip in CLIPS:
        video, about = ASSETS / f"{clip}.mp4", ASSETS / f"{clip}.spaces.json"
        if not video.is_file() or not about.is_file():
            raise ConfigurationError(f"{video.name} is missing; `python -m deploy.demo.lot` renders it again")
        port = free_port()
        described = json.loads(about.read_text("utf-8"))
        url = f"http://127.0.0.1:{port}/stream"
        cameras.append({**described["camera"], "url": url, "fps": 10, "spaces": described["spaces"]})
        command = [sys.executable, "-m", "deploy.demo.camera", "--clip", str(video), "--port", str(port)]
        sources.append(Service(described["camera"]["id"], command))
    return Installation(
        cameras=cameras,
        sources=sources,
        detector_environment={
            "DETECTOR_MODEL": "demo",
            "DETECTOR_OCCUPIED_AFTER_S": str(OCCUPIED_AFTER_S),
            "DETECTOR_FREE_AFTER_S": str(FREE_AFTER_S),
            # The rendered lots are near enough for one look at the whole picture.
            "DETECTOR_INSPECT_EVERY_S": "0",
            "DETECTOR_JUDGE": "vehicles",
        },
    )
