"""A small ONVIF camera: WS-Discovery over UDP and its services over HTTP; prints `ready` and its HTTP port.

python -m tests.support.onvif_camera ADDRESS [USER PASSWORD]
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

GROUP, PORT = "239.255.255.250", 3702
SOAP = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:x="urn:x"><s:Body>{}</s:Body></s:Envelope>'
CLOCK = (
    "<x:UTCDateTime><x:Time><x:Hour>4</x:Hour><x:Minute>5</x:Minute><x:Second>6</x:Second></x:Time>"
    "<x:Date><x:Year>2001</x:Year><x:Month>2</x:Month><x:Day>3</x:Day></x:Date></x:UTCDateTime>"
)
PROFILES = "".join(
    f'<x:Profiles token="{token}"><x:Name>{name}</x:Name><x:VideoEncoderConfiguration><x:Resolution>'
    f"<x:Width>{width}</x:Width><x:Height>{height}</x:Height></x:Resolution></x:VideoEncoderConfiguration></x:Profiles>"
    for token, name, width, height in (("t1", "main", 1920, 1080), ("t2", "sub", 640, 360))
)
FAULT = "<s:Fault><s:Code><s:Value>ter:NotAuthorized</s:Value></s:Code></s:Fault>"


class Camera:
    """Answers the requests that a client makes to find its streams."""

    def __init__(self, address: str, login: tuple[str, str] | None) -> None:
        self.address = address
        self.port = 0
        self._login = login

    def is_let_in(self, request: str) -> bool:
        """Whether the request's WS-Security digest is right, and made in the camera's own time."""
        if self._login is None:
            return True
        user, password = self._login
        fields = {
            name: re.search(rf"<{name}(?: [^>]*)?>([^<]*)<", request)
            for name in ("Username", "Password", "Nonce", "Created")
        }
        found = {name: match[1] for name, match in fields.items() if match}
        if found.get("Username") != user or not found.get("Created", "").startswith("2001-02-03T04:05"):
            return False
        text = b64decode(found["Nonce"]) + found["Created"].encode() + password.encode()
        return b64encode(hashlib.sha1(text).digest()).decode() == found["Password"]

    def body(self, request: str) -> tuple[int, str]:
        """Status and SOAP body of an answer."""
        if "GetSystemDateAndTime" in request:
            return 200, CLOCK
        if not self.is_let_in(request):
            return 400, FAULT
        if "GetCapabilities" in request:
            return 200, f"<x:Media><x:XAddr>http://10.9.8.7:{self.port}/onvif/media</x:XAddr></x:Media>"
        if "GetDeviceInformation" in request:
            return 200, "<x:Manufacturer>Acme</x:Manufacturer><x:Model>Eye 3</x:Model>"
        if "GetProfiles" in request:
            return 200, PROFILES
        token = (re.search(r"ProfileToken>(\w+)<", request) or ["", ""])[1]
        if "GetStreamUri" in request:
            return 200, f"<x:MediaUri><x:Uri>rtsp://10.9.8.7:554/{token}</x:Uri></x:MediaUri>"
        if "GetSnapshotUri" in request and token == "t1":
            return 200, f"<x:MediaUri><x:Uri>http://10.9.8.7:{self.port}/snap/{token}</x:Uri></x:MediaUri>"
        return 500, "<s:Fault><s:Code><s:Value>ter:ActionNotSupported</s:Value></s:Code></s:Fault>"

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = int((re.search(r"(?i)content-length: (\d+)", head) or ["", "0"])[1])
            status, body = self.body((await reader.readexactly(length)).decode())
            text = SOAP.format(body).encode()
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(text), text)
            )
            await writer.drain()
        finally:
            writer.close()


class Discovery(asyncio.DatagramProtocol):
    """Answers WS-Discovery probes."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # which it is, whatever its class says

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if b"NetworkVideoTransmitter" in data:
            service = f"http://{self._camera.address}:{self._camera.port}/onvif/device_service"
            addresses = f"<x:XAddrs>http://10.9.8.7/x {service}</x:XAddrs>"
            answer = f"<x:ProbeMatches><x:ProbeMatch>{addresses}</x:ProbeMatch></x:ProbeMatches>"
            self._transport.sendto(SOAP.format(answer).encode(), addr)


@asynccontextmanager
async def onvif_service(login: tuple[str, str] | None = None) -> AsyncIterator[str]:
    """The HTTP part of a camera alone, which multicast does not reach; its `host:port`."""
    camera = Camera("127.0.0.1", login)
    server = await asyncio.start_server(camera.on_connection, "127.0.0.1", 0)
    camera.port = server.sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{camera.port}"
    finally:
        server.close()


async def main(address: str, *login: str) -> None:
    """Serve until killed."""
    camera = Camera(address, (login[0], login[1]) if login else None)
    server = await asyncio.start_server(camera.on_connection, address, 0)
    camera.port = server.sockets[0].getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.bind(("", PORT))
    udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(address))
    udp.setblocking(False)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Discovery(camera), sock=udp)
    sys.stdout.write(f"ready {camera.port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
