"""`rtsp://`, `rtsps://`, video files and USB cameras (`v4l2://`), through PyAV."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from libs.common.cameras import Camera
from libs.common.errors import SourceError
from services.ingest.settings import IngestSettings
from services.ingest.sources.address import INSECURE, Address, parse_address
from services.ingest.sources.base import Captured, Wanted
from services.ingest.sources.file_pace import SLOWEST_FILE_S
from services.ingest.sources.picture_folder import PictureFolder
from services.ingest.sources.rtsp_diagnosis import explain
from services.ingest.sources.thread_pump import SilenceLimits, frames_from_thread
from services.ingest.sources.video_input import VideoInput, VideoReader

TRANSPORTS: Final = ("tcp", "udp")


def read_rtsp(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncGenerator[Captured, None]:
    """Frames of an RTSP camera; see `Source`. Over TCP; over UDP with `#transport=udp` or if it refuses TCP."""
    return _play(rtsp_input(parse_address(camera.url, {"transport", INSECURE}), settings), settings, wanted)


async def read_file(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncGenerator[Captured, None]:
    """Frames of a video file or a folder of pictures; see `Source`.

    Over and over at the video's own pace (pictures: the camera's `fps`); `#once` and `#fps=5` change that.
    """
    address = parse_address(camera.url, {"once", "fps"})
    path = Path(unquote(urlsplit(address.url).path))
    once, fps = "once" in address.options, address.number("fps")
    if await asyncio.to_thread(path.is_dir):
        folder = PictureFolder(path, fps or camera.fps, once, wanted, settings)
        wait_s = settings.stall_after_s + 1 / folder.fps
        source = frames_from_thread(folder.frames, SilenceLimits(wait_s, wait_s), wanted)
    else:
        source = _play(VideoInput(str(path), "file", is_file=True, once=once, fps=fps), settings, wanted)
    async with aclosing(source) as frames:
        async for frame in frames:
            yield frame


def read_v4l2(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncGenerator[Captured, None]:
    """Frames of a USB camera, `v4l2:///dev/video0#size=1280x720`; see `Source`. Its JPEGs pass through undecoded."""
    return _play(v4l2_input(parse_address(camera.url, {"size", "format"}), camera.fps), settings, wanted)


def rtsp_input(address: Address, settings: IngestSettings) -> VideoInput:
    """What to open for an RTSP camera; pure.

    Raises:
        SourceError: the transport is unknown.
    """
    options = {
        "flags": "low_delay",
        "fpsprobesize": "0",  # the frame rate is not waited for; `nobuffer` would drop the first key frame
        "allowed_media_types": "video",  # sound that goes on would hide that the picture has stopped
        "analyzeduration": "1000000",  # microseconds; libav's own five seconds are five seconds without a picture
    }
    if address.url.startswith("rtsps:") and INSECURE in address.options:
        options["tls_verify"] = "0"  # the default of newer libav is to verify
    elif address.url.startswith("rtsps:"):
        options["tls_verify"] = "1"
        if (trusted := ssl.get_default_verify_paths().cafile) is not None:
            options["ca_file"] = trusted
    transport = address.options.get("transport")
    if transport is None:
        options["rtsp_flags"] = "prefer_tcp"
    elif transport in TRANSPORTS:
        options["rtsp_transport"] = transport
    else:
        raise SourceError(f"the URL's option transport={transport} is neither tcp nor udp")
    ask = partial(
        explain, address.url, insecure=INSECURE in address.options, timeout_s=min(2.0, settings.connect_timeout_s)
    )
    return VideoInput(address.url, "video over RTSP", options, explain=ask)


def v4l2_input(address: Address, fps: float) -> VideoInput:
    """What to open for a USB camera; pure. MJPEG is asked for unless the URL says `#format=yuyv422` or so."""
    options = {"input_format": address.options.get("format", "mjpeg"), "framerate": f"{fps:g}"}
    if "size" in address.options:
        options["video_size"] = address.options["size"]
    return VideoInput(urlsplit(address.url).path, "video of a USB camera", options, "video4linux2,v4l2")


def _play(source: VideoInput, settings: IngestSettings, wanted: Wanted) -> AsyncGenerator[Captured, None]:
    # libav has a deadline for connecting, for looking at the stream and for every read, and says more about them; these
    # are for what comes in time and never becomes a picture.
    next_s = settings.stall_after_s + 1
    first_s = 2 * settings.connect_timeout_s + next_s
    limits = SilenceLimits(first_s, next_s + SLOWEST_FILE_S if source.is_file else next_s)
    return frames_from_thread(VideoReader(source, settings, wanted).frames, limits, wanted)
