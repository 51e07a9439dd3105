"""A parking manager at work on the dashboard: a real browser, real cameras, a real Redis, nothing mocked."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response, WebSocket, expect

from tests.e2e.demo_system import DemoSystem, api
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "tests/artifacts"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
PAGES = {
    "overview": "",
    "camera": "cameras/CAM1",
    "cameras": "cameras",
    "add": "cameras#add",
    "spaces": "cameras/CAM1/spaces",
    "system": "system",
    "wall": "?wall",
}
SIZES = {"phone": (390, 844), "desk": (1920, 1080)}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_page_is_for_everybody(demo: DemoSystem, browser: Browser, scheme: Any, size: str) -> None:
    """axe finds nothing, nothing scrolls sideways, and the browser has nothing to complain of."""
    width, height = SIZES[size]
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    axe = AXE.read_text("utf-8")
    for name, path in PAGES.items():
        await page.goto(f"{demo.dashboard}{path}")
        await page.wait_for_selector("main h1, main h2, [role=dialog]", state="attached")
        if name in ("overview", "wall"):
            await page.wait_for_selector(".tile canvas[data-n]")
        await page.evaluate(axe)
        found = await page.evaluate(
            "axe.run().then((all) => all.violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 200)}`))"
        )
        assert found == [], f"{name}, {size}, {scheme}"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name}, {size}"
    assert problems == []


async def test_a_camera_is_tried_added_renamed_switched_off_and_deleted(demo: DemoSystem, page: Page) -> None:
    address = (await api(demo, "api/cameras"))["cameras"][0]["url"]
    await page.get_by_role("link", name="Cameras").click()
    await page.get_by_role("button", name="Add a camera").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Address").fill("http://127.0.0.1:9/stream")
    await form.get_by_role("button", name="Try this address").click()
    await expect(form.get_by_role("alert")).to_contain_text("What to try", timeout=30_000)
    await form.get_by_label("Address").fill(address)
    await form.get_by_role("button", name="Try this address").click()
    await expect(form.get_by_alt_text("The camera's first picture")).to_be_visible(timeout=30_000)
    await form.get_by_label("Name", exact=False).last.fill("Gate 3")
    await expect(form.get_by_label("Id", exact=True)).to_have_value("gate-3")
    await form.get_by_role("button", name="Add a camera").click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Gate 3"))
    await expect(row).to_be_visible()

    await row.get_by_role("button", name="Edit", exact=True).click()
    await form.get_by_label("Name", exact=False).last.fill("Gate three")
    await form.get_by_role("button", name="Save").click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Gate three"))
    await row.get_by_role("button", name="Switch off").click()
    await expect(row).to_contain_text("Switched off")

    await row.get_by_role("button", name="Delete").click()
    await expect(form.get_by_role("button", name="Delete for good")).to_be_disabled()
    await form.get_by_role("textbox").fill("Gate three")
    await form.get_by_role("button", name="Delete for good").click()
    await expect(row).to_have_count(0)
    assert "gate-3" not in [one["id"] for one in (await api(demo, "api/cameras"))["cameras"]]


async def test_a_space_is_chosen_and_old_addresses_lead_on(demo: DemoSystem, page: Page) -> None:
    await page.goto(f"{demo.dashboard}?camera=CAM1&wall")
    await page.wait_for_url("**/cameras/CAM1?wall=1")
    await page.get_by_role("button", name="Wall view").click()
    await page.get_by_role("list", name="Spaces").get_by_role("button").first.click()
    await expect(page.get_by_role("region", name="Space A1")).to_be_visible()
    assert await page.locator("svg.space-layer .space-shape-chosen").count() == 1
    await page.goto(f"{demo.dashboard}cameras/nobody")
    await expect(page.get_by_role("status").last).to_contain_text("not registered")


async def test_list_and_picture_point_at_each_other(demo: DemoSystem, page: Page) -> None:
    await page.goto(f"{demo.dashboard}cameras/CAM1")
    spaces = page.get_by_role("list", name="Spaces")
    await spaces.get_by_role("button").first.hover()
    await expect(page.locator(".space-shape-pointed")).to_have_count(1)
    shape = page.locator(".space-shape").nth(18)
    await shape.click()
    await expect(page.locator(".space-shape-chosen")).to_have_count(1)
    chosen = spaces.get_by_role("button", pressed=True)
    await expect(chosen).to_have_count(1)
    await expect(chosen).to_be_in_viewport()
    info = page.get_by_role("region", name="Space ", exact=False).last
    await expect(info).to_contain_text("since")
    await expect(info).to_contain_text("Thresholds")


async def test_layers_are_switched_off_and_stay_so(demo: DemoSystem, page: Page) -> None:
    await page.goto(f"{demo.dashboard}cameras/CAM1")
    await page.wait_for_selector(".vehicle-box", state="attached")
    for layer in ("Vehicles", "Names"):
        await page.get_by_role("switch", name=layer).click(force=True)
    await expect(page.locator(".vehicle-box")).to_have_count(0)
    await page.reload()
    await page.wait_for_selector(".space-shape", state="attached")
    await expect(page.locator(".space-shape text")).to_have_count(0)
    await expect(page.locator(".vehicle-box")).to_have_count(0)
    await page.get_by_role("button", name="Zoom in").click()
    await expect(page.locator(".zoom-stage-near")).to_have_count(1)
    shown = page.locator(".zoom-content")
    whole = await shown.get_attribute("style")
    await page.locator(".zoom-stage").focus()
    await page.keyboard.press("ArrowRight")
    await expect(shown).not_to_have_attribute("style", whole or "")
    await page.keyboard.press("-")
    await expect(page.locator(".zoom-stage-near")).to_have_count(0)


def told_by(page: Page) -> tuple[list[str], list[dict[str, Any]]]:
    """The addresses of a page's WebSockets, and what it asks for on them; filled while it lives."""
    addresses: list[str] = []
    requests: list[dict[str, Any]] = []

    def note(payload: str | bytes) -> None:
        if isinstance(payload, str) and payload.startswith("{"):
            requests.append(json.loads(payload))

    def follow(socket: WebSocket) -> None:
        addresses.append(socket.url)
        socket.on("framesent", note)

    page.on("websocket", follow)
    return addresses, requests


