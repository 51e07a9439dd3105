"""Train the demo's model from scratch on rendered pictures, and export it. Needs the extra `ultralytics`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from deploy.demo.model.scenes import PICTURE_SIZE
from services.detector.engines.torchvision_nms import ensure_torchvision

ARCHITECTURE: Final = Path(__file__).parent / "yolo11-lotcast.yaml"
SETTINGS: Final[dict[str, Any]] = {
    "imgsz": max(PICTURE_SIZE),
    "rect": True,  # the pictures are all of one shape, which is also the exported input's
    "batch": 8,
    "optimizer": "AdamW",
    "lr0": 0.002,
    "lrf": 0.02,
    "cos_lr": True,
    "warmup_epochs": 0.5,
    "weight_decay": 0.0005,
    "hsv_h": 0.03,
    "hsv_s": 0.5,
    "hsv_v": 0.3,
    "degrees": 2.0,
    "translate": 0.08,
    "scale": 0.25,
    "fliplr": 0.5,
    "mosaic": 0.0,
    "seed": 7,
    "deterministic": True,
    # Nothing is fetched and nothing is drawn: training runs without a network and without fonts.
    "amp": False,
    "plots": False,
    "pretrained": False,
    "workers": 2,
    "cache": "ram",
    "device": "cpu",
}


def train(dataset: Path, runs: Path, epochs: int) -> Path:
    """Train.

    Args:
        dataset: the data set's description, from `render_dataset`.
        runs: folder for what Ultralytics writes.
        epochs: passes over the training pictures.

    Returns:
        The last weights, averaged over the last steps (`last.pt`).
    """
    ensure_torchvision()
    from ultralytics import YOLO

    model: Any = YOLO(str(ARCHITECTURE), task="detect")
    model.train(
        data=str(dataset),
        epochs=epochs,
        project=str(runs.resolve()),
        name="train",
        exist_ok=True,
        val=False,
        **SETTINGS,
    )
    return runs / "train/weights/last.pt"


def export(weights: Path, onnx: Path) -> None:
    """Write the weights as an ONNX file whose input is one picture of `PICTURE_SIZE`."""
    ensure_torchvision()
    from ultralytics import YOLO

    width, height = PICTURE_SIZE
    made = YOLO(str(weights)).export(format="onnx", imgsz=(height, width), opset=17, simplify=True, device="cpu")
    onnx.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, onnx)
