"""Cameras that speak TLS, well and badly."""

from __future__ import annotations

from tests.ingest.zoo.animal import Animal, old_tls_refused
from tests.ingest.zoo.answers import still, stream
from tests.support.rtsp_camera import SIZE, RtspCamera

HTTPS, ANY = "https://{host}/camera", "https://{host}/camera#insecure"
RTSPS, ANY_RTSPS = "rtsps://{host}/main", "rtsps://{host}/main#insecure"
REFUSED = {
    "expired": "certificate has expired: renew it",
    "other-name": "for another name than the URL's: write that name",
    "self-signed": "not trusted, since the camera signed it itself",
    "unknown-authority": "TLS certificate is not trusted",
}
OLD = "speaks only old TLS"


def video(certificate: str = "", url: str = RTSPS, sentence: str = "") -> Animal:
    """An RTSP camera; refused where there is a sentence."""
    return Animal(RtspCamera(), None if sentence else SIZE, sentence, None, url, certificate, is_raw=True)


TLS: dict[str, Animal] = {
    "https": Animal(stream(), url=HTTPS, certificate="good"),
    **{
        f"https-{kind}": Animal(stream(), None, sentence, url=HTTPS, certificate=kind)
        for kind, sentence in REFUSED.items()
    },
    **{f"https-{kind}-insecure": Animal(stream(), url=ANY, certificate=kind) for kind in (*REFUSED, "old")},
    "https-old": Animal(old_tls_refused, None, OLD, url=HTTPS, is_raw=True),
    "http-to-tls-port": Animal(stream(), None, "write https:// instead of http://", certificate="good"),
    "https-to-plain-port": Animal(
        still(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None, "write http:// instead of https://", url=HTTPS, is_raw=True
    ),
    "rtsps": video("good"),
    **{f"rtsps-{kind}": video(kind, sentence=sentence) for kind, sentence in REFUSED.items()},
    **{f"rtsps-{kind}-insecure": video(kind, ANY_RTSPS) for kind in REFUSED},
    "rtsps-old": Animal(old_tls_refused, None, OLD, url=RTSPS, is_raw=True),
    "rtsp-to-tls-port": video("good", "rtsp://{host}/main", "write rtsps:// instead of rtsp://"),
    "rtsps-to-plain-port": Animal(
        still(b"RTSP/1.0 400 Bad Request\r\n\r\n"), None, "write rtsp:// instead of rtsps://", url=RTSPS, is_raw=True
    ),
}
