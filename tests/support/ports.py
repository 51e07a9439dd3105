"""TCP ports for what tests start: ones that neither another test nor a client's connection takes meanwhile."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from functools import cache
from typing import Final

FIRST: Final = 12_000
BLOCK: Final = 200
BLOCKS: Final = 100
"""They end at 32,000: systems take the ports of outgoing connections from above that."""

_claims: list[socket.socket] = []


def free_port() -> int:
    """A TCP port on loopback that nobody listens on.

    A port that the system chooses (0) may be given to another process, or to a client's connection, before the server
    that wants it has started. So each process that asks gets a block of its own, which it holds by being bound to the
    block's first port, and hands out the others in turn.

    Raises:
        AssertionError: all of its ports are listened on.
    """
    ports = _own_ports()
    for _ in range(BLOCK):
        port = next(ports)
        if (probe := _bound(port, reuse=True)) is not None:
            probe.close()
            return port
    raise AssertionError(f"somebody listens on each port of the block that has {port} in it")


@cache
def _own_ports() -> Iterator[int]:
    """The ports of the block that this process has claimed, over and over."""
    for number in range(BLOCKS):
        first = FIRST + (os.getpid() + number) % BLOCKS * BLOCK
        if (claim := _bound(first, reuse=False)) is not None:
            _claims.append(claim)
            return itertools.cycle(range(first + 1, first + BLOCK))
    raise AssertionError("all blocks of ports are taken")


def _bound(port: int, *, reuse: bool) -> socket.socket | None:
    """A socket that is bound to it, where nobody is; `reuse`: also where connections of an ended server linger."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.close()
        return None
    return probe
