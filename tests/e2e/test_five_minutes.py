"""From nothing to a right count in five minutes: a camera at a real lot is added and its forty spaces are marked.

Every click, drag and key is counted. The truth is PKLot's. The person sees where the proposals do not fit and draws
there: a whole row by its ends, or a corner.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, expect

from services.detector.evaluation import LabelledSpace, load_dataset
from services.gateway.settings import dashboard_folder
from tests.e2e.lot_manager import FITS, LEFT_FROM, Days, Manager, drags_to, pairs, wrong_spaces
from tests.support.cameras import serving
from tests.support.processes import Gateway, running, running_gateway
from tests.support.real_data import PKLOT, YOLO11N, needs_real_data
from tests.support.waiting import wait_for

ACTIONS_MAX: Final = 60
TIME_MAX_S: Final = 300.0
FPS: Final = 4.0
HELD_S: Final = 5.0
"""For how long the camera shows each picture of the four days."""
LAST: Final = "2013-03-19_07_25_01.jpg"
"""The picture it stays at: 24 of the 40 spaces are taken."""
ROWS: Final = tuple(
    tuple(f"space_{number}" for number in range(first, last + 1))
    for first, last in ((1, 10), (11, 20), (21, 29), (30, 37), (38, 40))
)
"""As a person sees them on the picture."""
ROW_ACTIONS: Final = 10
"""Of drawing a row by its ends: the tool, eight corners, Enter."""
EXTRA_MAX: Final = 16
"""Proposed spaces that PKLot has not marked; the person leaves them."""
LOOKS_MAX: Final = 3
"""How often the person looks whether all fits: corners snap to their neighbours', so that a drag may end beside."""
SPACES: Final = "/api/cameras/lot/spaces"
DETECTOR: Final = {
    "DETECTOR_MODEL": str(YOLO11N),
    "DETECTOR_MOTION_THRESHOLD": "0",  # a sample wants the model to have looked just then
    "DETECTOR_PROPOSALS_EVERY_S": "0.25",  # a day of the lot passes in twenty seconds
    "DETECTOR_INSPECT_EVERY_S": "1",
    "DETECTOR_FROZEN_AFTER_S": "0",  # the last picture stays
}

pytestmark = [
    needs_real_data,
    pytest.mark.skipif(not (dashboard_folder() / "index.html").is_file(), reason="make web builds the dashboard"),
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(500),
    pytest.mark.asyncio(loop_scope="session"),
]


async def get(gateway: Gateway, path: str) -> Any:
    return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(f"{gateway.url}{path}").read()))


async def test_from_the_empty_page_to_forty_right_spaces(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    pictures = load_dataset(PKLOT).images
    names = [*(picture.image for picture in pictures), LAST]
    truth = next(picture.spaces for picture in pictures if picture.image == LAST)
    days = Days([(PKLOT / name).read_bytes() for name in names], FPS, HELD_S)
    environment = {"REDIS_URL": redis_url}
    async with serving(days.handler) as camera_url:
        with (
            running("services.ingest", environment, tmp_path / "ingest.log"),
            running("services.detector", environment | DETECTOR, tmp_path / "detector.log") as detector,
            running_gateway(redis_url, tmp_path) as gateway,
        ):
            await asyncio.to_thread(detector.wait_for_log, "detector ready", 60)
            manager = Manager(await browser.new_page(viewport={"width": 1440, "height": 900}))
            began_s = time.monotonic()
            await manager.page.goto(gateway.url)
            await add_camera(manager, camera_url)
            days.begin()
            await wait_for(lambda: days.is_over, len(names) * HELD_S + 30)
            await mark_spaces(manager, gateway, truth)

            drawn = {one["space_id"]: one["polygon"] for one in (await get(gateway, SPACES))["spaces"]}
            wrong: list[str] = []

            async def is_all_right() -> bool:
                told = (await get(gateway, "/api/cameras/lot/occupancy"))["spaces"]
                wrong[:] = wrong_spaces(truth, drawn, {one["space_id"]: one for one in told})
                return not wrong

            with contextlib.suppress(AssertionError):
                await wait_for(is_all_right, 60, 0.5)
            took_s = time.monotonic() - began_s
    print(f"{manager.actions} actions, {took_s:.0f} s, {len(drawn)} spaces")  # noqa: T201 - for docs/benchmarks
    assert not wrong, wrong
    assert len(drawn) <= len(truth) + EXTRA_MAX
    assert manager.actions <= ACTIONS_MAX
    assert took_s <= TIME_MAX_S


async def add_camera(manager: Manager, url: str) -> None:
    """Type its address and its name."""
    page = manager.page
    await manager.click(page.get_by_role("link", name="Add a camera"))
    form = page.get_by_role("dialog")
    await expect(form.get_by_label("Address")).to_be_focused()
    await manager.type(url.removeprefix("http://").rstrip("/"))
    await manager.press("Enter")
    await expect(form.get_by_alt_text("The camera's first picture")).to_be_visible(timeout=30_000)
    await expect(form.get_by_label("Name", exact=False).last).to_be_focused()
    await manager.type("Lot")
    await manager.press("Enter")
    await expect(form).to_have_count(0)


async def mark_spaces(manager: Manager, gateway: Gateway, truth: Sequence[LabelledSpace]) -> None:
    """Draw the rows that the proposals have wrong, accept the rest, and correct what is left."""
    page = manager.page
    await manager.click(page.get_by_role("link", name="Mark the spaces").first)
    await manager.click(page.get_by_role("button", name="Propose spaces"))
    panel = page.get_by_role("region", name="Proposed spaces")
    await settled(gateway)
    proposed = [one["polygon"] for one in (await get(gateway, "/api/cameras/lot/space-proposals"))["proposals"]]
    await expect(panel.get_by_role("button", name=f"Accept all {len(proposed)}")).to_be_visible(timeout=15_000)
    found = {space.space_id: (quad, fit) for space, quad, fit in pairs(truth, proposed)}
    shapes = {space.space_id: space.polygon for space in truth}
    for row in ROWS:
        drags = sum(
            5 if (quad := found[one][0]) is None else 1 + len(drags_to(quad, shapes[one]))
            for one in row
            if found[one][1] < FITS
        )
        if drags > ROW_ACTIONS:
            await manager.draw_row(shapes[row[0]], shapes[row[-1]], len(row))
    await manager.click(panel.get_by_role("button", name="Accept all"))
    await expect(panel.get_by_role("status")).to_contain_text("decided")
    for _ in range(LOOKS_MAX):
        off = [found for found in pairs(truth, [shape for _, shape in await manager.shapes()]) if found[2] < LEFT_FROM]
        for space, quad, _ in off:
            if quad is None:
                await manager.click(page.get_by_role("button", name="Space", exact=True))
                for corner in space.polygon:
                    await manager.click_at(corner)
            else:
                await manager.correct(quad, space.polygon)
        if not off:
            break
    assert await page.locator(".editor-problems").count() == 0, await page.locator(".editor-side").inner_text()
    await manager.click(page.get_by_role("button", name="Save"))
    await expect(page.get_by_text("Saved. The detector judges")).to_be_visible()


async def settled(gateway: Gateway) -> None:
    """Wait until the detector has drawn its conclusions from the last picture."""
    seen: list[Any] = []

    async def is_same() -> bool:
        seen.append((await get(gateway, "/api/cameras/lot/space-proposals"))["updated_at"])
        return len(seen) > 8 and seen[-1] is not None and len(set(seen[-8:])) == 1

    await wait_for(is_same, 60, 1.0)
