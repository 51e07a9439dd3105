"""Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks by itself.

Playwright drives only a Firefox of its own making; this is the one that people have.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.support.waiting import PATIENCE_S, wait_for

EXECUTABLE: Final = next((found for name in ("firefox-esr", "firefox") if (found := shutil.which(name))), None)
ANSWER_S: Final = 30.0


class FirefoxPage:
    """One tab.

    Attributes:
        problems: errors that scripts raised or the console showed.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.problems: list[str] = []
        self._socket = socket
        self._last_id = 0
        self._context = ""

    async def begin(self) -> None:
        """Open the session and take its first tab."""
        await self._command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        await self._command("session.subscribe", events=["log.entryAdded"])
        tree = await self._command("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    async def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        await self._command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def resize(self, width: int, height: int) -> None:
        """Set the size of what is seen of the page, in CSS pixels."""
        size = {"width": width, "height": height}
        await self._command("browsingContext.setViewport", context=self._context, viewport=size)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited: a string, a number, a boolean or null.

        Raises:
            AssertionError: it failed; the text says how.
        """
        answer = await self._command(
            "script.evaluate", expression=expression, target={"context": self._context}, awaitPromise=True
        )
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    async def until(self, expression: str, within_s: float = 30.0) -> None:
        """Wait until a JavaScript expression is true."""

        async def is_true() -> bool:
            with suppress(AssertionError, KeyError):  # in the middle of a change of page
                return await self.evaluate(f"Boolean({expression})") is True
            return False

        await wait_for(is_true, within_s)

    async def type(self, keys: str) -> None:
        """Press keys, one after the other, where the focus is; `\\ue007` is Enter."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        await self._command("input.performActions", context=self._context, actions=[source])

    async def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last_id += 1
        await self._socket.send_str(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        async with asyncio.timeout(ANSWER_S):
            while True:
                told = json.loads((await self._socket.receive()).data)
                if told.get("method") == "log.entryAdded" and told["params"]["level"] == "error":
                    self.problems.append(str(told["params"]["text"]))
                if told.get("id") == self._last_id:
                    assert told["type"] == "success", told
                    return dict(told["result"])


@asynccontextmanager
async def firefox_page(folder: Path, *, locale: str = "en-GB") -> AsyncIterator[FirefoxPage]:
    """A tab of a Firefox without a window.

    Args:
        folder: for its profile; empty.
        locale: the language that it asks for.
    """
    assert EXECUTABLE is not None
    (folder / "user.js").write_text(f'user_pref("intl.accept_languages", "{locale}");\n', "utf-8")
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0",
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while not (told := re.search(rb"listening on (ws://\S+)", await process.stderr.readline())):
                assert process.returncode is None, "Firefox did not start"
        rest = asyncio.create_task(process.stderr.read())  # so that it never waits for its messages to be read
        address = f"{told[1].decode()}/session"
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            page = FirefoxPage(socket)
            await page.begin()
            yield page
        rest.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
