"""`python -m deploy.demo.registration`: the demo's cameras are registered while this runs, and gone once it stops.

For containers, where the demo is a profile beside an installation that goes on without it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp

from libs.common.shutdown import sleep_until_stopped, stop_on_signals

ASSETS = Path(__file__).parent / "assets"
LOOK_EVERY_S = 5.0
ANSWER_TIMEOUT_S = 5.0
FPS = 10
PICTURES_HAVE_COME = Path("/tmp/pictures-have-come")
"""Made once every camera has shown a picture, for the container's health check."""


class Registration:
    """The demo's cameras at a gateway."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        files = sorted(ASSETS.glob("*.spaces.json"))
        self._descriptions = [json.loads(file.read_text("utf-8")) for file in files]
        self._urls = [f"http://demo-camera-{file.name.partition('.')[0]}:8081/stream" for file in files]
        self._seeded: set[str] = set()
        self._listed: set[str] = set()

    async def seed(self) -> None:
        """Register each camera once; what somebody changes or deletes afterwards stays so until the next start.

        Only if several cameras stood there at the last look, and at this one there is none, Redis has lost its data,
        since people delete one camera after another: then all begins anew.

        Raises:
            aiohttp.ClientError: the gateway cannot be reached, or refuses.
        """
        listed = await self._list()
        if not listed and len(self._listed) > 1:
            _say("all cameras are gone at once; registering them again")
            self._seeded.clear()
        self._listed = listed
        for described, url in zip(self._descriptions, self._urls, strict=True):
            camera: dict[str, Any] = {**described["camera"], "url": url, "fps": FPS}
            if camera["id"] not in self._seeded:
                await self._register(camera, described["spaces"])
                self._seeded.add(camera["id"])

    async def _list(self) -> set[str]:
        async with self._session.get("/api/cameras") as answer:
            answer.raise_for_status()
            return {camera["id"] for camera in (await answer.json())["cameras"]}

    async def _register(self, camera: dict[str, Any], spaces: list[dict[str, Any]]) -> None:
        async with self._session.post("/api/cameras", json=camera) as answer:
            if answer.status == 409:
                return  # it is there; somebody may have changed its spaces since
            answer.raise_for_status()
        async with self._session.put(f"/api/cameras/{camera['id']}/spaces", json={"spaces": spaces}) as answer:
            if answer.status != 404:  # somebody was quick to delete it
                answer.raise_for_status()
        _say(f"registered {camera['id']}")

    async def have_pictures(self) -> bool:
        """Whether every camera has an annotated picture."""
        for described in self._descriptions:
            async with self._session.get(f"/api/cameras/{described['camera']['id']}/snapshot.jpg") as answer:
                if answer.status != 200:
                    return False
        return True

    async def remove(self) -> None:
        """Forget the cameras and all that is kept of them.

        Raises:
            aiohttp.ClientError: the gateway cannot be reached, or refuses.
        """
        for described in self._descriptions:
            async with self._session.delete(f"/api/cameras/{described['camera']['id']}") as answer:
                if answer.status != 404:
                    answer.raise_for_status()
            _say(f"removed {described['camera']['id']}")


def _say(text: str) -> None:
    sys.stdout.write(f"demo: {text}\n")
    sys.stdout.flush()


def _headers() -> dict[str, str]:
    """Name this machine as the host, as the gateway wants it without tokens; show the admin's token if there is one."""
    headers = {"Host": "localhost"}
    file = os.environ.get("GATEWAY_TOKENS_FILE")
    lines = Path(file).read_text("utf-8").splitlines() if file else []
    for line in lines:
        role, _, token = line.strip().partition(":")
        if role == "admin":
            headers["Authorization"] = f"Bearer {token}"
    return headers


async def run(gateway_url: str) -> None:
    """Register the cameras, and remove them when a signal comes."""
    stop = stop_on_signals()
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
    async with aiohttp.ClientSession(gateway_url, headers=_headers(), timeout=timeout) as session:
        registration = Registration(session)
        have_come = False
        while not stop.is_set():
            try:
                await registration.seed()
                if not have_come and await registration.have_pictures():
                    have_come = True
                    PICTURES_HAVE_COME.touch()  # noqa: ASYNC240 - in memory
            except (aiohttp.ClientError, TimeoutError) as error:
                _say(f"the gateway does not do as asked: {error}; trying again")
            await sleep_until_stopped(stop, LOOK_EVERY_S if have_come else 0.5)
        try:
            await registration.remove()
        except (aiohttp.ClientError, TimeoutError) as error:
            _say(f"the cameras stay registered: {error}")


if __name__ == "__main__":
    asyncio.run(run(os.environ.get("GATEWAY_URL", "http://127.0.0.1:8069")))
