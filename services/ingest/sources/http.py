"""`http://` and `https://`: a multipart MJPEG stream, or single JPEGs asked for again and again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from typing import Final

import aiohttp

from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, SourceError
from services.ingest.multipart import MultipartParser, boundary_of
from services.ingest.pacing import ByteBudget, capture_time_ms
from services.ingest.settings import IngestSettings
from services.ingest.sources.address import ACCEPT_ANY, INSECURE, parse_address
from services.ingest.sources.base import CapturedFrame, Wanted
from services.ingest.sources.guarded_sockets import RefusedAddress, socket_factory
from services.ingest.sources.http_login import REDIRECTS_MAX, AnswerTimeout, LoginSession
from services.ingest.sources.resolver import CameraResolver

CHUNK_BYTES: Final = 262_144
STREAM: Final = "MJPEG stream over HTTP"
STILLS: Final = "single JPEGs over HTTP"
_ADVICE: Final = {
    403: "the camera refuses this user",
    404: "check the path in the URL",
    503: "the camera is busy; most serve one client at a time",
}


async def read_http(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncGenerator[CapturedFrame, None]:
    """Frames of an HTTP camera; see `Source`. The answer's content type decides between stream and still."""
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=settings.connect_timeout_s, sock_read=settings.stall_after_s
    )
    address = parse_address(camera.url, {INSECURE})
    try:
        connector = aiohttp.TCPConnector(
            socket_factory=socket_factory(address.url), resolver=CameraResolver(), ssl=INSECURE not in address.options
        )
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False, connector=connector) as session:
            camera_session = LoginSession(session, address.url, settings.connect_timeout_s + settings.stall_after_s)
            async with camera_session.get() as answer:
                _check_status(answer, camera_session)
                content_type = answer.headers.get("Content-Type", "")
                if content_type.lower().startswith("multipart/"):
                    async for frame in _read_stream(answer, boundary_of(content_type), settings, wanted):
                        yield frame
                    return
                if not content_type.lower().startswith(("image/jpeg", "image/jpg")):
                    raise SourceError(
                        f"camera sends {content_type or 'no content type'}; needed is an MJPEG stream or a JPEG picture"
                    )
                first = await _read_still(answer, camera_session, settings)
            yield first
            async for frame in _poll_stills(camera_session, camera, settings):
                yield frame
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise SourceError("the URL, or one that the camera redirects to, cannot be used for a request") from error
    except aiohttp.TooManyRedirects as error:
        raise SourceError(f"camera redirects more than {REDIRECTS_MAX} times") from error
    except aiohttp.ServerTimeoutError as error:
        raise _timeout_error(error, settings) from error
    except AnswerTimeout as error:
        raise CameraStalled("camera did not begin a whole answer in time: check address and network") from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise SourceError(f"camera's TLS certificate is not trusted; {ACCEPT_ANY}") from error
    except aiohttp.ClientConnectorDNSError as error:
        raise SourceError("camera cannot be reached: no such host: check the address") from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, RefusedAddress):
            raise SourceError(f"camera leads to an address that is not allowed: {error.os_error}") from error
        reason = os.strerror(error.errno).lower() if error.errno else "no connection"
        raise SourceError(f"camera cannot be reached: {reason}: check address and port") from error
    except aiohttp.ClientResponseError as error:
        # The whole text of this error holds the URL, and that may hold a password.
        first_line = (error.message.splitlines() or ["bad answer"])[0].rstrip(":")
        raise SourceError(f"camera does not speak HTTP as it should: {first_line[:100]}") from error
    except aiohttp.ClientPayloadError as error:
        raise SourceError("camera broke off in the middle of its answer") from error
    except aiohttp.ServerDisconnectedError as error:
        raise SourceError("camera closed the connection without an answer") from error
    except (aiohttp.ClientError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise SourceError(f"cannot read from the camera: {reason}") from error


async def _read_stream(
    answer: aiohttp.ClientResponse, boundary: bytes, settings: IngestSettings, wanted: Wanted
) -> AsyncGenerator[CapturedFrame, None]:
    parser = MultipartParser(boundary, settings.frame_max_bytes)
    budget = ByteBudget(settings.camera_max_bytes_per_s)
    last_frame = time.monotonic()
    async for data in answer.content.iter_chunked(CHUNK_BYTES):
        now = time.monotonic()
        for part in parser.feed(data, now):
            last_frame = now
            if wanted(now):
                # When the part began was taken on the monotonic clock; the message carries wall-clock time.
                arrived_ms = now_ms() - round((time.monotonic() - part.began_at) * 1000)
                claimed_ms = None if part.timestamp_s is None else part.timestamp_s * 1000
                captured_at_ms = capture_time_ms(arrived_ms, claimed_ms, settings.camera_clock_max_age_s)
                yield CapturedFrame(part.payload, captured_at_ms, STREAM)
        if now - last_frame > settings.stall_after_s:
            raise CameraStalled(f"camera sends data but no whole frame for {settings.stall_after_s:g} s")
        if (too_fast_s := budget.spend(len(data), now)) > 0:
            # Not read for a while: the camera's own connection fills up, and the other cameras get their turn.
            await asyncio.sleep(too_fast_s)


async def _poll_stills(
    session: LoginSession, camera: Camera, settings: IngestSettings
) -> AsyncGenerator[CapturedFrame, None]:
    """Ask for one picture after the other, at the camera's frame rate."""
    due = time.monotonic()
    while True:
        due = max(due + 1 / camera.fps, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        async with session.get() as answer:
            frame = await _read_still(answer, session, settings)
        yield frame


async def _read_still(answer: aiohttp.ClientResponse, session: LoginSession, settings: IngestSettings) -> CapturedFrame:
    _check_status(answer, session)
    captured_at_ms = now_ms()
    jpeg = bytearray()
    try:
        async with asyncio.timeout(settings.stall_after_s):
            async for data in answer.content.iter_chunked(CHUNK_BYTES):
                jpeg += data
                if len(jpeg) > settings.frame_max_bytes:
                    raise SourceError(f"camera sends a picture of more than {settings.frame_max_bytes} bytes")
    except TimeoutError as error:
        raise CameraStalled(f"a picture took longer than {settings.stall_after_s:g} s") from error
    return CapturedFrame(bytes(jpeg), captured_at_ms, STILLS)


def _check_status(answer: aiohttp.ClientResponse, session: LoginSession) -> None:
    if answer.status == 200:
        return
    if answer.status == 401:
        advice = "check user name and password"
        if not session.has_login:
            advice += "; the URL has none: http://user:password@host/path"
    else:
        advice = _ADVICE.get(answer.status, answer.reason or "")
    raise SourceError(f"camera answered {answer.status}{': ' if advice else ''}{advice}")


def _timeout_error(error: aiohttp.ServerTimeoutError, settings: IngestSettings) -> SourceError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return SourceError(
            f"camera cannot be reached within {settings.connect_timeout_s:g} s: check address and network"
        )
    return CameraStalled(f"camera sent nothing for {settings.stall_after_s:g} s")
