"""One viewer's connection as the hub sees it: one picture on its way, one waiting, and a newer one takes its place."""

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
"""What the kernel holds for a viewer before it is sent. By itself it would hold megabytes, and a slow viewer would see
pictures that are many seconds old instead of fewer, fresh ones."""


class ViewerSender:
    """Writes encoded bytes to one connection and never holds more than two pictures for it.

    A picture is handed to the kernel in one system call, the way a bare socket loop does it: no task wakes up, nothing
    is copied or buffered for this viewer. What the kernel does not take at once is left to the transport, which keeps
    a reference to the shared bytes; until it has passed on the last of them the viewer is busy, and the newest picture
    waits.

    The protocol that owns the transport calls `paused` and `drained` from its `pause_writing` and `resume_writing`,
    and `close` when the connection is lost.
    """

    __slots__ = ("_busy", "_cut_off", "_deadline_s", "_fd", "_metrics", "_progress_at", "_remaining", "_timer",
                 "_transport", "_waiting", "closed", "form", "on_ready")  # fmt: skip

    def __init__(
        self,
        transport: asyncio.Transport,
        form: Form,
        deadline_s: float,
        cut_off: Callable[[], None],
        metrics: GatewayMetrics,
    ) -> None:
        """Take over the writing of pictures.

        Args:
            transport: a stream.
            form: what is written to it.
            deadline_s: a viewer that takes no byte of a picture on its way for this long is cut off.
            cut_off: called once when that happens.
            metrics: what is counted.
        """
        self.form = form
        self.closed = False
        self.on_ready: Callable[[], None] = lambda: None
        self._transport = transport
        self._deadline_s = deadline_s
        self._cut_off = cut_off
        self._metrics = metrics
        self._waiting: bytes | None = None
        self._busy = False
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

    @property
    def is_busy(self) -> bool:
        """Whether bytes are on their way that the kernel has not taken."""
        return self._busy

    def start(self) -> None:
        """Begin: from now on one byte in the transport's buffer means that the viewer is busy."""
        self._transport.set_write_buffer_limits(high=0)  # calls `paused` if something is still on its way

    def offer(self, wire: bytes) -> int:
        """Send a picture now, or leave it waiting in place of an older one.

        Returns:
            How many pictures were sent now: 1 or 0.
        """
        if self.closed:
            return 0
        if self._busy:
            if self._waiting is not None:
                self._metrics.frames.drop("send", "newer")
            self._waiting = wire
            return 0
        if self._fd < 0:
            self._transport.write(wire)
            return 1
        # The transport holds nothing (else we were busy), so writing past it keeps the order. It has not closed the
        # descriptor either: it does so only after `connection_lost`, which closes this sender.
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
        """The transport holds bytes that the kernel does not take."""
        self._busy = True
        if self.closed or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        self._remaining = unsent_bytes(self._transport, self._fd)
        self._progress_at = loop.time()
        self._timer = loop.call_later(self._deadline_s / CHECKS_PER_DEADLINE, self._check_progress)

    def drained(self) -> None:
        """The transport's buffer has run empty."""
        self._busy = False
        self._stop_timer()
        wire, self._waiting = self._waiting, None
        if wire is not None:
            self._metrics.frames.count("send", frames=self.offer(wire))
        if not self._busy:
            self.on_ready()

    def close(self) -> None:
        """Send nothing more; the transport is somebody else's to close."""
        self.closed = True
        self._waiting = None
        self.on_ready = lambda: None
        self._stop_timer()

    def _check_progress(self) -> None:
        """Cut the viewer off if it has not taken a byte for too long."""
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
