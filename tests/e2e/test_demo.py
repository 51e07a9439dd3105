"""The whole system as a newcomer meets it: real processes, real cameras, a real browser, and the clips' truth."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from deploy.demo.lot.truth import Truth
from tests.e2e.demo_system import DemoSystem, record_clip_frames
from tests.support.waiting import PATIENCE_S, wait_for

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "deploy/demo/assets"
ARTIFACTS = ROOT / "tests/artifacts"
CLIPS = {"CAM1": "north", "CAM2": "south"}
NEAR_CHANGE_S = 2.0
# Notes, each time the page draws another frame, the numbers that it shows beside it.
RECORDER = """() => {
  window.samples = [];
  const text = (id) => document.querySelector(`[data-testid=${id}]`)?.textContent ?? "";
  const picture = document.querySelector("[data-testid=live-picture]");
  new MutationObserver(() => {
    window.samples.push({
      frameCount: Number(picture.dataset.frameCount),
      shownCount: Number(text("frame-count")),
      frameId: picture.dataset.frameId,
      vehicles: Number(text("vehicle-count")),
      occupied: Number(text("occupied-count")),
      total: Number(text("total-count")),
      available: Number(text("available-count")),
      unknown: Number(text("unknown-count")),
      spaces: [...document.querySelectorAll(".statistics .space-occupied")].map((one) => one.firstChild.textContent),
    });
  }).observe(picture, { attributes: true, attributeFilter: ["data-frame-count"] });
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="session")]


@dataclass(slots=True)
class Watched:
    """One camera's page, what it showed, and which frames of the clip those were."""

    page: Page
    truth: Truth
    clip_frames: dict[str, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


@pytest.mark.long
async def test_pages_agree_with_the_truth_over_a_whole_loop(demo: DemoSystem, browser: Browser) -> None:
    watched = {}
    problems: list[str] = []
    for camera_id, clip in CLIPS.items():
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await page.goto(f"{demo.dashboard}?camera={camera_id}")
        watched[camera_id] = Watched(page, Truth.load(ASSETS / f"{clip}.truth.json"))
    stop = asyncio.Event()
    recorders = [
        asyncio.create_task(record_clip_frames(demo.redis_url, camera_id, one.clip_frames, stop))
        for camera_id, one in watched.items()
    ]
    for one in watched.values():
        await one.page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
        # At the start nobody knows the spaces' states; the dashboard says so until they have been looked at.
        await wait_for(lambda page=one.page: shows(page, "unknown-count", "0"))
        await one.page.evaluate(RECORDER)
    await asyncio.sleep(max(one.truth.frames / one.truth.fps for one in watched.values()))  # one whole loop
    ARTIFACTS.mkdir(exist_ok=True)
    for camera_id, one in watched.items():
        one.samples = await one.page.evaluate("window.samples")
        await one.page.screenshot(path=str(ARTIFACTS / f"dashboard-{camera_id}.png"))
    stop.set()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*recorders)
    assert problems == []
    results = {camera_id: compare(one) for camera_id, one in watched.items()}
    print_table(results)
    for camera_id, result in results.items():
        assert result.covered >= 0.6, f"{camera_id}: too few of the loop's frames were shown: {result}"
        assert result.spaces_right >= 0.98, f"{camera_id}: {result}"
        assert result.vehicles_right >= 0.95, f"{camera_id}: {result}"


@dataclass(frozen=True, slots=True)
class Result:
    """Shares of a loop: frames shown; frames whose occupied spaces, and whose vehicle count, agree with the truth."""

    frames: int
    covered: float
    spaces_right: float
    vehicles_right: float


def compare(one: Watched) -> Result:
    """Hold what a page showed against the truth of the very frames that it showed."""
    shown, spaces, vehicles = set(), [], []
    for sample in one.samples:
        number = one.clip_frames.get(sample["frameId"])
        if number is None:
            continue
        assert sample["shownCount"] == sample["frameCount"], "picture and numbers belong together"
        assert sample["total"] == len(one.truth.space_ids)
        assert sample["available"] == sample["total"] - sample["occupied"] - sample["unknown"]
        assert sample["occupied"] == len(sample["spaces"])
        shown.add(number)
        vehicles.append(abs(sample["vehicles"] - one.truth.vehicle_count(number)) <= 1)
        if one.truth.seconds_to_nearest_change(number) > NEAR_CHANGE_S:
            spaces.append(frozenset(sample["spaces"]) == one.truth.occupied_spaces(number))
    counts = [sample["frameCount"] for sample in one.samples]
    assert counts == sorted(set(counts)), "frame_count never goes back"
    return Result(
        len(vehicles), len(shown) / one.truth.frames, sum(spaces) / len(spaces), sum(vehicles) / len(vehicles)
    )


