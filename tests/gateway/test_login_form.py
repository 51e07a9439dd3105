"""Where a login leads to, and in which language it is asked for."""

from __future__ import annotations

import pytest

from services.gateway.api.login import local_address, pick_language


@pytest.mark.parametrize(
    ("told", "leads_to"),
    [
        ("/cameras/CAM1?wall=1", "/cameras/CAM1?wall=1"),
        (None, "/"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("/\t/elsewhere.example/", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("/" + "a" * 2000, "/"),
        ("/\u00e9", "/"),
    ],
)
def test_a_login_leads_to_a_page_of_ours_and_nowhere_else(told: str | None, leads_to: str) -> None:
    assert local_address(told) == leads_to


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, DE;q=0.5", "de"),
        ("en-GB,de", "en"),
        ("fr", "en"),
        ("", "en"),
        (";,-", "en"),
    ],
)
def test_the_form_is_in_a_language_of_the_browser(accepted: str, language: str) -> None:
    assert pick_language(accepted) == language
