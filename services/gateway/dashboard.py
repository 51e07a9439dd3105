"""Serve the built dashboard: its page is always fresh, its hashed assets are kept by browsers for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Lotcast</title>
<p>The dashboard is not built: run <code>make web</code> and load this page again. The API is at
<a href="/openapi.json">/openapi.json</a>.</p></html>"""


def install_dashboard(app: FastAPI, folder: Path) -> None:
    """Serve `folder`, the output of the dashboard's build, at `/`."""
    root = folder.resolve()

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        index = root / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    @app.get("/{path:path}", include_in_schema=False)
    async def file(path: str) -> Response:
        wanted = (root / path).resolve()
        if path.startswith(("api/", "ws/")) or not wanted.is_relative_to(root) or not wanted.is_file():
            raise HTTPException(404, f"there is nothing at /{path}")
        keep = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(wanted, headers={"Cache-Control": keep})
