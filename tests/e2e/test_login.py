"""A real browser against a gateway with tokens: it is sent to log in, does, watches, and logs out, under the policy."""

from __future__ import annotations

import time
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from services.gateway.settings import dashboard_folder
from tests.gateway.test_reference_worker import body
from tests.support.processes import running_gateway

VIEWER, WORKER = "viewer-0123456789abcdef", "worker-0123456789abcdef"
KIOSK = "kiosk-0123456789abcdef"
SESSION_S = 5
ARTIFACTS = Path(__file__).parents[1] / "artifacts"

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.skipif(not (dashboard_folder() / "index.html").is_file(), reason="make web builds the dashboard")
async def test_a_person_logs_in_watches_and_logs_out(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_TOKENS=f"viewer:{VIEWER},worker:{WORKER}") as gateway:
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await page.goto(f"{gateway.url}/cameras/CAM1")
        await page.wait_for_url("**/login?next=%2Fcameras%2FCAM1")
        refusals = ("401", "HTTP Authentication failed")  # of the API, and of the live connection
        assert [problem for problem in problems if not any(one in problem for one in refusals)] == []
        problems.clear()
        await page.get_by_label("Token").fill("wrong-0123456789abcdef")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("This token is not known here.")
        ARTIFACTS.mkdir(exist_ok=True)
        await page.screenshot(path=str(ARTIFACTS / "login.png"))
        problems.clear()
        async with aiohttp.ClientSession(gateway.url, headers={"Authorization": f"Bearer {WORKER}"}) as worker:
            async with worker.post("/api/broadcast-detection", json=body()) as answer:
                assert answer.status == 200
            await page.get_by_label("Token").fill(VIEWER)
            await page.get_by_role("button", name="Log in").click()
            await page.wait_for_url(f"{gateway.url}/cameras/CAM1")
            await page.wait_for_selector("[data-testid=live-picture][data-frame-count='1']")
            async with worker.post("/api/broadcast-detection", json=body()) as answer:
                assert (await answer.json())["viewers"] == 1
            await page.wait_for_selector("[data-testid=live-picture][data-frame-count='2']")
        await page.screenshot(path=str(ARTIFACTS / "dashboard-after-login.png"))
        assert problems == []
        await page.set_viewport_size({"width": 360, "height": 740})
        box = await page.get_by_role("button", name="Log out").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 360, "on the phone's screen"
        await page.screenshot(path=str(ARTIFACTS / "dashboard-phone-logged-in.png"))
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url("**/login")
        await page.goto(gateway.url)
        await page.wait_for_url("**/login")
        assert await page.context.cookies() == [], "the session is gone from the browser"


@pytest.mark.skipif(not (dashboard_folder() / "index.html").is_file(), reason="make web builds the dashboard")
async def test_a_log_in_that_ends_while_somebody_watches_asks_anew_and_leads_back(
    redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    settings = {"GATEWAY_TOKENS": f"viewer:{VIEWER},worker:{WORKER}", "GATEWAY_SESSION_HOURS": str(SESSION_S / 3600)}
    with running_gateway(redis_url, tmp_path, **settings) as gateway:
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
        async with aiohttp.ClientSession(gateway.url, headers={"Authorization": f"Bearer {WORKER}"}) as worker:
            for number in (1, 2):
                async with worker.post("/api/broadcast-detection", json=body()) as answer:
                    assert answer.status == 200
                await page.goto(f"{gateway.url}/login?next=%2Fcameras%2FCAM1") if number == 1 else None
                await page.get_by_label("Token").fill(VIEWER)
                await page.get_by_role("button", name="Log in").click()
                await page.wait_for_selector("[data-testid=live-picture][data-frame-count]")
                await page.wait_for_url("**/login?next=%2Fcameras%2FCAM1", timeout=(SESSION_S + 10) * 1000)
                async with worker.post("/api/broadcast-detection", json=body()) as answer:
                    assert (await answer.json())["viewers"] == 0, "nobody watches any more"


@pytest.mark.skipif(not (dashboard_folder() / "index.html").is_file(), reason="make web builds the dashboard")
async def test_a_screen_on_a_wall_logs_in_by_its_address_and_shows_no_token(
    redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_TOKENS=f"kiosk:{KIOSK}") as gateway:
        page = await (await browser.new_context()).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))
        await page.goto(f"{gateway.url}/?kiosk&token={KIOSK}")
        await expect(page.get_by_role("heading", name="No cameras yet")).to_be_visible()
        assert KIOSK not in page.url
        assert await page.get_by_role("navigation").count() == 0, "a wall"
        assert [one for one in asked if KIOSK in one] == [f"{gateway.url}/?kiosk&token={KIOSK} "], (
            "the first request only"
        )
        assert await page.get_by_role("button").count() == 0, "nothing is offered that it may not do"
        (cookie,) = await page.context.cookies()
        assert cookie["expires"] - time.time() > 390 * 86_400
        await page.goto(gateway.url)
        await expect(page.get_by_role("heading", name="No cameras yet")).to_be_visible()
    assert KIOSK not in gateway.service.log
