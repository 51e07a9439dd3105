"""Draws the icons of the installed dashboard from `web/public/favicon.svg`, in a browser: `python -m tools.icons`.

Launchers cut a maskable icon to their own shape, so its drawing keeps to the middle four fifths of a full square; so
does the touch icon, whose corners the device rounds.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

from tools.browser import chromium_executable

PUBLIC: Final = Path(__file__).parents[1] / "web/public"
ICONS: Final = {
    "icon-192": (192, False),
    "icon-512": (512, False),
    "maskable-512": (512, True),
    "touch-180": (180, True),
}
"""File name → pixels, and whether the ground fills the whole square."""


def full_square(svg: str) -> str:
    """The same drawing, smaller, on a ground that fills the square."""
    ground, drawing = re.search(r"(<rect[^>]*/>)(.*)</svg>", svg, re.DOTALL).groups()  # type: ignore[union-attr]
    square = re.sub(r' rx="[^"]*"', "", ground)
    smaller = f'<g transform="translate(3.2 3.2) scale(.8)">{drawing}</g>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{square}{smaller}</svg>'


async def main() -> None:
    """Write all icons."""
    svg = (PUBLIC / "favicon.svg").read_text("utf-8")
    (PUBLIC / "icons").mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, (pixels, is_square) in ICONS.items():
            page = await browser.new_page(viewport={"width": pixels, "height": pixels})
            style = "<style>*{margin:0}svg{display:block;width:100vw;height:100vh}</style>"
            await page.set_content(style + (full_square(svg) if is_square else svg))
            await page.screenshot(path=PUBLIC / f"icons/{name}.png", omit_background=True)
            await page.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
