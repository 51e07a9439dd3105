"""Whether the dashboard grows while somebody watches: `python -m bench.dashboard --minutes 30`.

Runs the demo and opens pages of it in Chromium, one tab each. Twice a minute it lets the browser collect garbage and
notes each tab's heap, document nodes and listeners, and what the browser's processes have in RAM, since decoded
pictures are in no heap. The first minute is left out: pages load what they need.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from playwright.async_api import CDPSession, async_playwright

from tests.e2e.demo_system import DemoSystem
from tools.browser import chromium_executable

PAGES: Final = {"overview": "", "camera": "cameras/CAM1", "wall": "?wall"}
EVERY_S: Final = 30.0
SETTLED_AFTER_S: Final = 60.0


@dataclass
class Tab:
    """One page and its samples: seconds since the start, heap in bytes, document nodes, event listeners."""

    devtools: CDPSession
    samples: list[tuple[float, int, int, int]] = field(default_factory=list)

    async def sample(self, at_s: float) -> None:
        """Collect garbage, then look."""
        await self.devtools.send("HeapProfiler.collectGarbage")
        told = {one["name"]: one["value"] for one in (await self.devtools.send("Performance.getMetrics"))["metrics"]}
        numbers = (int(told[name]) for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners"))
        self.samples.append((at_s, *numbers))  # type: ignore[arg-type] # three numbers, which JSON does not promise

    def row(self, name: str) -> str:
        """First and last of the settled samples, and the heap's slope by least squares, as a row of a table."""
        settled = [one for one in self.samples if one[0] >= SETTLED_AFTER_S]
        (_, heap, nodes, listeners), (_, last_heap, last_nodes, last_listeners) = settled[0], settled[-1]
        slope = least_squares([(at_s, float(heap)) for at_s, heap, _, _ in settled])
        return (
            f"| {name} | {heap / 1e6:.2f} | {last_heap / 1e6:.2f} | {slope * 3600 / 1e6:+.2f} | "
            f"{nodes} → {last_nodes} | {listeners} → {last_listeners} |"
        )


def least_squares(points: list[tuple[float, float]]) -> float:
    """The slope of the line nearest to the points; 0.0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def browser_ram_bytes() -> int:
    """What the browsers that this process has started have in RAM, each page counted once (PSS)."""
    held = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a browser's helpers come and go
            held += process.memory_full_info().pss if "chrom" in process.name() else 0
    return held


async def watch(dashboard: str, minutes: float) -> None:
    """Open the pages, take samples, print a table.

    Args:
        dashboard: the demo's address, with a slash at its end.
        minutes: how long, from when the last page is open.
    """
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-timer-throttling",
                     "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"]  # fmt: skip
        browser = await playwright.chromium.launch(executable_path=chromium_executable(), args=arguments)
        tabs: dict[str, Tab] = {}
        for name, path in PAGES.items():
            page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
            await page.goto(f"{dashboard}{path}")
            devtools = await page.context.new_cdp_session(page)
            await devtools.send("Performance.enable")
            tabs[name] = Tab(devtools)
        began_s, ram = time.monotonic(), []
        while (at_s := time.monotonic() - began_s) <= minutes * 60:
            for tab in tabs.values():
                await tab.sample(at_s)
            ram.append((at_s, browser_ram_bytes()))
            await asyncio.sleep(EVERY_S)
        await browser.close()
    lines = ["| page | heap at 1 min, MB | at the end | MB an hour | nodes | listeners |", "|---|---|---|---|---|---|"]
    lines += [tab.row(name) for name, tab in tabs.items()]
    settled = [size for at_s, size in ram if at_s >= SETTLED_AFTER_S]
    lines.append(f"\nThe browser's RAM: {settled[0] / 1e6:.0f} MB at 1 min, {settled[-1] / 1e6:.0f} MB at the end.")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    """Start the demo, watch, end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long to watch")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        demo = DemoSystem(Path(folder) / "log")
        try:
            asyncio.run(watch(demo.dashboard, asked.minutes))
        finally:
            demo.stop(signal.SIGTERM)


if __name__ == "__main__":
    main()
