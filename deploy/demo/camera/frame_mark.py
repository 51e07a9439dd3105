"""Write into a JPEG which frame of which clip it is, so that a test can tell; pictures look the same with it.

The mark is a comment segment (ITU-T T.81, B.2.4.5) right behind the start of the image.
"""

from __future__ import annotations

import re
from typing import Final

START_OF_IMAGE: Final = b"\xff\xd8"
COMMENT: Final = b"\xff\xfe"
_MARK = re.compile(rb"lotcast-demo clip=([A-Za-z0-9_.-]+) frame=(\d+)\Z")


def mark(jpeg: bytes, clip: str, frame: int) -> bytes:
    """The same picture with a mark.

    Args:
        jpeg: a whole JPEG.
        clip: the clip's name.
        frame: the frame's number in the clip, from 0.
    """
    text = f"lotcast-demo clip={clip} frame={frame}".encode("ascii")
    return START_OF_IMAGE + COMMENT + (len(text) + 2).to_bytes(2) + text + jpeg[2:]


def read_mark(jpeg: bytes) -> tuple[str, int] | None:
    """Clip and frame of a marked picture; None if it bears no mark."""
    if jpeg[:4] != START_OF_IMAGE + COMMENT:
        return None
    found = _MARK.match(jpeg[6 : 4 + int.from_bytes(jpeg[4:6])])
    return (found[1].decode("ascii"), int(found[2])) if found else None
