"""Make `import torchvision` work where its compiled part does not fit the installed torch.

Ultralytics imports torchvision for one operator, non-maximum suppression. torchvision's wheel on PyPI is
linked against the CUDA build of torch: beside a CPU-only torch its library does not load and the import fails with
"operator torchvision::nms does not exist". Ultralytics carries the same operator in plain torch, so
that one takes its place.
"""

from __future__ import annotations

import importlib
from typing import Any

_library: Any = None  # torch drops an operator when the Library object that defined it is collected


def ensure_torchvision() -> bool:
    """Import torchvision, lending it Ultralytics' own NMS operator if its compiled one cannot load.

    Returns:
        True if torchvision works as installed, False if the operator had to be lent.

    Raises:
        ImportError: torchvision is not installed.
    """
    global _library
    try:
        importlib.import_module("torchvision")
        return True
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    torch = importlib.import_module("torch")
    torch_nms = importlib.import_module("ultralytics.utils.nms").TorchNMS

    def nms(dets: Any, scores: Any, iou_threshold: float) -> Any:
        return torch_nms.nms(dets, scores, iou_threshold)

    _library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):  # torchvision describes both to torch's tracer while it is imported
        _library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.impl("nms", nms, "CompositeExplicitAutograd")
    torchvision = importlib.import_module("torchvision")
    # torchvision.ops.nms asks for the compiled library before it calls the operator.
    torchvision.ops.nms = nms
    return False
