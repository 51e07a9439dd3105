"""`python -m deploy.demo.lot`: render the demo's clips, and write their truth and their spaces beside them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from deploy.demo.lot.clips import FPS, Clip
from deploy.demo.lot.drawing import Bytes
from deploy.demo.lot.scripts import SCRIPTS
from deploy.demo.lot.truth import describe_vehicles, intervals

ASSETS = Path(__file__).parents[1] / "assets"


class VideoWriter:
    """Writes frames into an H.264 file."""

    def __init__(self, path: Path, size: tuple[int, int], crf: int = 27) -> None:
        self._container: Any = av.open(str(path), "w")
        self._stream: Any = self._container.add_stream("libx264", rate=FPS)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        # Few key frames, for the lot hardly changes; one thread, so that the same frames always give the same file.
        self._stream.options = {"crf": str(crf), "preset": "slow", "g": str(15 * FPS), "threads": "1"}

    def write(self, picture: Bytes) -> None:
        """Append one frame (height, width, 3) BGR."""
        for packet in self._stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "bgr24")):
            self._container.mux(packet)

    def close(self) -> None:
        """Finish the file."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()


def describe_spaces(clip: Clip) -> dict[str, Any]:
    """The camera and its spaces as a cameras file has them: polygons normalised 0..1 of the picture."""
    camera = clip.script.camera
    spaces = []
    for space in clip.spaces:
        corners = np.column_stack([space.corners, np.zeros(4)])
        pixels = np.clip(camera.project(corners)[0] / camera.size, 0, 1)
        polygon = [[round(float(x), 5), round(float(y), 5)] for x, y in pixels]
        spaces.append({"space_id": space.name, "space_name": space.name, "polygon": polygon})
    return {"camera": {"id": clip.script.camera_id, "name": clip.script.camera_name}, "spaces": spaces}


def render_clip(name: str, folder: Path, progress: bool) -> None:
    """Render a clip with its truth and spaces into a folder."""
    clip = Clip(SCRIPTS[name]())
    script = clip.script
    writer = VideoWriter(folder / f"{name}.mp4", script.camera.size)
    vehicles, occupied = [], []
    for frame in range(script.frames):
        picture, seen = clip.render(frame)
        writer.write(picture)
        vehicles.append(describe_vehicles(seen))
        occupied.append(clip.occupied(frame))
        if progress and frame % FPS == 0:
            sys.stdout.write(f"\r{name}: {frame + 1} of {script.frames} frames")
            sys.stdout.flush()
    writer.close()
    truth = {
        "clip": name,
        "fps": FPS,
        "width": script.camera.size[0],
        "height": script.camera.size[1],
        "frames": script.frames,
        "space_ids": [space.name for space in clip.spaces],
        "vehicles": vehicles,
        "occupied": intervals(occupied),
    }
    (folder / f"{name}.truth.json").write_text(json.dumps(truth, separators=(",", ":")) + "\n", "utf-8")
    (folder / f"{name}.spaces.json").write_text(json.dumps(describe_spaces(clip), indent=1) + "\n", "utf-8")
    sys.stdout.write(f"\r{name}: {script.frames} frames, {(folder / f'{name}.mp4').stat().st_size / 1e6:.1f} MB\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.lot", description=__doc__)
    parser.add_argument("clips", nargs="*", default=sorted(SCRIPTS), help="which clips (default: all)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder to write to (default: the demo's assets)")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.clips) - SCRIPTS.keys())
    if unknown:
        parser.error(f"no clip {unknown[0]!r}; there are {', '.join(sorted(SCRIPTS))}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.clips:
        render_clip(name, options.out, sys.stdout.isatty())
    return 0


if __name__ == "__main__":
    sys.exit(main())
