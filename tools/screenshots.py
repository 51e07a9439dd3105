"""Take pictures of every page for docs/images, from a running demo, in a real browser: `python -m tools.screenshots`.

Size, language, time zone, appearance and motion are fixed, and a page is taken once its lots are judged. What is live
stays so: pictures, times and process ids differ from run to run.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import tempfile
from pathlib import Path
from typing import Final, Literal

import aiohttp
import cv2
import numpy as np
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.e2e.demo_system import DemoSystem
from tools.browser import chromium_executable

IMAGES: Final = Path(__file__).parents[1] / "docs/images"
QUALITY: Final = 75
TOTAL_MAX_BYTES: Final = 3_000_000
TOKEN: Final = "for-the-screenshots-only"
SIZES: Final = {"desktop": (1440, 900), "phone": (390, 844)}
WALL: Final = {"wall": (2560, 1440)}
EVERYWHERE: Final = {
    "overview": "",
    "camera": "cameras/CAM1",
    "cameras": "cameras",
    "add": "cameras#add",
    "spaces": "cameras/CAM1/spaces",
    "system": "system",
}
ON_WALLS: Final = {"overview": "?wall", "camera": "cameras/CAM1?wall"}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
STYLE: Final = "*, ::before, ::after { caret-color: transparent !important }"


async def take_all(dashboard: str, folder: Path, sizes: dict[str, tuple[int, int]], locale: str) -> None:
    """Every page in both appearances.

    Args:
        dashboard: the demo's address, with a slash at its end.
        folder: for the pictures.
        sizes: of the window, by name, in CSS pixels.
        locale: of the browser.
    """
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none"]
        browser = await playwright.chromium.launch(executable_path=chromium_executable(), args=arguments)
        for scheme in SCHEMES:
            for name, (width, height) in sizes.items():
                context = await _context(browser, scheme, width, height, locale)
                page = await context.new_page()
                await _log_in(page, dashboard, None if name in WALL else folder / f"login-{name}-{scheme}.webp")
                for what, path in (ON_WALLS if name in WALL else EVERYWHERE).items():
                    await page.goto(f"{dashboard}{path}")
                    await _settle(page)
                    await _take(page, folder / f"{what}-{name}-{scheme}.webp")
                await context.close()
        await browser.close()


async def _context(
    browser: Browser, scheme: Literal["light", "dark"], width: int, height: int, locale: str
) -> BrowserContext:
    return await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale=locale,
        timezone_id="UTC",
        service_workers="block",
        bypass_csp=True,  # waiting for a condition evaluates text
        has_touch=width < 500,
        is_mobile=width < 500,
    )


async def _log_in(page: Page, dashboard: str, picture: Path | None) -> None:
    await page.goto(f"{dashboard}login")
    if picture is not None:
        await _take(page, picture)
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button").click()
    await page.wait_for_url(lambda url: "login" not in url)


async def _settle(page: Page) -> None:
    """Wait until nothing on the page is still to come: pictures, counts, the table of processes."""
    await page.wait_for_load_state("load")
    await page.wait_for_selector("main h1, main h2, [role=dialog]", state="attached")
    await expect(page.get_by_text(re.compile("Waiting for|Warten auf|Loading|wird geladen"))).to_have_count(
        0, timeout=30_000
    )
    await page.wait_for_function(
        "[...document.images].every((one) => one.complete) && "
        "[...document.querySelectorAll('[data-testid=live-picture]')].every((one) => one.dataset.frameCount > 0) && "
        "[...document.querySelectorAll('.tile canvas')].every((one) => one.dataset.n > 0) && "
        "document.querySelector('.tile-old') === null"
    )
    if page.url.endswith("/system"):
        await page.wait_for_selector("table tbody tr:nth-child(3)")
    await page.wait_for_timeout(
        2500
    )  # until what stands in for the first live picture is gone, and all counts have come


async def _take(page: Page, file: Path) -> None:
    shown = await page.screenshot(style=STYLE, animations="disabled")
    pixels = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    written, data = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    assert written
    await asyncio.to_thread(file.write_bytes, data.tobytes())


async def _judged(dashboard: str) -> None:
    """Wait until the demo has judged every space of both lots.

    Raises:
        TimeoutError: it has not within a minute and a half.
    """
    async with asyncio.timeout(90), aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        while True:
            async with http.get(f"{dashboard}api/cameras") as answer:
                cameras = (await answer.json())["cameras"]
            if len(cameras) == 2 and all(
                one["occupancy"]["unknown"] == 0 < one["occupancy"]["total"] for one in cameras
            ):
                return
            await asyncio.sleep(0.5)


def main() -> None:
    """Start the demo, take the pictures, end it.

    Raises:
        SystemExit: together they are too large for a repository.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=IMAGES, help="folder for the pictures")
    parser.add_argument("--locale", default="en-GB", help="of the browser; de-AT shows the page in German")
    parser.add_argument("--width", type=int, help="one window of this width instead of the usual three")
    asked = parser.parse_args()
    sizes = {**SIZES, **WALL} if asked.width is None else {str(asked.width): (asked.width, 800)}
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        demo = DemoSystem(Path(folder) / "log", GATEWAY_TOKENS=f"admin:{TOKEN}")
        try:
            asyncio.run(_judged(demo.dashboard))
            asyncio.run(take_all(demo.dashboard, asked.into, sizes, asked.locale))
        finally:
            demo.stop(signal.SIGTERM)
    total = sum(file.stat().st_size for file in asked.into.glob("*.webp"))
    print(f"{len(list(asked.into.glob('*.webp')))} pictures, {total / 1e6:.2f} MB")  # noqa: T201
    if total > TOTAL_MAX_BYTES:
        raise SystemExit(f"more than {TOTAL_MAX_BYTES / 1e6:.0f} MB: lower QUALITY")


if __name__ == "__main__":
    main()
