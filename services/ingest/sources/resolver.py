"""Looks up host names, each in its own thread, so that a silent name server delays no other camera."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As `socket.getaddrinfo` gives it."""


async def resolve(host: str, port: int) -> list[AddressInfo]:
    """The addresses of a host: the system's own look-up, which knows `esp32.local` where the system does.

    It has no deadline: the caller sets one. A thread that nobody waits for any more ends with the system's own
    deadline, and never keeps the process from ending.

    Raises:
        OSError: there is no such host.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[AddressInfo]] = loop.create_future()

    def settle(answer: list[AddressInfo], problem: OSError | UnicodeError | None) -> None:
        if found.done():
            return  # nobody waits any more
        if problem is None:
            found.set_result(answer)
        else:
            found.set_exception(OSError(None, str(problem)))

    def look_up() -> None:
        answer: list[AddressInfo] = []
        problem: OSError | UnicodeError | None = None
        try:
            answer = list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))
        except (OSError, UnicodeError) as error:
            problem = error
        with suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(settle, answer, problem)

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    return await found
