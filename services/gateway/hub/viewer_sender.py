"""Sends pictures to one viewer: at most one in transit and one waiting, which a newer one replaces."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final

from services.gateway.hub.encoded_message import Form
from services.gateway.hub.unsent import unsent_bytes
from services.gateway.metrics import GatewayMetrics

CHECKS_PER_DEADLINE: Final = 5

UNSENT_MAX_BYTES: Final = 131_072
"""How much unsent data the kernel buffers for a viewer. By default it buffers megabytes, and a slow viewer would see
pictures that are many seconds old instead of fewer, fresh ones."""


class ViewerSender:
    """Writes encoded bytes to one connection and never holds more than two pictures for it.

    A picture goes to the kernel in one system call, as in a plain socket loop: no task is woken, and nothing is copied
    or buffered for this viewer. The transport gets what the kernel does not accept immediately and keeps a reference
    to the shared bytes. Until it has flushed them the viewer is busy, and the newest picture waits.

    The protocol that owns the transport calls `paused` and `drained` from its `pause_writing` and `resume_writing`,
    and `close` when the connection is lost.

    Attributes:
        busy: whether the transport holds bytes that the kernel has not accepted.
        closed: whether nothing is sent any more.
        form: of the messages that are written.
        on_ready: called when the viewer can take more.
    """

    __slots__ = ("_cut_off", "_deadline_s", "_fd", "_metrics", "_progress_at", "_remaining", "_timer",
                 "_transport", "_waiting", "busy", "closed", "form", "on_ready")  # fmt: skip

    def __init__(
        self,
        transport: asyncio.Transport,
        form: Form,
        deadline_s: float,
        cut_off: Callable[[], None],
        metrics: GatewayMetrics,
    ) -> None:
        """Prepare to write pictures.

        Args:
            transport: of the connection.
            form: of the messages that are written.
            deadline_s: a viewer that reads no byte of a picture in transit for this many seconds is cut off.
            cut_off: called once, when that happens.
            metrics: count sent and dropped pictures, and viewers that were cut off.
        """
        self.form = form
        self.closed = False
        self.on_ready: Callable[[], None] = lambda: None
        self._transport = transport
        self._deadline_s = deadline_s
        self._cut_off = cut_off
        self._metrics = metrics
        self._waiting: bytes | None = None
        self.busy = False
        self._remaining = 0
        self._progress_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        sock = transport.get_extra_info("socket")
        is_plain = sock is not None and transport.get_extra_info("sslcontext") is None and os.name == "posix"
        self._fd: int = sock.fileno() if is_plain else -1
        if (
            sock is not None
            and sock.family in (socket.AF_INET, socket.AF_INET6)
            and hasattr(socket, "TCP_NOTSENT_LOWAT")
        ):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_MAX_BYTES)

    def start(self) -> None:
        """Start: from now on, any byte in the transport's buffer makes the viewer busy."""
        self._transport.set_write_buffer_limits(high=0)  # calls `paused` if bytes are still buffered

    def offer(self, wire: bytes) -> int:
        """Send a picture now or, while the viewer is busy, keep it waiting in place of an older one.

        Returns:
            How many pictures were sent: 1 or 0.
        """
        if self.closed:
            return 0
        if self.busy:
            if self._waiting is not None:
                self._metrics.frames.drop("send", "newer")
            self._waiting = wire
            return 0
        if self._fd < 0:
            self._transport.write(wire)
            return 1
        # The transport's buffer is empty, or the viewer would be busy, so bypassing it keeps the order. The descriptor
        # is open: the transport closes it only after `connection_lost`, which closes this sender.
        try:
            sent = os.write(self._fd, wire)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            self._transport.abort()
            return 0
        if sent < len(wire):
            self._transport.write(memoryview(wire)[sent:])
        return 1

    def paused(self) -> None:
        """Note that the transport holds bytes that the kernel has not accepted."""
        self.busy = True
        if self.closed or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        self._remaining = unsent_bytes(self._transport, self._fd)
        self._progress_at = loop.time()
        self._timer = loop.call_later(self._deadline_s / CHECKS_PER_DEADLINE, self._check_progress)

    def drained(self) -> None:
        """Note that the transport's buffer is empty, and send the picture that waits."""
        self.busy = False
        self._stop_timer()
        wire, self._waiting = self._waiting, None
        if wire is not None:
            self._metrics.frames.count("send", frames=self.offer(wire))
        if not self.busy:
            self.on_ready()

    def close(self) -> None:
        """Stop sending; closing the transport is left to its owner."""
        self.closed = True
        self._waiting = None
        self.on_ready = lambda: None
        self._stop_timer()

    def _check_progress(self) -> None:
        """Cut the viewer off if it has read nothing for too long."""
        loop = asyncio.get_running_loop()
        remaining = unsent_bytes(self._transport, self._fd)
        if remaining < self._remaining:
            self._remaining, self._progress_at = remaining, loop.time()
        elif loop.time() - self._progress_at >= self._deadline_s - 0.001:
            self.close()
            self._metrics.viewers_cut_off.inc()
            self._cut_off()
            return
        self._timer = loop.call_later(self._deadline_s / CHECKS_PER_DEADLINE, self._check_progress)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
