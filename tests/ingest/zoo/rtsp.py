"""RTSP cameras that begin every PLAY with a key frame: their first picture must not wait for the next one."""

from __future__ import annotations

from tests.ingest.zoo.animal import Animal
from tests.ingest.zoo.answers import still
from tests.support.rtsp_camera import SIZE, RtspCamera

URL = "rtsp://{host}/main"


def odd(answer: bytes, sentence: str) -> Animal:
    return Animal(still(answer), None, sentence, url=URL)


RTSP: dict[str, Animal] = {
    **{
        f"rtsp-{codec}-every-{every}{'-in-band' if in_band else ''}{'-sound-first' if sound else ''}".lower(): Animal(
            RtspCamera(codec, every, in_band, sound), SIZE, pictures=None, url=URL, is_raw=True
        )
        for codec, every, in_band, sound in (
            ("H264", 250, True, False),
            ("H264", 250, False, True),
            ("H264", 750, True, True),
            ("H264", 750, False, False),
            ("H265", 250, True, True),
            ("H265", 250, False, False),
            ("H265", 750, True, False),
            ("H265", 750, False, True),
        )
    },
    "rtsp-404": odd(b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n", "answered 404: check the path in the URL"),
    "rtsp-403": odd(b"RTSP/1.0 403 Forbidden\r\nCSeq: 1\r\n\r\n", "answered 403"),
    "rtsp-503": odd(b"RTSP/1.0 503 Service Unavailable\r\nCSeq: 1\r\n\r\n", "busy"),
    "rtsp-to-http-port": odd(b"HTTP/1.1 400 Bad Request\r\n\r\n", "camera speaks HTTP at this port"),
    "rtsp-hangs-up": odd(b"", "closed the connection"),
}
