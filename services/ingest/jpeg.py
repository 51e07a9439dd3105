"""Look into a JPEG without decoding it. Pure."""

from __future__ import annotations

from libs.common.errors import FrameError

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = b"\xff\xd9"
# Start-of-frame markers (ITU-T T.81, table B.1): C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header.

    Args:
        jpeg: the whole picture; zero bytes may follow its end, as some cameras pad.

    Raises:
        FrameError: it is not a JPEG, or not a whole one.
    """
    if not jpeg.startswith(START_OF_IMAGE):
        raise FrameError(f"not a JPEG: begins with {jpeg[:4].hex() or 'nothing'}")
    if END_OF_IMAGE not in jpeg[-64:] and not jpeg.rstrip(b"\x00\r\n").endswith(END_OF_IMAGE):
        raise FrameError(f"half a JPEG: {len(jpeg)} bytes without an end")
    at = 2
    while at + 4 <= len(jpeg):
        if jpeg[at] != 0xFF:
            raise FrameError(f"broken JPEG: no marker at byte {at}")
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _STANDALONE_MARKERS:
            at += 2
        elif marker in _FRAME_MARKERS:
            return _read_frame_header(jpeg, at)
        elif marker in (0xD9, 0xDA):
            break
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    raise FrameError("broken JPEG: no size in its header")


def _read_frame_header(jpeg: bytes, at: int) -> tuple[int, int]:
    height, width = int.from_bytes(jpeg[at + 5 : at + 7]), int.from_bytes(jpeg[at + 7 : at + 9])
    if at + 9 > len(jpeg) or not width or not height:
        raise FrameError("broken JPEG: no size in its header")
    return width, height
