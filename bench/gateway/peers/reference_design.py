"""The design of the system replaced, in our own words: everything in one process, each viewer sent its own JSON.

    uvicorn.run of `app`; python reference_design.py PORT deflate|plain

Kept as its document describes it: the picture comes by POST, is decoded, and goes to every viewer of the camera as
`send_json` (which serialises for each viewer), all at once, with 500 ms for each.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections import defaultdict
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

app = FastAPI()
viewers: defaultdict[str, set[WebSocket]] = defaultdict(set)
counts: defaultdict[str, int] = defaultdict(int)


class Posted(BaseModel):
    """A worker's picture."""

    camera_id: str
    frame_base64: str
    metadata: dict[str, Any]


@app.post("/api/broadcast-detection")
async def broadcast(posted: Posted) -> dict[str, Any]:
    """Send a picture to all viewers of its camera, and answer when all have it."""
    picture = base64.b64decode(posted.frame_base64)
    counts[posted.camera_id] += 1
    message = {
        "type": "frame",
        "camera_id": posted.camera_id,
        "frame": "data:image/jpeg;base64," + base64.b64encode(picture).decode(),
        "metadata": posted.metadata,
        "frame_count": counts[posted.camera_id],
        "timestamp": time.time(),
    }
    watching = list(viewers[posted.camera_id])
    sends = (asyncio.wait_for(viewer.send_json(message), 0.5) for viewer in watching)
    for viewer, result in zip(watching, await asyncio.gather(*sends, return_exceptions=True), strict=True):
        if isinstance(result, BaseException):
            viewers[posted.camera_id].discard(viewer)
    return {
        "success": True,
        "viewers": len(watching),
        "camera_id": posted.camera_id,
        "frame_size": len(picture),
        "timestamp": posted.metadata.get("timestamp"),
    }


@app.websocket("/ws/viewer/detection")
async def view(websocket: WebSocket, camera_id: str) -> None:
    """Serve one viewer."""
    await websocket.accept()
    viewers[camera_id].add(websocket)
    try:
        while True:
            try:
                text = await asyncio.wait_for(websocket.receive_text(), 30)
            except TimeoutError:
                await websocket.send_text("keepalive")
                continue
            if text == "ping":
                await websocket.send_text("pong")
    except WebSocketDisconnect:
        pass
    finally:
        viewers[camera_id].discard(websocket)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        ws_per_message_deflate=sys.argv[2] == "deflate",
    )
