"""`GET /metrics` and `GET /healthz` of a service that has no web server otherwise, from its own event loop.

Being on the loop is the point: a service whose loop is stuck does not answer, which is what health checks look for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import Field

from libs.common.errors import ConfigurationError
from libs.common.logging import get_logger
from libs.common.monitoring.liveness import LivenessCheck
from libs.common.settings import ServiceSettings

_log = get_logger("monitoring")

DEADLINE_S: Final = 5.0
"""A request is read and answered within this, or dropped."""
HEAD_MAX_BYTES: Final = 8192
CONNECTIONS_MAX: Final = 16

Answer = tuple[str, str, bytes]
"""Status line, content type, body."""


class MonitoringSettings(ServiceSettings):
    """Settings of a service that is watched through a port of its own.

    The port is off by default: several services run on one machine, and nobody would look. Where each has an address of
    its own, as in a container, all may have the same port.
    """

    metrics_host: Annotated[str, Field(description="address of `/metrics` and `/healthz`; anybody there may read")] = (
        "127.0.0.1"
    )
    metrics_port: Annotated[int, Field(ge=0, le=65535, description="port of `/metrics` and `/healthz`; 0: none")] = 0


@asynccontextmanager
async def monitoring(
    settings: MonitoringSettings, registry: CollectorRegistry, liveness_checks: Sequence[LivenessCheck]
) -> AsyncIterator[None]:
    """Serve `/metrics` and `/healthz` as long as the context is open; do nothing if the port is 0.

    Args:
        settings: where to listen.
        registry: what `/metrics` tells.
        liveness_checks: `/healthz` answers 200 while all of them beat, and 503 with the reason otherwise.

    Raises:
        ConfigurationError: the address cannot be had; the text names the variable.
    """
    if not settings.metrics_port:
        yield
        return
    server = _MonitoringServer(registry, liveness_checks)
    listening = await server.listen(settings)
    _log.info("metrics and health are served", host=settings.metrics_host, port=settings.metrics_port)
    try:
        yield
    finally:
        listening.close()
        server.drop_all()


class _MonitoringServer:
    def __init__(self, registry: CollectorRegistry, liveness_checks: Sequence[LivenessCheck]) -> None:
        self._registry = registry
        self._liveness_checks = liveness_checks
        self._at_work: set[asyncio.Task[None]] = set()

    async def listen(self, settings: MonitoringSettings) -> asyncio.Server:
        """Begin to serve."""
        host, port = settings.metrics_host, settings.metrics_port
        try:
            return await asyncio.start_server(self._serve, host, port, limit=HEAD_MAX_BYTES)
        except OSError as error:
            variable = f"{settings.model_config['env_prefix']}METRICS_PORT"
            reason = error.strerror or error
            raise ConfigurationError(
                f"{variable}: cannot listen on {host}:{port}: {reason}; another port, or 0 for none, is needed"
            ) from None

    def drop_all(self) -> None:
        """End the requests under way."""
        for task in self._at_work:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        task = asyncio.current_task()
        if task is None or len(self._at_work) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._at_work.add(task)
        try:
            async with asyncio.timeout(DEADLINE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_http(*self._answer(head)))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            _log.debug("a request came to nothing", error=str(error))
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()  # the service stops; nobody waits for this task's end but the loop
        finally:
            self._at_work.discard(task)
            writer.close()

    def _answer(self, head: bytes) -> Answer:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method != b"GET":
            return _told("405 Method Not Allowed", detail="only GET")
        if path == b"/metrics":
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest(self._registry)
        if path == b"/healthz":
            problems = [problem for liveness in self._liveness_checks if (problem := liveness.problem())]
            if problems:
                return _told("503 Service Unavailable", status="not healthy", detail="; ".join(problems))
            return _told("200 OK", status="ok")
        return _told("404 Not Found", detail="here are /metrics and /healthz")


def _told(status_line: str, **fields: str) -> Answer:
    return status_line, "application/json", json.dumps(fields).encode()


def _http(status_line: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status_line}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
