"""Start Playwright's own Chromium once: exit code 0 if it runs on this machine."""

from __future__ import annotations

from playwright.sync_api import sync_playwright


def main() -> None:
    """Start it and close it again.

    Raises:
        playwright.sync_api.Error: it does not start; the text names what is missing.
    """
    with sync_playwright() as playwright:
        playwright.chromium.launch().close()


if __name__ == "__main__":
    main()
