"""The spaces editor: a real browser, real cameras, a real Redis, nothing mocked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.demo_system import DemoSystem, api

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def spaces_as_before(demo: DemoSystem) -> AsyncIterator[set[str]]:
    """The names of CAM2's spaces; after the test it has them again, as other tests know them."""
    before = await api(demo, "api/cameras/CAM2/spaces")
    yield {one["space_name"] for one in before["spaces"]}
    await api(demo, "api/cameras/CAM2/spaces", "PUT", {"spaces": before["spaces"]})


async def click_at(page: Page, x: float, y: float) -> None:
    """Click on the editor's picture, at shares of its width and height."""
    box = await page.locator("svg.editor-canvas").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


async def draw_space(page: Page, x: float, y: float) -> None:
    for dx, dy in ((0, 0), (0.05, 0), (0.05, 0.05), (0, 0.05)):
        await click_at(page, x + dx, y + dy)


async def space_names(demo: DemoSystem, camera_id: str) -> set[str]:
    return {one["space_name"] for one in (await api(demo, f"api/cameras/{camera_id}/spaces"))["spaces"]}


async def test_spaces_are_drawn_kept_through_a_closed_tab_and_saved(
    demo: DemoSystem, page: Page, spaces_as_before: set[str]
) -> None:
    before = spaces_as_before
    await page.goto(f"{demo.dashboard}cameras/CAM2/spaces")
    await page.get_by_role("button", name="Space", exact=True).click()
    await draw_space(page, 0.02, 0.02)
    await expect(page.get_by_role("heading", name="1 space selected")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("status")).to_contain_text("Your changes from before are back")
    await page.get_by_role("button", name="Grid").click()
    for x, y in ((0.02, 0.1), (0.2, 0.1), (0.2, 0.16), (0.02, 0.16)):
        await click_at(page, x, y)
    await page.get_by_label("Columns").fill("6")
    await page.get_by_role("button", name="Divide").click()
    await expect(page.get_by_role("heading", name="6 spaces selected")).to_be_visible()
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+y")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    after = await space_names(demo, "CAM2")
    assert before < after
    assert len(after) == len(before) + 7


async def test_a_row_is_drawn_by_its_two_ends(demo: DemoSystem, page: Page, spaces_as_before: set[str]) -> None:
    await page.goto(f"{demo.dashboard}cameras/CAM2/spaces")
    await page.get_by_role("button", name="Row", exact=True).click()
    for left in (0.02, 0.44):
        for dx, dy in ((0, 0), (0.05, 0), (0.05, 0.08), (0, 0.08)):
            await click_at(page, left + dx, 0.02 + dy)
    await expect(page.get_by_label("Spaces in the row")).to_be_focused()
    await expect(page.get_by_label("Spaces in the row")).to_have_value("9")  # as many as fit between
    await expect(page.locator(".editor-preview")).to_have_count(9)
    await page.keyboard.type("7")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="7 spaces selected")).to_be_visible()


async def test_two_editors_do_not_overwrite_each_other(
    demo: DemoSystem, browser: Browser, spaces_as_before: set[str]
) -> None:
    before = spaces_as_before
    editors = [await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page() for _ in range(2)]
    for number, editor in enumerate(editors):
        await editor.goto(f"{demo.dashboard}cameras/CAM2/spaces")
        await editor.get_by_role("button", name="Space", exact=True).click()
        await draw_space(editor, 0.3 + 0.2 * number, 0.02)
        await editor.get_by_label("Name", exact=True).fill(f"Editor {number}")
    for editor in editors:
        await editor.get_by_role("button", name="Save").click()
        if editor is editors[1]:
            await editor.get_by_role("dialog").get_by_role("button", name="Save both together").click()
        await expect(editor.get_by_role("status")).to_contain_text("Saved")
    assert await space_names(demo, "CAM2") == before | {"Editor 0", "Editor 1"}
