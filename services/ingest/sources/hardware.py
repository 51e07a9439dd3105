"""Hardware decoding, where PyAV finds a device that works."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Final

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

from libs.common.errors import SourceError
from libs.common.logging import get_logger

_log = get_logger("hardware")

PREFERRED: Final = ("cuda", "vaapi", "qsv", "videotoolbox", "d3d11va")


@cache
def find_decoder(choice: str) -> Any | None:
    """What `av.open` takes as `hwaccel`; looked for once in a process.

    Args:
        choice: `auto`, `off`, or the name of a device.

    Returns:
        None for decoding in software: asked for, or because no device works.

    Raises:
        SourceError: the device that was asked for does not work.
    """
    if choice == "off":
        return None
    wanted = PREFERRED if choice == "auto" else (choice,)
    for device in wanted:
        if device in hwdevices_available() and _works(device):
            _log.info("decoding video in hardware", device=device)
            return HWAccel(device_type=device, allow_software_fallback=True)
    if choice != "auto":
        raise SourceError(f"INGEST_HWACCEL={choice}: no such device works here; `auto` or `off` will do")
    return None


def _works(device: str) -> bool:
    """Decode one small picture on a device: that it is listed says only that libav was built for it."""
    clip = io.BytesIO()
    try:
        with av.open(clip, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            container.mux(stream.encode(av.VideoFrame(320, 240, "yuv420p")))
            container.mux(stream.encode())
        clip.seek(0)
        accelerator = HWAccel(device_type=device, allow_software_fallback=False)
        with av.open(clip, hwaccel=accelerator) as container:
            next(container.decode(container.streams.video[0]))
            return bool(container.streams.video[0].codec_context.is_hwaccel)
    except (av.error.FFmpegError, RuntimeError, NotImplementedError, ValueError, StopIteration):
        return False
