"""An RTSP camera in this process: it begins every PLAY with a key frame, as cameras do, and sends none for long then.

GStreamer's server (`rtsp_server.py`) is somebody else's view of the protocol; this one can be odd in every way.
"""

from __future__ import annotations

import asyncio
import random
import struct
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

import av
import numpy as np

from tests.support.logins import Guard

SIZE: Final = (320, 240)
FPS: Final = 10
FRAMES: Final = 60
_CODECS: Final = {"H264": "libx264", "H265": "libx265"}
_PARAMETER_SETS: Final = {"H264": {7: "sps", 8: "pps"}, "H265": {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}}
_PAYLOAD_MAX_BYTES: Final = 1400


@dataclass(frozen=True, slots=True)
class RtspCamera:
    """One camera; call it with a connection.

    Attributes:
        codec: `H264` or `H265`.
        key_frame_every: frames from one key frame to the next.
        sets_in_band: whether the parameter sets come with the key frames; else they stand in the session description.
        sound_first: whether the description names a sound track before the picture.
        guard: asks for user and password; None for a camera that is open to everybody.
    """

    codec: str = "H264"
    key_frame_every: int = 250
    sets_in_band: bool = True
    sound_first: bool = False
    guard: Guard | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it ends."""
        playing: asyncio.Task[None] | None = None
        channel = 0
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
                }
                if self.guard is not None and not self.guard.lets_in(method, target, headers.get("authorization", "")):
                    asked = "".join(f"WWW-Authenticate: {line}\r\n" for line in self.guard.challenges)
                    self._answer(writer, headers, "401 Unauthorized", asked)
                elif method == "DESCRIBE":
                    body = self._description()
                    extra = (
                        f"Content-Base: {target}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                    )
                    self._answer(writer, headers, "200 OK", extra, body)
                elif method == "SETUP" and "interleaved=" not in headers.get("transport", ""):
                    self._answer(writer, headers, "461 Unsupported Transport")
                elif method == "SETUP":
                    channel = int(headers["transport"].partition("interleaved=")[2].split("-")[0])
                    self._answer(writer, headers, "200 OK", f"Transport: {headers['transport']}\r\nSession: 1\r\n")
                elif method == "PLAY":
                    self._answer(writer, headers, "200 OK", "Session: 1\r\n")
                    playing = asyncio.create_task(self._play(writer, channel))
                else:
                    self._answer(writer, headers, "200 OK", "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n")
                if method == "TEARDOWN":
                    return
        finally:
            if playing is not None:
                playing.cancel()
                with suppress(ConnectionError, asyncio.CancelledError):
                    await playing

    @staticmethod
    def _answer(
        writer: asyncio.StreamWriter, headers: dict[str, str], status: str, extra: str = "", body: str = ""
    ) -> None:
        writer.write(f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq', '0')}\r\n{extra}\r\n{body}".encode())

    def _description(self) -> str:
        sound = ["m=audio 0 RTP/AVP 8", "a=control:sound"]
        parameters = "packetization-mode=1" if self.codec == "H264" else ""
        if not self.sets_in_band:
            told = {name: b64encode(unit).decode() for name, unit in self._parameter_sets().items()}
            if self.codec == "H264":
                told = {"sprop-parameter-sets": f"{told['sps']},{told['pps']}"}
            parameters = ";".join([parameters, *(f"{name}={text}" for name, text in told.items())]).lstrip(";")
        picture = ["m=video 0 RTP/AVP 96", f"a=rtpmap:96 {self.codec}/90000", "a=control:picture"]
        if parameters:
            picture.insert(2, f"a=fmtp:96 {parameters}")
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        lines += [*sound, *picture] if self.sound_first else [*picture, *sound]
        return "\r\n".join(lines) + "\r\n"

    def _parameter_sets(self) -> dict[str, bytes]:
        names = _PARAMETER_SETS[self.codec]
        first = encoded_video(self.codec, self.key_frame_every)[0]
        return {names[self._kind(unit)]: unit for unit in first if self._kind(unit) in names}

    def _kind(self, unit: bytes) -> int:
        return unit[0] & 31 if self.codec == "H264" else unit[0] >> 1 & 63

    async def _play(self, writer: asyncio.StreamWriter, channel: int) -> None:
        sequence = random.randrange(65536)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for number, units in enumerate(encoded_video(self.codec, self.key_frame_every)):
            await asyncio.sleep(began_s + number / FPS - loop.time())
            if not self.sets_in_band:
                units = [unit for unit in units if self._kind(unit) not in _PARAMETER_SETS[self.codec]]
            payloads = [payload for unit in units for payload in self._payloads(unit)]
            for place, payload in enumerate(payloads):
                marker = 0x80 if place == len(payloads) - 1 else 0
                stamp = number * 90_000 // FPS
                packet = struct.pack(">BBHII", 0x80, marker | 96, sequence, stamp, 7) + payload
                writer.write(b"$" + struct.pack(">BH", channel, len(packet)) + packet)
                sequence = (sequence + 1) % 65536
            await writer.drain()
        await asyncio.Event().wait()

    def _payloads(self, unit: bytes) -> Iterator[bytes]:
        """A unit as it is, or in fragments (RFC 6184, 5.8; RFC 7798, 4.4.3)."""
        if len(unit) <= _PAYLOAD_MAX_BYTES:
            yield unit
            return
        if self.codec == "H264":
            begin, body, kind = bytes([unit[0] & 0xE0 | 28]), unit[1:], unit[0] & 31
        else:
            begin, body, kind = bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), unit[2:], self._kind(unit)
        for at in range(0, len(body), _PAYLOAD_MAX_BYTES):
            is_first, is_last = at == 0, at + _PAYLOAD_MAX_BYTES >= len(body)
            yield begin + bytes([is_first << 7 | is_last << 6 | kind]) + body[at : at + _PAYLOAD_MAX_BYTES]


@cache
def encoded_video(codec: str, key_frame_every: int) -> Sequence[Sequence[bytes]]:
    """The units of each frame of a clip that begins with a key frame."""
    context = av.CodecContext.create(_CODECS[codec], "w")
    context.width, context.height = SIZE
    context.pix_fmt, context.framerate = "yuv420p", FPS
    context.gop_size = key_frame_every
    context.options = {"preset": "ultrafast", "tune": "zerolatency"}
    if codec == "H265":
        context.options = {**context.options, "x265-params": f"log-level=none:keyint={key_frame_every}:scenecut=0"}
    noise = np.random.default_rng(1).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    frames: list[list[bytes]] = []
    for number in range(FRAMES + 1):
        picture = None
        if number < FRAMES:
            picture = av.VideoFrame.from_ndarray(np.roll(noise // 4 + 90, number, axis=1), "rgb24")
            picture.pts = number
        frames += [list(_units(bytes(packet))) for packet in context.encode(picture)]
    return frames


def _units(packet: bytes) -> Iterator[bytes]:
    """The units of a packet, without the start codes between them."""
    for unit in packet.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1"):
        if unit:
            yield unit
