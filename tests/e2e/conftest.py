"""One demo and one browser for all tests here: starting either takes seconds of a core."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.e2e.demo_system import DemoSystem
from tests.support.browsers import CHROMIUM_FLAGS, find_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that share the demo go to one worker (`--dist loadgroup`), each file with systems of its own to another."""
    for item in items:
        shares_demo = isinstance(item, pytest.Function) and "demos" in item.fixturenames
        item.add_marker(pytest.mark.xdist_group("demo" if shares_demo else item.path.name))


class Demos:
    """The demo that runs now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = 0
        self._demo: DemoSystem | None = None

    def running(self) -> DemoSystem:
        """The one that runs, or a new one if a test has stopped it."""
        if self._demo is None or self._demo.process.poll() is not None:
            self._started += 1
            self._demo = DemoSystem(self._folder / f"log{self._started}")
        return self._demo

    def stop(self) -> None:
        """End it, if one runs."""
        if self._demo is not None and self._demo.process.poll() is None:
            self._demo.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demos]:
    demos = Demos(tmp_path_factory.mktemp("demo"))
    yield demos
    demos.stop()


@pytest.fixture
def demo(demos: Demos) -> DemoSystem:
    """`lotcast demo`, running. A test may stop it; what else it changes it puts right again."""
    return demos.running()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """A browser without pages; they are closed after the test."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(demo: DemoSystem, browser: Browser) -> Page:
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    await page.goto(demo.dashboard)
    return page
