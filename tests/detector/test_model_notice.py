"""Where the demo's model looks at a real camera, everybody is told so."""

from __future__ import annotations

import pytest

from deploy.demo.camera.frame_mark import mark
from libs.common.camera_state import read_state
from services.detector.status import DEMO_NOTICE, is_rendered
from tests.support.pictures import make_jpeg


def test_pictures_of_the_simulated_cameras_are_known() -> None:
    jpeg = make_jpeg()
    assert is_rendered(mark(jpeg, "north", 7))
    assert not is_rendered(jpeg)
    assert not is_rendered(b"")


@pytest.mark.parametrize(
    ("age_ms", "text", "notice"), [(500, DEMO_NOTICE, DEMO_NOTICE), (20_000, DEMO_NOTICE, None), (500, "", None)]
)
def test_the_notice_is_read_while_the_detector_reports(age_ms: int, text: str, notice: str | None) -> None:
    status = {
        b"ingest_state": b"live", b"ingest_updated_at_ms": b"1000000", b"detector_notice": text.encode(),
        b"detector_updated_at_ms": str(1_000_000 - age_ms).encode(),
    }  # fmt: skip
    assert read_state(status, 1_000_000).notice == notice
