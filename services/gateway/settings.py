"""The gateway's settings."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.errors import ConfigurationError
from libs.common.settings import ServiceSettings

DASHBOARD: Final = Path(__file__).parents[2] / "web/dist"


class GatewaySettings(ServiceSettings):
    """Relays viewer messages to browsers, takes those of old workers, and serves the API and the dashboard."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="port to listen on")] = 8069
    open: Annotated[bool, Field(description="`true`: serve everybody on an address that is not loopback")] = False
    frame_max_bytes: Annotated[int, Field(ge=1024, description="longest JPEG that the bridge takes")] = 8_000_000
    workers: Annotated[int, Field(ge=1, le=64, description="processes that share the port")] = 1
    viewers_max: Annotated[int, Field(ge=1, description="viewers at once, in this process")] = 2000
    send_timeout_s: Annotated[
        float, Field(gt=0, le=60, description="a viewer that cannot take a frame for this long is cut off")
    ] = 0.5
    keepalive_after_s: Annotated[
        float, Field(gt=0, le=600, description="`keepalive` is sent after this much silence of a viewer")
    ] = 30.0
    ping_interval_s: Annotated[float, Field(gt=0, le=600, description="WebSocket pings to viewers")] = 20.0
    ping_timeout_s: Annotated[
        float, Field(gt=0, le=600, description="a viewer that does not answer a WebSocket ping is closed")
    ] = 20.0
    head_max_bytes: Annotated[int, Field(ge=1024, le=1_048_576, description="longest head of a request")] = 16_384
    connections_per_address: Annotated[
        int, Field(ge=1, description="connections at once from one address, in one process")
    ] = 256
    trusted_proxies: Annotated[
        str,
        Field(
            description="addresses of reverse proxies: their X-Forwarded-For and -Proto are believed, "
            "and the limit of connections does not count for them"
        ),
    ] = "127.0.0.1,::1"
    dashboard_dir: Annotated[Path, Field(description="the built dashboard")] = DASHBOARD

    @property
    def trusted_proxy_list(self) -> tuple[str, ...]:
        """The addresses in `trusted_proxies`."""
        return tuple(address.strip() for address in self.trusted_proxies.split(",") if address.strip())

    def check_exposure(self) -> None:
        """Refuse to serve a network without anybody having said so.

        Raises:
            ConfigurationError: the address is not loopback and `GATEWAY_OPEN` is not true.
        """
        try:
            is_loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            is_loopback = self.host == "localhost"
        if not is_loopback and not self.open:
            raise ConfigurationError(
                f"GATEWAY_HOST: {self.host} can be reached from the network, and nobody has to log in; "
                "set GATEWAY_OPEN=true if that is what you want"
            )
