"""Serve the built dashboard, compressed: browsers ask for its page each time and keep its hashed assets for a year."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.compression import CompressedFiles, accepts_gzip

KEEP: Final = "public, max-age=31536000, immutable"
"""For files whose name has their contents' hash in it."""

NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Lotcast</title>
<p>The dashboard is not built: run <code>make web</code> and load this page again. The API is described at
<a href="/openapi.json">/openapi.json</a>.</p></html>"""

PAGES: Final = ("/", "/cameras", "/system")
"""Addresses of the dashboard's pages; those of single cameras are below `/cameras/`. One file serves them all."""


def is_page(path: str) -> bool:
    """Whether an address is one of the dashboard's pages."""
    return path in PAGES or path.startswith("/cameras/")


class Dashboard:
    """ASGI middleware that answers for the files of the dashboard's build and passes everything else on."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """Serve `folder`, which may be built later."""
        self._app = app
        self._root = folder.resolve()
        self._compressed = CompressedFiles()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file, or pass the request on."""
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        answer = await self._find(scope["path"], Headers(scope=scope)) if is_read else None
        await (answer or self._app)(scope, receive, send)

    async def _find(self, path: str, asked: Headers) -> Response | None:
        if path.startswith(("/api/", "/ws/")) or "\0" in path:
            return None
        try:
            wanted = (self._root / ("index.html" if is_page(path) else path.lstrip("/"))).resolve()
            if not wanted.is_relative_to(self._root) or not wanted.is_file():
                return _not_built() if is_page(path) else None
            return await self._answer(wanted, asked, is_hashed=path.startswith("/assets/"))
        except OSError:
            return None  # a name longer than any file's, or a file that has just gone

    async def _answer(self, file: Path, asked: Headers, *, is_hashed: bool) -> Response:
        found = file.stat()  # noqa: ASYNC240 - a stat of a local file, as FileResponse does
        takes_gzip = accepts_gzip(asked.get("accept-encoding", "")) and "range" not in asked
        body = await self._compressed.get(file, found) if takes_gzip else None
        # One tag for each form: a cache must not take the one for the other.
        tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}{"" if body is None else "-gzip"}"'
        headers = {"Cache-Control": KEEP if is_hashed else "no-cache", "Vary": "Accept-Encoding", "ETag": tag}
        if tag in {known.strip().removeprefix("W/") for known in asked.get("if-none-match", "").split(",")}:
            return Response(status_code=304, headers=headers)
        if body is None:
            return FileResponse(file, headers=headers)
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return Response(body, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)


def _not_built() -> Response:
    return HTMLResponse(NOT_BUILT, headers={"Cache-Control": "no-cache"})
