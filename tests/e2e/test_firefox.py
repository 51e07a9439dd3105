"""The dashboard in Debian's Firefox: one logs in, sees the lots, and opens the editor."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.demo_system import DemoSystem
from tests.support.firefox import EXECUTABLE, firefox_page

ADMIN = "admin-0123456789abcdef"
ENTER = "\ue007"
HAS_PICTURE = """[...document.querySelectorAll(SELECTOR)].some((one) => {
  const { width, height } = one;
  const copy = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
  copy.drawImage(one, 0, 0);
  return copy.getImageData(0, 0, width, height).data.some((value) => value > 0 && value < 255);
})"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(EXECUTABLE is None, reason="needs Firefox (Debian: firefox-esr)"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSystem]:
    system = DemoSystem(tmp_path_factory.mktemp("firefox") / "log", GATEWAY_TOKENS=f"admin:{ADMIN}")
    yield system
    system.stop(signal.SIGTERM)


async def test_log_in_watch_and_edit(demo: DemoSystem, tmp_path: Path) -> None:
    async with firefox_page(tmp_path) as page:
        await page.resize(1440, 900)
        await page.goto(f"{demo.dashboard}cameras/CAM1/spaces")
        await page.until("location.pathname === '/login' && document.activeElement.name === 'token'")
        page.problems.clear()  # it may complain of the 401
        await page.type(ADMIN + ENTER)
        await page.until("location.pathname === '/cameras/CAM1/spaces' && document.querySelector('svg.editor-canvas')")
        await page.until("document.querySelectorAll('svg.editor-canvas polygon').length >= 22")
        await page.goto(demo.dashboard)
        await page.until(HAS_PICTURE.replace("SELECTOR", "'.tile canvas[data-n]'"))
        await page.goto(f"{demo.dashboard}cameras/CAM1")
        await page.until(HAS_PICTURE.replace("SELECTOR", "'[data-testid=live-picture]'"))
        await page.until("Number(document.querySelector('[data-testid=total-count]').textContent) === 22")
        assert page.problems == []
