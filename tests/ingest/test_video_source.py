"""Video files, folders of pictures, USB cameras, and how they are decoded."""

from __future__ import annotations

import threading
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import structlog
from av.codec.hwaccel import HWAccel

from libs.common.errors import SourceError
from services.ingest.jpeg import jpeg_size
from services.ingest.sources import hardware
from services.ingest.sources.address import parse_address
from services.ingest.sources.base import PlayedOut
from services.ingest.sources.encoding import encode_frame
from services.ingest.sources.hardware import find_decoder
from services.ingest.sources.video import v4l2_input
from tests.support.pictures import make_jpeg
from tests.support.rtsp import read_frames
from tests.support.waiting import wait_for


def write_clip(path: Path, codec: str, pixels: str = "yuv420p", size: tuple[int, int] = (320, 240)) -> Path:
    """One second at 20 frames a second, whose brightness rises."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=20)
        (stream.width, stream.height), stream.pix_fmt = size, pixels
        for number in range(20):
            picture = np.full((size[1], size[0], 3), number * 12, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("video") / "a clip.mp4", "libx264")


async def test_a_file_plays_at_its_own_pace_and_from_the_beginning_again(clip: Path) -> None:
    started = time.monotonic()
    frames = await read_frames(clip.as_uri(), 30)
    assert 1.2 < time.monotonic() - started < 5
    assert {jpeg_size(frame.jpeg) for frame in frames} == {(320, 240)}


@pytest.mark.parametrize("what", ["a file", "a folder"])
async def test_a_reader_that_stops_has_released_the_camera(what: str, clip: Path, tmp_path: Path) -> None:
    """Many cameras serve one reader at a time: the next connection must not find the last one still there."""
    (tmp_path / "1.jpg").write_bytes(make_jpeg(32, 24))
    await read_frames((clip if what == "a file" else tmp_path).as_uri(), 1)
    readers = [thread for thread in threading.enumerate() if thread.name == "video"]
    for reader in readers:  # the event loop, which could still tell it to stop, waits with us
        reader.join(1)
    assert not any(reader.is_alive() for reader in readers)


async def test_a_file_is_capped_to_the_cameras_rate(clip: Path) -> None:
    frames = await read_frames(clip.as_uri(), 6, fps=5)
    assert frames[-1].captured_at_ms - frames[0].captured_at_ms >= 0.8 * 5 * 200


async def test_frames_that_will_not_be_sent_are_not_converted(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converted = []

    def counting(frame: Any, quality: int, aspect: Any) -> bytes:
        converted.append(frame)
        return encode_frame(frame, quality, aspect)

    monkeypatch.setattr("services.ingest.sources.video_input.encode_frame", counting)
    assert len(await read_frames(clip.as_uri(), 5, fps=5)) == 5
    assert len(converted) <= 6, "of twenty frames and more"


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "no such file"), (b"this is no video", "no video that can be read")]
)
async def test_a_bad_file_says_what_is_wrong(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "clip.mp4"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SourceError, match=problem):
        await read_frames(file.as_uri(), 1)


@pytest.mark.parametrize("fragment", ["once", "once&fps=40"])
async def test_a_file_plays_once(clip: Path, fragment: str) -> None:
    started = time.monotonic()
    with pytest.raises(PlayedOut, match="once, as its URL asks"):
        await read_frames(f"{clip.as_uri()}#{fragment}", 99)
    lasted_s = time.monotonic() - started
    assert (0.45 < lasted_s < 0.95) if "fps" in fragment else (0.95 < lasted_s < 3)


async def test_h265_in_a_file_is_decoded(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", "libx265")
    frames = await read_frames(path.as_uri(), 3)
    assert {(frame.kind, jpeg_size(frame.jpeg)) for frame in frames} == {("H.265 file", (320, 240))}


async def test_a_video_may_change_its_size(tmp_path: Path) -> None:
    """As cameras do when somebody changes their settings: two elementary streams, one behind the other."""
    streams = [write_clip(tmp_path / f"{width}.h264", "libx264", size=(width, 240)) for width in (320, 426)]
    both = tmp_path / "both.h264"
    both.write_bytes(b"".join(stream.read_bytes() for stream in streams))
    frames = await read_frames(both.as_uri(), 40)
    sizes = [jpeg_size(frame.jpeg) for frame in frames]
    # A busy machine leaves frames out, and may have come to the beginning again.
    assert [size for size, _ in groupby(sizes)][:2] == [(320, 240), (426, 240)]


async def test_odd_sizes_and_other_pixels_become_jpeg(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", "libx264", "yuv444p", size=(321, 241))
    assert jpeg_size((await read_frames(path.as_uri(), 1))[0].jpeg) == (321, 241)


async def test_jpegs_in_a_file_are_passed_through(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi", "mjpeg", "yuvj420p")
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    frames = await read_frames(path.as_uri(), 3)
    assert [frame.jpeg for frame in frames] == packets[:3]
    assert frames[0].kind == "MJPEG file"


async def test_one_picture_is_a_still_camera(tmp_path: Path) -> None:
    path = tmp_path / "one.jpg"
    path.write_bytes(make_jpeg(320, 240))
    started = time.monotonic()
    frames = await read_frames(path.as_uri(), 5)
    assert {frame.jpeg for frame in frames} == {path.read_bytes()}
    assert time.monotonic() - started > 0.1, "not as fast as the disk allows"


async def test_a_folder_of_pictures_is_shown_in_order(tmp_path: Path) -> None:
    pictures = [make_jpeg(seed=seed) for seed in range(3)]
    for number, jpeg in enumerate(pictures):
        (tmp_path / f"{number}.JPG").write_bytes(jpeg)
    (tmp_path / "readme.txt").write_text("no picture")
    with av.open(str(tmp_path / "9.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        container.mux(stream.encode(av.VideoFrame(64, 48, "rgb24")))
    frames = await read_frames(f"{tmp_path.as_uri()}#fps=20", 6)
    assert [frame.jpeg for frame in frames[:3]] == pictures
    assert jpeg_size(frames[3].jpeg) == (64, 48)
    assert [frame.jpeg for frame in frames[4:]] == pictures[:2], "and from the beginning again"
    assert frames[-1].captured_at_ms - frames[0].captured_at_ms >= 4 * 50
    with pytest.raises(PlayedOut, match="shown once"):
        await read_frames(f"{tmp_path.as_uri()}#once&fps=50", 99)


async def test_a_file_that_never_opens_is_given_up(tmp_path: Path) -> None:
    """libav looks at a live playlist again and again while its parts are missing; the thread must end all the same."""
    (tmp_path / "clip.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nnothing.ts\n")
    threads = threading.active_count()
    with pytest.raises(SourceError):
        await read_frames((tmp_path / "clip.m3u8").as_uri(), 1, stall_after_s=0.5)
    await wait_for(lambda: threading.active_count() <= threads + 1, 5)


async def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no picture in the folder"):
        await read_frames(tmp_path.as_uri(), 1)


async def test_a_usb_camera_that_is_not_there_says_so() -> None:
    """There is no USB camera on a test machine: what is asked of one is looked at, and what is said without one."""
    with pytest.raises(SourceError, match="no such file or device"):
        await read_frames("v4l2:///dev/video99", 1)
    asked = v4l2_input(parse_address("v4l2:///dev/video0#size=1280x720", {"size", "format"}), fps=15)
    assert (asked.address, asked.container_format) == ("/dev/video0", "video4linux2,v4l2")
    assert asked.options == {"input_format": "mjpeg", "framerate": "15", "video_size": "1280x720"}


async def test_hardware_that_is_not_there_is_named() -> None:
    assert find_decoder("off") is None
    with pytest.raises(SourceError, match="INGEST_HWACCEL=nonsense: no such device"):
        find_decoder("nonsense")


def test_the_first_device_that_decodes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """No device is in a test machine: what they would answer is put in their place, the choice is ours."""
    monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["qsv", "vaapi", "vulkan"])
    monkeypatch.setattr(hardware, "_works", lambda device: device == "qsv")
    with structlog.testing.capture_logs() as logs:
        assert isinstance(find_decoder.__wrapped__("auto"), HWAccel)
    assert [(entry["event"], entry["device"]) for entry in logs] == [("decoding video in hardware", "qsv")]
    monkeypatch.setattr(hardware, "_works", lambda device: False)
    assert find_decoder.__wrapped__("auto") is None
