"""The first layers of a YOLO11 model as a feature extractor for views of spaces, on OpenVINO.

Layers 0 to 8 of YOLO11 (Jocher and Qiu, 2024) give feature maps at strides 8, 16 and 32 (P3, P4, P5). They are found by
the graph's shape, not by names, so that any OpenVINO or ONNX export will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino.preprocess import PrePostProcessor

from libs.common.errors import EngineError
from services.detector.judge.views import VIEW_PIXELS, pooling_weights

BATCH: Final = 8
"""Views that go through the trunk at once; the last ones of a run are filled up."""
MAP_CHANNELS: Final = 256
"""Of P3 and P4 together."""
VECTOR_LENGTH: Final = 1280
"""P5 in 2 by 2 cells, and its mean."""
MAP_CELLS: Final = 4

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """What the trunk makes of n views, pooled inside the spaces.

    Attributes:
        maps: (n, 256, 16): P3 and P4 in 4 by 4 cells.
        vectors: (n, 1280): P5 in 2 by 2 cells, and its mean over the view.
    """

    maps: Floats32
    vectors: Floats32


class Trunk:
    """Layers 0 to 8 of a YOLO11n model, compiled for views of 128 by 128 pixels on one core."""

    def __init__(self, model: Path) -> None:
        """Cut the trunk out of a model and compile it.

        Args:
            model: an `.xml` or `.onnx` file.

        Raises:
            EngineError: OpenVINO cannot read it, or it does not have the layers of YOLO11n.
        """
        core = ov.Core()
        try:
            whole = core.read_model(model)
            trunk = ov.Model(_feature_maps(whole), whole.get_parameters(), "trunk")
            trunk.reshape([BATCH, 3, VIEW_PIXELS, VIEW_PIXELS])
            prepared = PrePostProcessor(trunk)
            prepared.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
            prepared.input().tensor().set_color_format(ov.preprocess.ColorFormat.BGR)
            prepared.input().model().set_layout(ov.Layout("NCHW"))
            steps = prepared.input().preprocess()
            steps.convert_element_type(ov.Type.f32).convert_color(ov.preprocess.ColorFormat.RGB).scale(255.0)
            compiled = core.compile_model(
                prepared.build(), "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
            )
        except (RuntimeError, IndexError) as error:
            raise EngineError(f"{model} has no trunk of YOLO11n: {str(error).strip().splitlines()[-1]}") from error
        self._request = compiled.create_infer_request()

    def features(self, views: npt.NDArray[np.uint8], corners: npt.NDArray[Any]) -> Features:
        """Run views through the trunk and pool the maps. Not to be called by two threads at the same time.

        Args:
            views: (n, 128, 128, 3) BGR.
            corners: (n, 4, 2) pixels in the views, the quadrilaterals to pool in.
        """
        maps = np.empty((len(views), MAP_CHANNELS, MAP_CELLS**2), np.float32)
        vectors = np.empty((len(views), VECTOR_LENGTH), np.float32)
        for start in range(0, len(views), BATCH):
            part = slice(start, min(start + BATCH, len(views)))
            p3, p4, p5 = self._run(views[part])
            here = corners[part]
            half = p3.shape[1]
            maps[part, :half] = p3 @ pooling_weights(here, MAP_CELLS, 8, finer=2)
            maps[part, half:] = p4 @ pooling_weights(here, MAP_CELLS, 16)
            vectors[part, : 4 * p5.shape[1]] = (p5 @ pooling_weights(here, 2, 32)).reshape(len(here), -1)
            vectors[part, 4 * p5.shape[1] :] = p5.mean(axis=2)
        return Features(maps, vectors)

    def _run(self, views: npt.NDArray[np.uint8]) -> Iterator[Floats32]:
        """The three maps of at most a batch of views, (n, channels, pixels) each."""
        batch = np.zeros((BATCH, VIEW_PIXELS, VIEW_PIXELS, 3), np.uint8)
        batch[: len(views)] = views
        try:
            self._request.infer({0: batch}, share_inputs=True)
        except RuntimeError as error:
            raise EngineError(f"the judge's trunk failed: {str(error).strip().splitlines()[-1]}") from error
        for number in range(3):
            found: Floats32 = self._request.get_output_tensor(number).data
            yield found[: len(views)].reshape(len(views), found.shape[1], -1)


def _feature_maps(model: Any) -> list[Any]:
    """The outputs of layers 4, 6 and 8.

    P3 and P4 are what the fourth and the fifth convolution of stride 2 take. P5 is what the convolution before the
    first max-pooling takes.

    Raises:
        IndexError: the graph has too few such layers.
        RuntimeError: the maps are not of YOLO11n's shapes.
    """
    nodes = model.get_ordered_ops()
    halving = [node for node in nodes if _is_kind(node, "Convolution") and node.get_attributes()["strides"] == [2, 2]]
    pooling = next((node for node in nodes if _is_kind(node, "MaxPool")), None)
    if pooling is None:
        raise RuntimeError("there is no max-pooling layer")
    before = _source(pooling).get_node()
    while not _is_kind(before, "Convolution"):
        before = before.input(0).get_source_output().get_node()
    maps = [_source(halving[3]), _source(halving[4]), _source(before)]
    channels = [found.partial_shape[1].get_length() for found in maps]
    if channels != [MAP_CHANNELS // 2, MAP_CHANNELS // 2, VECTOR_LENGTH // 5]:
        raise RuntimeError(f"its maps have {channels} channels")
    return maps


def _is_kind(node: Any, kind: str) -> bool:
    return bool(node.get_type_name() == kind)


def _source(node: Any) -> Any:
    """What a layer takes, before it was quantised for it."""
    source = node.input(0).get_source_output()
    while source.get_node().get_type_name() in ("FakeQuantize", "Convert"):
        source = source.get_node().input(0).get_source_output()
    return source
