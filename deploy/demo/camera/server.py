"""What an ESP32-CAM speaks, over HTTP: `/stream` is multipart MJPEG, `/capture` one JPEG."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from deploy.demo.camera.clip_player import ClipPlayer

BOUNDARY = "123456789000000000000987654321"
WRITE_TIMEOUT_S = 5.0


class SimulatedCamera:
    """Serves a clip. A client that is slow gets the frame that is due when it is ready for one."""

    def __init__(self, player: ClipPlayer) -> None:
        self._player = player

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.add_routes([web.get("/stream", self._stream), web.get("/capture", self._capture)])
        return app

    async def _capture(self, request: web.Request) -> web.Response:
        jpeg = await self._jpeg(self._player.number_now())
        return web.Response(body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "no-store"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(
            headers={
                "Content-Type": f"multipart/x-mixed-replace;boundary={BOUNDARY}",
                "Access-Control-Allow-Origin": "*",
                "X-Framerate": f"{self._player.fps:g}",
            }
        )
        await answer.prepare(request)
        number = self._player.number_now()
        try:
            while True:
                number = max(number + 1, self._player.number_now())
                await asyncio.sleep(max(0.0, self._player.due_in_s(number)))
                jpeg = await self._jpeg(number)
                head = (
                    f"\r\n--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n"
                    f"X-Timestamp: {time.time():.6f}\r\n\r\n"
                )
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    await answer.write(head.encode("ascii") + jpeg)
        except (ConnectionResetError, TimeoutError):
            return answer  # the client went away, or does not read

    async def _jpeg(self, number: int) -> bytes:
        if self._player.is_ready(number):
            return self._player.jpeg(number)
        return await asyncio.to_thread(self._player.jpeg, number)
