"""Serve the built dashboard: its page is always fresh, its hashed assets are kept by browsers for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Lotcast</title>
<p>The dashboard is not built: run <code>make web</code> and load this page again. The API is described at
<a href="/openapi.json">/openapi.json</a>.</p></html>"""


class Dashboard:
    """ASGI middleware that answers for the files of the dashboard's build and passes everything else on."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """Serve `folder`, which may be built later."""
        self._app = app
        self._root = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file, or pass the request on."""
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        answer = self._find(scope["path"]) if is_read else None
        await (answer or self._app)(scope, receive, send)

    def _find(self, path: str) -> Response | None:
        if path.startswith(("/api/", "/ws/")) or "\0" in path:
            return None
        if path == "/":
            index = self._root / "index.html"
            return FileResponse(index, headers={"Cache-Control": "no-cache"}) if index.is_file() else _not_built()
        try:
            wanted = (self._root / path.lstrip("/")).resolve()
            if not wanted.is_relative_to(self._root) or not wanted.is_file():
                return None
        except OSError:
            return None  # a name longer than any file's
        keep = "public, max-age=31536000, immutable" if path.startswith("/assets/") else "no-cache"
        return FileResponse(wanted, headers={"Cache-Control": keep})


def _not_built() -> Response:
    return HTMLResponse(NOT_BUILT, headers={"Cache-Control": "no-cache"})
