"""URL scheme → source. docs/architecture.md says where else a new kind of camera is named."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from libs.common.errors import SourceError
from services.ingest.sources.base import Source
from services.ingest.sources.http import read_http
from services.ingest.sources.video import read_file, read_rtsp, read_v4l2

SOURCES: Final[dict[str, Source]] = {
    "http": read_http,
    "https": read_http,
    "rtsp": read_rtsp,
    "rtsps": read_rtsp,
    "file": read_file,
    "v4l2": read_v4l2,
}


def source_for(url: str) -> Source:
    """The source that reads a URL.

    Raises:
        SourceError: none does.
    """
    scheme = urlsplit(url).scheme
    if scheme not in SOURCES:
        raise SourceError(f"no source reads {scheme or 'a URL without a scheme'}; there are {', '.join(SOURCES)}")
    return SOURCES[scheme]