def print_table(results: dict[str, Result]) -> None:
    """Leave the numbers where a person finds them."""
    rows = ["camera frames covered spaces_right vehicles_within_one"]
    rows += [
        f"{camera_id} {one.frames} {one.covered:.3f} {one.spaces_right:.4f} {one.vehicles_right:.4f}"
        for camera_id, one in results.items()
    ]
    (ARTIFACTS / "agreement.txt").write_text("\n".join(rows) + "\n", "utf-8")


async def shows(page: Page, test_id: str, text: str) -> bool:
    return await page.locator(f"[data-testid={test_id}]").text_content() == text


async def test_the_page_lives_through_a_restart_of_its_gateway(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    await page.goto(demo.dashboard)
    await page.get_by_role("link", name="North lot").click()
    await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
    assert await page.locator("[data-testid=camera-select]").input_value() == "CAM1"
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "no sideways scrolling"
    await wait_for(lambda: shows(page, "connection-state", "Connected"))
    gateway = next(one for one in demo.processes() if "services.gateway" in one.cmdline())
    gateway.kill()
    await wait_for(lambda: shows(page, "connection-state", "Reconnecting"))
    await wait_for(lambda: shows(page, "connection-state", "Connected"))
    before = await page.locator("[data-testid=frame-count]").text_content()

    async def moves() -> bool:
        return await page.locator("[data-testid=frame-count]").text_content() != before

    await wait_for(moves)
    await page.locator("[data-testid=camera-select]").select_option("CAM2")
    await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
    assert "/cameras/CAM2" in page.url
    await page.screenshot(path=str(ARTIFACTS / "phone.png"))
    assert "died (SIGKILL); starting it again" in demo.log


async def test_a_wall_screen_is_filled_and_nothing_of_it_scrolls(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 3840, "height": 2160})
    await page.goto(f"{demo.dashboard}?camera=CAM1")
    await page.get_by_role("button", name="Wall view").click()
    assert "wall=1" in page.url, "the address that a screen on a wall starts with"
    await page.reload()
    await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
    box = await page.locator("[data-testid=live-picture]").bounding_box()
    number = await page.locator("[data-testid=available-count]").bounding_box()
    assert box is not None
    assert number is not None
    assert box["width"] > 0.7 * 3840, "the picture takes most of the screen"
    assert number["height"] > 0.1 * 2160, "read from afar"
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert await page.evaluate(size) == [3840, 2160]
    smallest = await page.evaluate(
        "Math.min(...[...document.querySelectorAll('dt, dd, button, .space')].filter((one) => one.offsetParent)"
        ".map((one) => parseFloat(getComputedStyle(one).fontSize)))"
    )
    assert smallest >= 32, "nothing is tiny"
    await page.screenshot(path=str(ARTIFACTS / "wall.png"))


async def test_a_picture_that_has_stopped_is_not_taken_for_a_live_one(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(f"{demo.dashboard}?camera=CAM1")
    picture = page.locator("[data-testid=live-picture]")
    await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
    detector = next(one for one in demo.processes() if "services.detector" in one.cmdline())
    detector.suspend()
    try:
        await page.wait_for_selector("[data-testid=live-picture].late", timeout=15_000)
        assert await shows(page, "fps", "0.0")
        notice = await page.locator(".live-view [role=status]").text_content()
        assert re.fullmatch(
            r"(No new picture|The camera sends pictures, but nothing judges them: no detector runs)\. "
            r"This picture is \d+ s old\.",
            notice or "",
        )
        assert await shows(page, "connection-state", "No new picture"), "the badge is about the picture"
        await asserts_nothing_is_known(page)
        fresh = await browser.new_page()
        await fresh.goto(f"{demo.dashboard}?camera=CAM1")
        await fresh.wait_for_selector("[data-testid=live-picture].late")
        await asserts_nothing_is_known(fresh)
        await fresh.close()
    finally:
        detector.resume()
    await wait_for(lambda: lives(page))
    assert await picture.get_attribute("class") is None


async def asserts_nothing_is_known(page: Page) -> None:
    """An old picture makes no space free, and headline and list say the same."""
    assert await shows(page, "available-count", "\u2013")
    assert await shows(page, "unknown-count", await page.locator("[data-testid=total-count]").text_content() or "")
    assert await page.locator(".statistics .space-free, .statistics .space-occupied").count() == 0


async def lives(page: Page) -> bool:
    return await page.locator("[data-testid=live-picture]:not(.late)").count() == 1
