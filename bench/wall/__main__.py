"""`python -m bench.wall`: what a wall of live tiles costs the page's main thread, in a real browser."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.gateway.processes import started, wait_for_port
from bench.wall.lots import Lots
from libs.common.bus import connect
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

AIM = 0.40
"""Of one core in the main thread, for 16 small tiles at 5 frames a second."""
TILES_DRAWN = "document.querySelectorAll('.tile canvas[data-n]').length"
COUNT_DRAWN = """() => {
  window.drawn = 0;
  const observer = new MutationObserver((all) => { window.drawn += all.length; });
  for (const one of document.querySelectorAll('.tile canvas')) {
    observer.observe(one, { attributes: true, attributeFilter: ['data-n'] });
  }
}"""


def main() -> int:
    """Entry point; returns the exit code: 1 where the aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.wall", description=__doc__)
    parser.add_argument("--tiles", type=int, default=16, help="cameras [16]")
    parser.add_argument("--fps", type=float, default=5.0, help="pictures a second of each [5]")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it is measured [20]")
    arguments = parser.parse_args()
    result = asyncio.run(measure(arguments.tiles, arguments.fps, arguments.seconds))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return 0 if result["main_thread"] <= AIM else 1


async def measure(tiles: int, fps: float, seconds: float) -> dict[str, Any]:
    """Show the wall, and ask the browser how busy its main thread was."""
    with tempfile.TemporaryDirectory() as folder:
        redis_server = RedisServer(Path(folder))
        redis_server.start()
        try:
            return await _measure(redis_server.url, tiles, fps, seconds)
        finally:
            redis_server.stop()


async def _measure(redis_url: str, tiles: int, fps: float, seconds: float) -> dict[str, Any]:
    port = free_port()
    stop = asyncio.Event()
    async with connect(redis_url) as redis:
        lots = Lots(redis, tiles)
        await lots.register()
        playing = asyncio.create_task(lots.play(fps, stop))
        environment = {"REDIS_URL": redis_url, "GATEWAY_PORT": str(port)}
        with started([sys.executable, "-m", "services.gateway"], 0, environment) as process:
            await asyncio.to_thread(wait_for_port, port, process)
            result = await _watch(f"http://127.0.0.1:{port}/?wall", tiles, seconds)
        stop.set()
        await playing
    return {"tiles": tiles, "fps_wanted": fps, "seconds": seconds, **result}


async def _watch(address: str, tiles: int, seconds: float) -> dict[str, Any]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next((found for name in names if (found := shutil.which(name))), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await page.goto(address)

        async def is_drawn() -> bool:
            return bool(await page.evaluate(TILES_DRAWN) == tiles)

        await wait_for(is_drawn, 30)
        await page.evaluate(COUNT_DRAWN)
        await asyncio.sleep(3)  # what happens once is not the wall's cost
        shown = await _busy(page, seconds)
        await page.evaluate(
            "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        await asyncio.sleep(3)
        hidden = await _busy(page, min(seconds, 10))
        version = browser.version
        await browser.close()
    return {
        "main_thread": shown["main_thread"],
        "script": shown["script"],
        "pictures_a_second": shown["pictures_a_second"],
        "hidden_main_thread": hidden["main_thread"],
        "hidden_pictures": hidden["pictures_a_second"],
        "chromium": version,
        "cpu": _cpu(),
    }


async def _busy(page: Page, seconds: float) -> dict[str, float]:
    """Shares of one core that the page's main thread used, by the browser's own count."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before, first = await _metrics(session), await page.evaluate("window.drawn")
    await asyncio.sleep(seconds)
    after, last = await _metrics(session), await page.evaluate("window.drawn")
    await session.detach()
    span_s = after["Timestamp"] - before["Timestamp"]
    return {
        "main_thread": round((after["TaskDuration"] - before["TaskDuration"]) / span_s, 3),
        "script": round((after["ScriptDuration"] - before["ScriptDuration"]) / span_s, 3),
        "pictures_a_second": round((last - first) / span_s, 1),
    }


async def _metrics(session: Any) -> dict[str, float]:
    answer = await session.send("Performance.getMetrics")
    return {one["name"]: one["value"] for one in answer["metrics"]}


def _cpu() -> str:
    lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout.splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model name")), "unknown")


if __name__ == "__main__":
    sys.exit(main())
