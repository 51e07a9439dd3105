"""Where the demo's model looks at a real camera, or the lot cannot be seen, everybody is told so."""

from __future__ import annotations

import pytest

from deploy.demo.camera.frame_mark import mark
from libs.common.camera_state import ViewCondition, read_state
from services.detector.metrics import ViewCollector
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


@pytest.mark.parametrize(
    ("model", "view", "notice"),
    [("", "the lot cannot be made out", "the lot cannot be made out"), ("no model", "too dark", "no model; too dark")],
)
def test_the_notice_of_a_lost_view_is_read_beside_the_models(model: str, view: str, notice: str) -> None:
    status = {
        b"ingest_state": b"live", b"ingest_updated_at_ms": b"1000000", b"detector_updated_at_ms": b"1000000",
        b"detector_notice": model.encode(), b"detector_view_notice": view.encode(),
    }  # fmt: skip
    assert read_state(status, 1_000_000).notice == notice
    assert read_state(status, 1_000_000, is_enabled=False).notice is None


def test_a_metric_tells_which_camera_cannot_be_judged_and_why() -> None:
    class OneOfTwo:
        def view_conditions(self) -> dict[str, ViewCondition]:
            return {"gate": "frozen", "yard": "clear"}

    (metric,) = ViewCollector(OneOfTwo()).collect()
    assert [sample.labels for sample in metric.samples if sample.value] == [{"camera": "gate", "reason": "frozen"}]
    assert len(metric.samples) == 8
