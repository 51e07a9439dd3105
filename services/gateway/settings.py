"""The gateway's settings."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.common.cameras import URL_SCHEMES
from libs.common.errors import ConfigurationError
from libs.common.settings import PROJECT, ServiceSettings
from services.gateway.security.tokens import TokenSet, load_tokens

DASHBOARD_IN_WHEEL: Final = Path(__file__).parent / "dashboard_files"
"""Where `make wheel` puts a copy of the built dashboard."""


def dashboard_folder() -> Path:
    """The built dashboard: a clone's own build, which may come later, or what the wheel carries."""
    return PROJECT / "web/dist" if (PROJECT / "web/package.json").is_file() else DASHBOARD_IN_WHEEL


class GatewaySettings(ServiceSettings):
    """Relays viewer messages to browsers, takes those of old workers, and serves the API and the dashboard."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="port to listen on")] = 8069
    published_at: Annotated[
        str, Field(description="address at which a container engine or a proxy publishes it, if not the host")
    ] = ""
    open: Annotated[bool, Field(description="`true`: without tokens, serve everybody who reaches the address")] = False
    tokens: Annotated[
        SecretStr,
        Field(
            description="`role:token`, several separated by commas; roles: viewer, kiosk, worker, admin; a token has "
            "16 to 256 letters, digits or `._~+/=-`"
        ),
    ] = SecretStr("")
    tokens_file: Annotated[Path | None, Field(description="a file with one `role:token` a line")] = None
    allowed_origins: Annotated[
        str, Field(description="origins beside our own whose pages may use the gateway, separated by commas")
    ] = ""
    logins_per_minute: Annotated[
        int, Field(ge=1, description="attempts to log in from one address, in one process")
    ] = 10
    session_hours: Annotated[float, Field(gt=0, le=8760, description="how long a browser stays logged in")] = 12.0
    camera_schemes: Annotated[str, Field(description="schemes of camera URLs that the API takes")] = ",".join(
        sorted(URL_SCHEMES)
    )
    frame_max_bytes: Annotated[int, Field(ge=1024, description="longest JPEG that the bridge takes")] = 8_000_000
    unregistered_max: Annotated[
        int,
        Field(ge=0, le=1000, description="cameras that nobody registered: as many may workers broadcast at once"),
    ] = 100
    unregistered_max_bytes: Annotated[
        int, Field(ge=0, description="total size of their last pictures in Redis, in bytes")
    ] = 64_000_000
    workers: Annotated[int, Field(ge=1, le=64, description="processes that share the port")] = 1
    viewers_max: Annotated[int, Field(ge=1, description="viewers at once, in this process")] = 2000
    send_timeout_s: Annotated[
        float,
        Field(gt=0, le=60, description="a viewer that takes no byte of a picture on its way for this long is cut off"),
    ] = 0.5
    still_picture_every_s: Annotated[
        float,
        Field(ge=1, le=300, description="a live viewer of a lot where nothing changes gets a fresh picture this often"),
    ] = 15.0
    keepalive_after_s: Annotated[
        float,
        Field(
            gt=0,
            le=600,
            description="`keepalive` is sent after this much silence of a viewer; a live one that is silent for as "
            "long again is closed",
        ),
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
            description="addresses or networks of reverse proxies: their X-Forwarded-For and -Proto are believed, "
            "and the limit of connections does not count for them"
        ),
    ] = "127.0.0.1,::1"
    dashboard_dir: Annotated[Path, Field(description="the built dashboard")] = dashboard_folder()

    @property
    def trusted_proxy_list(self) -> tuple[str, ...]:
        """The addresses in `trusted_proxies`."""
        return _listed(self.trusted_proxies)

    @property
    def allowed_origin_set(self) -> frozenset[str]:
        """The origins in `allowed_origins`, as browsers write them."""
        return frozenset(origin.rstrip("/").lower() for origin in _listed(self.allowed_origins))

    @property
    def camera_scheme_set(self) -> frozenset[str]:
        """The schemes in `camera_schemes`."""
        return frozenset(_listed(self.camera_schemes))

    def load_tokens(self) -> TokenSet:
        """The tokens from both places.

        Raises:
            ConfigurationError: one of them is not in order.
        """
        return load_tokens(self.tokens.get_secret_value(), self.tokens_file)

    def check_exposure(self, tokens: TokenSet) -> None:
        """Refuse to serve a network without anybody having said so.

        Raises:
            ConfigurationError: the address is not loopback, there are no tokens and `GATEWAY_OPEN` is not true.
        """
        if not self.is_loopback and not tokens and not self.open:
            variable = "GATEWAY_PUBLISHED_AT" if self.published_at else "GATEWAY_HOST"
            raise ConfigurationError(
                f"{variable}: {self.reached_at} can be reached from the network, and nobody would have to log in; set "
                "GATEWAY_TOKENS or GATEWAY_TOKENS_FILE, or GATEWAY_OPEN=true if everybody may watch and change things"
            )

    @property
    def reached_at(self) -> str:
        """The address at which others reach the gateway."""
        return self.published_at or self.host

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the gateway."""
        try:
            return ipaddress.ip_address(self.reached_at).is_loopback
        except ValueError:
            return self.reached_at == "localhost"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