async def test_all_pages_share_one_connection_and_a_tile_is_enlarged_on_it(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    addresses, requests = told_by(page)
    await page.goto(demo.dashboard)
    await expect(page.locator(".tile canvas[data-n]")).to_have_count(2)
    await page.evaluate("window.isSamePage = true")
    await page.get_by_role("link", name="North lot").click()
    await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
    await page.go_back()
    await expect(page.locator(".tile canvas[data-n]")).to_have_count(2)
    assert await page.evaluate("window.isSamePage"), "nothing is loaded again"
    assert [url.partition("/ws/")[2] for url in addresses] == ["viewer/live"]
    watched = [(one["camera_id"], one["picture"], one.get("fps")) for one in requests if one["op"] == "watch"]
    assert watched[:3] == [("CAM1", "small", 5), ("CAM2", "small", 5), ("CAM1", "plain", None)]
    assert ("CAM2", "plain", None) not in watched


async def test_a_tile_that_leaves_the_screen_is_not_watched(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 390, "height": 200})
    _, requests = told_by(page)
    await page.goto(demo.dashboard)
    await page.wait_for_selector(".tile canvas[data-n]")

    def watched() -> set[str]:
        names: set[str] = set()
        for one in requests:
            if one["op"] == "watch":
                names.add(one["camera_id"])
            elif one["op"] == "unwatch":
                names.discard(one["camera_id"])
        return names

    await wait_for(lambda: watched() == {"CAM1"})
    await page.mouse.wheel(0, 2000)
    await wait_for(lambda: watched() == {"CAM2"})
    await page.mouse.wheel(0, -2000)
    await wait_for(lambda: watched() == {"CAM1"})


HIDE = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_a_hidden_page_watches_nothing_and_is_fresh_as_soon_as_it_is_shown(demo: DemoSystem, page: Page) -> None:
    async def viewers() -> int:
        return sum(one["viewers"] for one in (await api(demo, "api/cameras"))["cameras"])

    async def newest() -> int:
        return int(await page.locator("[data-testid=live-picture]").get_attribute("data-frame-count") or 0)

    await page.goto(f"{demo.dashboard}cameras/CAM1")
    await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
    await wait_for(viewers)
    await page.evaluate(HIDE, "hidden")

    async def is_alone() -> bool:
        return await viewers() == 0

    await wait_for(is_alone, 3.5)  # within 3 s, and what asking takes
    last = await newest()
    await asyncio.sleep(2)  # pictures would have come
    assert await newest() == last
    await page.evaluate(HIDE, "visible")

    async def is_fresh() -> bool:
        return await newest() > last

    await wait_for(is_fresh, 1.0)


