"""Find ONVIF devices on the local network: WS-Discovery 1.0 over UDP, by multicast or asked one by one.

ONVIF Core Specification, section 7; the messages are two, so no SOAP library is needed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from libs.common.errors import SourceError
from services.ingest.discovery.soap import parse_xml, texts

PORT: Final = 3702
GROUP: Final = "239.255.255.250"
FOUND_MAX: Final = 256
DATAGRAM_MAX_BYTES: Final = 65_536
_TYPES: Final = (
    'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><d:Types>dn:NetworkVideoTransmitter</d:Types>',
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><d:Types>tds:Device</d:Types>',
)
_PROBE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">'
    "<e:Header><w:MessageID>urn:uuid:{id}</w:MessageID>"
    "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe {types}</d:Probe></e:Body></e:Envelope>"
)


class _Listener(asyncio.DatagramProtocol):
    """Collects the service addresses from the answers."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Called by the event loop."""
        host = str(addr[0])
        if len(self.found) >= FOUND_MAX or len(data) > DATAGRAM_MAX_BYTES:
            return
        try:
            answer = parse_xml(data)
        except SourceError:
            return  # something else talks on this port
        addresses = " ".join(texts(answer, "XAddrs")).split()
        good = [one for one in addresses[:8] if one.startswith(("http://", "https://"))]
        if good:
            # The address that answered is one that can be reached; others may be of another network.
            good.sort(key=lambda one: urlsplit(one).hostname != host)
            self.found.setdefault(host, good)


async def find_services(hosts: Sequence[str], seconds: float) -> dict[str, list[str]]:
    """Ask for ONVIF devices.

    Args:
        hosts: IPv4 addresses to ask; none for a multicast from every interface.
        seconds: how long to listen.

    Returns:
        The addresses of the devices' services, by the host that answered.
    """
    loop = asyncio.get_running_loop()
    listener = _Listener()
    transports = []
    for interface in [None] if hosts else [index for index, _ in socket.if_nameindex()]:
        made = _socket(interface)
        if made is not None:
            transports.append((await loop.create_datagram_endpoint(lambda: listener, sock=made))[0])
    try:
        for _ in range(2):  # a datagram may be lost
            for transport in transports:
                for types in _TYPES:
                    probe = _PROBE.format(id=uuid.uuid4(), types=types).encode()
                    for host in hosts or (GROUP,):
                        transport.sendto(probe, (host, PORT))
            await asyncio.sleep(seconds / 2)
    finally:
        for transport in transports:
            transport.close()
    return listener.found


def _socket(interface: int | None) -> socket.socket | None:
    """A socket that sends multicasts from an interface; None if it has none."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        if interface is not None:
            any_address = socket.inet_aton("0.0.0.0")
            made.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", any_address, any_address, interface)
            )
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
        made.bind(("", 0))
    except OSError:
        made.close()
        return None
    return made
