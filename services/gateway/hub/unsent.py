"""How much a peer has yet to take: whether it makes progress shows here first."""

from __future__ import annotations

import array
import asyncio
import fcntl
import termios


def unsent_bytes(transport: asyncio.Transport, fd: int) -> int:
    """Bytes that are held for a peer: by the transport, and by the kernel until the peer has confirmed them.

    The kernel takes more from the transport only when half of what it holds is gone. At 100 KB/s that is longer than a
    viewer may make no progress, so the transport alone would not do.

    Args:
        transport: of a connection.
        fd: its descriptor; -1 if there is none that could be asked.
    """
    held = array.array("i", [0])
    if fd >= 0:
        try:
            fcntl.ioctl(fd, termios.TIOCOUTQ, held)
        except OSError:
            held[0] = 0  # a system that does not tell this of sockets
    return transport.get_write_buffer_size() + held[0]
