"""`python -m bench.ingest.usual_way`: OpenCV `VideoCapture` and `imencode`, a thread for every camera.

What most camera servers do: decode every frame, encode it again, and put it on the bus.
"""

from __future__ import annotations

import argparse
import threading

import cv2
import redis


class Reader(threading.Thread):
    """One camera."""

    def __init__(self, url: str, key: str, redis_url: str) -> None:
        super().__init__(daemon=True)
        self._url, self._key = url, key
        self._redis = redis.Redis.from_url(redis_url)

    def run(self) -> None:
        """Read until the camera ends."""
        capture = cv2.VideoCapture(self._url)
        while True:
            is_read, picture = capture.read()
            if not is_read:
                return
            _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
            self._redis.xadd(self._key, {"jpeg": jpeg.tobytes()}, maxlen=4, approximate=False)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", required=True)
    parser.add_argument("urls", nargs="+")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    readers = [Reader(url, f"usual:{number}", options.redis) for number, url in enumerate(options.urls)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


if __name__ == "__main__":
    main()
