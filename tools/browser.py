"""The browser of tests and tools. As a program: start Playwright's own Chromium once; exit code 0 if it runs here."""

from __future__ import annotations

import shutil

from playwright.sync_api import sync_playwright


def chromium_executable() -> str | None:
    """The machine's Chromium; None where Playwright's own is to be used."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def main() -> None:
    """Start it and close it again.

    Raises:
        playwright.sync_api.Error: it does not start; the text names what is missing.
    """
    with sync_playwright() as playwright:
        playwright.chromium.launch().close()


if __name__ == "__main__":
    main()
