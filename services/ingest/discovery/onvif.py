"""Ask one ONVIF device for its name and the addresses of its streams (ONVIF Media Service Specification)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from libs.common.errors import SourceError
from libs.common.probe_queue import FoundCamera, FoundStream
from services.ingest.discovery.soap import XML_MAX_BYTES, elements, envelope, first_text, parse_xml, texts
from services.ingest.settings import IngestSettings
from services.ingest.sources.http_client import HttpCamera

PROFILES_MAX: Final = 8
_TYPE: Final = "application/soap+xml; charset=utf-8"
_STREAM_SETUP: Final = (
    "<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    "</trt:StreamSetup>"
)
_NOT_LET_IN: Final = ("NotAuthorized", "Unauthorized", "FailedAuthentication", "FailedCheck", "InvalidSecurity")


class NeedsLogin(SourceError):
    """The device answers only those who have a user and password."""


class OnvifDevice:
    """One device."""

    def __init__(self, service: str, settings: IngestSettings, user: str = "", password: str = "") -> None:
        """Prepare; nothing is sent yet.

        Args:
            service: the URL of its device service.
            settings: deadlines.
            user: may be empty.
            password: that user's.
        """
        self._service = service
        self._settings = settings
        self._user, self._password = user, password
        self._ahead = timedelta()

    async def describe(self) -> FoundCamera:
        """What it is and which streams it has; what is wrong with it stands in the result."""
        parts = urlsplit(self._service)
        found = FoundCamera(address=parts.netloc.rpartition("@")[2])
        try:
            await self._read_clock()
            media = self._reachable(await self._media_service())
            found.name = await self._name()
            found.streams = await self._streams(media)
            if not found.streams:
                found.problem = "it has no media profile with video"
        except NeedsLogin:
            found.problem = "it asks for user and password" if not self._user else "it refuses this user or password"
        except SourceError as error:
            found.problem = str(error).replace("camera", "it", 1)
        return found

    async def _read_clock(self) -> None:
        """A digest is valid for a few seconds of the device's own time, which is often wrong."""
        answer = await self._call(self._service, "<tds:GetSystemDateAndTime/>", signed=False)
        moment = next(elements(answer, "UTCDateTime"), None)
        if moment is None:
            return
        try:
            year, month, day, hour, minute, second = (
                int(first_text(moment, name)) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
            )
            self._ahead = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - datetime.now(UTC)
        except (ValueError, OverflowError):
            return

    async def _media_service(self) -> str:
        answer = await self._call(
            self._service, "<tds:GetCapabilities><tds:Category>Media</tds:Category></tds:GetCapabilities>"
        )
        address = first_text(answer, "Media", "XAddr")
        return address if address.startswith(("http://", "https://")) else self._service

    async def _name(self) -> str:
        answer = await self._call(self._service, "<tds:GetDeviceInformation/>")
        words = [first_text(answer, name) for name in ("Manufacturer", "Model")]
        return " ".join(word for word in words if word)[:100]

    async def _streams(self, media: str) -> list[FoundStream]:
        profiles = await self._call(media, "<trt:GetProfiles/>")
        streams = []
        for profile in [one for one in elements(profiles, "Profiles") if one.get("token")][:PROFILES_MAX]:
            token = f"<trt:ProfileToken>{escape(profile.get('token', ''))}</trt:ProfileToken>"
            encoder = next(elements(profile, "VideoEncoderConfiguration"), profile)
            streams.append(
                FoundStream(
                    profile=(texts(profile, "Name") or [profile.get("token", "")])[0][:100],
                    width=_number(first_text(encoder, "Resolution", "Width")),
                    height=_number(first_text(encoder, "Resolution", "Height")),
                    rtsp_url=await self._uri(
                        media, f"<trt:GetStreamUri>{_STREAM_SETUP}{token}</trt:GetStreamUri>", "rtsp"
                    ),
                    snapshot_url=await self._uri(media, f"<trt:GetSnapshotUri>{token}</trt:GetSnapshotUri>", "http"),
                )
            )
        return streams

    async def _uri(self, media: str, body: str, scheme: str) -> str:
        try:
            uri = first_text(await self._call(media, body), "Uri")
        except NeedsLogin:
            raise
        except SourceError:
            return ""  # many devices have no snapshots
        return self._reachable(uri)[:2048] if uri.startswith(scheme) else ""

    def _reachable(self, url: str) -> str:
        """The same address at the host that answers: devices often name one that they have on another network."""
        parts, service = urlsplit(url), urlsplit(self._service)
        host = service.hostname or ""
        host = f"[{host}]" if ":" in host else host
        try:
            port = parts.port
        except ValueError:
            port = None
        return urlunsplit(parts._replace(netloc=host if port is None else f"{host}:{port}"))

    async def _call(self, url: str, body: str, *, signed: bool = True) -> ElementTree.Element:
        user = self._user if signed else ""
        request = envelope(body, user, self._password, datetime.now(UTC) + self._ahead)
        parts = urlsplit(url)
        if self._user:  # some devices want HTTP's own login instead
            login = f"{quote(self._user, safe='')}:{quote(self._password, safe='')}@"
            url = urlunsplit(parts._replace(netloc=login + parts.netloc.rpartition("@")[2]))
        async with HttpCamera(url, self._settings, insecure=True) as client:
            status, data = await client.post(request, _TYPE, XML_MAX_BYTES)
        if status in (401, 403):
            raise NeedsLogin("it asks for user and password")
        try:
            answer = parse_xml(data)
        except SourceError:
            if status != 200:
                raise SourceError(f"it answered {status} to an ONVIF request; is this its ONVIF address?") from None
            raise
        if next(elements(answer, "Fault"), None) is not None:
            reason = " ".join(texts(answer, "Value") + texts(answer, "Text"))
            if any(word.lower() in reason.lower().replace(" ", "") for word in _NOT_LET_IN):
                raise NeedsLogin("it asks for user and password")
            raise SourceError(f"it refuses an ONVIF request: {reason[:100]}")
        return answer


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
