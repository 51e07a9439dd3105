"""Real pictures and a real model, which lie beside the project and are never committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("LOTCAST_TEST_DATA", Path(__file__).parents[3] / "shared/data"))
PKLOT = FOLDER / "pklot"
YOLO11N = FOLDER / "models/yolo11n_int8_openvino_model"

needs_real_data = pytest.mark.skipif(
    not (PKLOT / "annotations.json").is_file() or not (YOLO11N / "yolo11n.xml").is_file(),
    reason=f"no real pictures and model in {FOLDER.name}/ beside the project; LOTCAST_TEST_DATA names their folder",
)