async def test_a_kiosk_shows_cameras_and_counts_and_nothing_to_press(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await page.goto(f"{demo.dashboard}?kiosk")
    await expect(page.locator(".tile canvas[data-n]")).to_have_count(2)
    await expect(page.get_by_test_id("total-free")).to_be_visible()
    assert await page.locator("nav, main button, main a").count() == 0
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert await page.evaluate(size) == [1920, 1080]


async def test_the_overview_loads_at_most_170_kilobytes_of_scripts(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page()
    sizes: dict[str, int] = {}

    async def note(response: Response) -> None:
        if response.request.resource_type == "script":
            sizes[response.url] = len(gzip.compress(await response.body()))

    page.on("response", note)
    await page.goto(demo.dashboard)
    await page.wait_for_selector(".tile canvas[data-n]")
    assert not [url for url in sizes if "SpacesPage" in url], "the editor is loaded when it is needed"
    assert 50_000 < sum(sizes.values()) <= 170_000, sizes


async def test_german_for_a_german_browser(demo: DemoSystem, browser: Browser) -> None:
    page = await browser.new_page(locale="de-AT")
    await page.goto(demo.dashboard)
    await expect(page.get_by_role("link", name="Kameras")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "de"


async def test_without_a_connection_there_is_a_notice_and_no_old_picture(demo: DemoSystem, browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(demo.dashboard)
    await page.evaluate(
        "Promise.resolve(navigator.serviceWorker.controller ?? new Promise((done) => "
        "navigator.serviceWorker.addEventListener('controllerchange', done))).then(() => true)"
    )
    await page.wait_for_selector(".tile")
    await context.set_offline(True)
    await expect(page.get_by_role("alert").first).to_contain_text("cannot be reached", timeout=20_000)
    await page.reload()
    await expect(page.get_by_role("heading", name="No connection to Lotcast")).to_be_visible()
    assert await page.locator(".tile").count() == 0
    kept = "caches.keys().then((all) => Promise.all(all.map((name) => caches.open(name).then((one) => one.keys()))))"
    paths = await page.evaluate(f"{kept}.then((all) => all.flat().map((one) => new URL(one.url).pathname).sort())")
    assert paths == ["/favicon.svg", "/offline.css", "/offline.html", "/offline.js"]
    await context.set_offline(False)
    await expect(page.locator(".tile").first).to_be_visible(timeout=20_000)


async def test_it_can_be_installed(demo: DemoSystem, page: Page) -> None:
    devtools = await page.context.new_cdp_session(page)
    manifest = await devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    found = await devtools.send("Page.getInstallabilityErrors")
    assert [one for one in found["installabilityErrors"] if one["errorId"] != "in-incognito"] == []
    sizes = await page.evaluate(
        "Promise.all(['icon-192', 'icon-512', 'maskable-512', 'touch-180'].map(async (name) => "
        "(await createImageBitmap(await (await fetch(`/icons/${name}.png`)).blob())).width))"
    )
    assert sizes == [192, 512, 512, 180]


async def test_the_system_page_tells_what_runs(demo: DemoSystem, page: Page) -> None:
    await page.goto(f"{demo.dashboard}system")
    runs = page.get_by_role("region", name="What runs")
    for words in ("Reads cameras", "Judges spaces", "Serves viewers"):
        await expect(runs.get_by_role("rowheader", name=words)).to_be_visible()
    told = await api(demo, "api/system")
    assert {camera["id"] for camera in told["cameras"]} >= {"CAM1", "CAM2"}
    owners = {camera[role] for camera in told["cameras"] for role in ("ingest", "detector") if camera["id"] == "CAM1"}
    assert owners <= {process["id"] for process in told["processes"]}
    await expect(page.get_by_text("Everything works.")).to_be_visible()


async def test_an_outage_is_told_in_words_and_ends_by_itself(demo: DemoSystem, page: Page) -> None:
    redis = next(one for one in demo.processes() if "redis-server" in one.name())
    redis.suspend()
    try:
        await expect(page.get_by_role("alert").first).to_contain_text("Redis", timeout=30_000)
        assert "503" not in (await page.locator("main").text_content() or "")
    finally:
        redis.resume()

    async def is_well() -> bool:
        return await page.get_by_role("alert").count() == 0

    await wait_for(is_well)
