"""`python -m bench.ingest.camera_farm`: many MJPEG cameras in one process, as cheap as they can be.

Every path is a camera of its own. `GET /sent` answers how many frames all of them have sent so far; `GET /pause` and
`GET /resume` stop them and let them go on, so that nothing is on its way while frames are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=farm\r\n\r\n"


class Farm:
    """The cameras."""

    def __init__(self, jpeg: bytes, fps: float) -> None:
        self._part = b"--farm\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
        self._fps = fps
        self._sent = 0
        self._clients = 0
        self._plays = asyncio.Event()
        self._plays.set()

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith((b"GET /sent ", b"GET /pause ", b"GET /resume ")):
                if request.startswith(b"GET /pause "):
                    self._plays.clear()
                elif request.startswith(b"GET /resume "):
                    self._plays.set()
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%d" % self._sent)
            else:
                await self._play(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        self._clients += 1
        loop = asyncio.get_running_loop()
        phase_s = (self._clients * 0.618 % 1) / self._fps  # cameras do not beat in time
        due = loop.time() + phase_s
        while True:
            if not self._plays.is_set():
                await self._plays.wait()
                due = loop.time() + phase_s
            await asyncio.sleep(due - loop.time())
            writer.write(self._part)
            await writer.drain()
            self._sent += 1
            due += 1 / self._fps


async def serve(jpeg: bytes, fps: float) -> None:
    """Serve until killed; prints the port."""
    server = await asyncio.start_server(Farm(jpeg, fps).on_connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jpeg", type=Path, required=True)
    parser.add_argument("--fps", type=float, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.jpeg.read_bytes(), options.fps))


if __name__ == "__main__":
    main()
