"""Whether the services will be able to listen where their settings want it, asked before anything starts."""

from __future__ import annotations

import ipaddress
import socket

from libs.common.errors import ConfigurationError


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_can_listen(prefix: str, host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Args:
        prefix: of the settings that name it, `GATEWAY` or `INGEST_METRICS`.
        host: name or address.
        port: TCP.

    Raises:
        ConfigurationError: the text names the setting.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise ConfigurationError(f"{prefix}_HOST: {host!r} is no address of this machine") from None
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except PermissionError:
                raise ConfigurationError(
                    f"cannot listen on {host}:{port}: only root may use ports below 1024; "
                    f"set {prefix}_PORT to a free port"
                ) from None
            except OSError as error:
                raise ConfigurationError(
                    f"cannot listen on {host}:{port}: {error.strerror}; set {prefix}_PORT to a free port"
                ) from None


def url_of(host: str, port: int) -> str:
    """The address at which a browser on this machine reaches a server on `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}/" if address.version == 4 else f"http://[{address}]:{port}/"
