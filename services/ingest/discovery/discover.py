"""Find the cameras on the network, or at some addresses, and ask each for its streams."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Final

from libs.common.probe_queue import DiscoverResult, FoundCamera
from services.ingest.discovery.onvif import OnvifDevice
from services.ingest.discovery.ws_discovery import find_services
from services.ingest.settings import IngestSettings

LISTEN_S: Final = 3.0
AT_ONCE_MAX: Final = 8
DESCRIBE_WITHIN_S: Final = 15.0
NOTHING: Final = (
    "no ONVIF camera answered. Multicast does not leave a container's bridge network, nor a router: there, name the "
    "camera's address (lotcast discover 192.0.2.7). ONVIF may also be switched off in the camera"
)


async def discover(
    settings: IngestSettings,
    addresses: Sequence[str] = (),
    user: str = "",
    password: str = "",
    listen_s: float = LISTEN_S,
) -> DiscoverResult:
    """Look for ONVIF cameras.

    Args:
        settings: deadlines.
        addresses: hosts, or host:port, to ask; none for all that answer a multicast.
        user: for their ONVIF services; may be empty.
        password: that user's.
        listen_s: how long to wait for answers to the multicast.

    Returns:
        What was found; a camera that does not say more is a result too.
    """
    services = await _services(addresses, listen_s)
    slots = asyncio.Semaphore(AT_ONCE_MAX)

    async def describe(service: str) -> FoundCamera:
        async with slots:
            try:
                async with asyncio.timeout(DESCRIBE_WITHIN_S):
                    return await OnvifDevice(service, settings, user, password).describe()
            except TimeoutError:
                return FoundCamera(address=service.partition("://")[2].partition("/")[0], problem="it is too slow")

    cameras = await asyncio.gather(*(describe(service) for service in services))
    return DiscoverResult(cameras=list(cameras), problem="" if cameras else NOTHING)


async def _services(addresses: Sequence[str], listen_s: float) -> list[str]:
    """The URLs of the device services to ask."""
    hosts = [address for address in addresses if _is_ipv4(address)]
    found = await find_services(hosts, listen_s / 2 if hosts else listen_s) if hosts or not addresses else {}
    services = [urls[0] for urls in found.values()]
    # One that is named and does not answer WS-Discovery is asked where the standard says its service is.
    services += [f"http://{address}/onvif/device_service" for address in addresses if address not in found]
    return services


def _is_ipv4(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 4
    except ValueError:
        return False
