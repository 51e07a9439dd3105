"""Look up cameras' names, each in a thread of its own: a name server that is silent makes no other camera wait."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult


class CameraResolver(AbstractResolver):
    """The system's own look-up, which knows `esp32.local` where the system does.

    It has no deadline: whoever waits sets one. A thread that is not waited for any more ends with the system's own
    deadline, and never keeps the process from ending.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: there is no such host.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Any]] = loop.create_future()

        def settle(answer: list[Any], problem: OSError | UnicodeError | None) -> None:
            if found.done():
                return  # nobody waits any more
            if problem is None:
                found.set_result(answer)
            else:
                found.set_exception(OSError(None, str(problem)))

        def look_up() -> None:
            answer: list[Any] = []
            problem: OSError | UnicodeError | None = None
            try:
                answer = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            except (OSError, UnicodeError) as error:
                problem = error
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(settle, answer, problem)

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        return [_result(host, *info) for info in await found]

    async def close(self) -> None:
        """Nothing is kept."""


def _result(host: str, family: int, _kind: int, protocol: int, _name: str, address: Any) -> ResolveResult:
    scope = f"%{address[3]}" if family == socket.AF_INET6 and address[3] else ""
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(
        hostname=host, host=f"{address[0]}{scope}", port=address[1], family=family, proto=protocol, flags=flags
    )
