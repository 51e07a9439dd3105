"""Where the command `lotcast` begins: first a look at OpenCV, which many of its parts import, then the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; exit code 1 and one line if OpenCV cannot be made to work."""
    from lotcast.opencv import OpenCvError, ensure_opencv

    try:
        ensure_opencv()
    except OpenCvError as error:
        sys.stderr.write(f"lotcast: {error}\n")
        sys.exit(1)
    from lotcast.__main__ import main as command_line

    command_line()
