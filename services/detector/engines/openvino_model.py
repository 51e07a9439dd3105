"""Read a model with OpenVINO and find out what goes in and what comes out, or refuse it in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import openvino as ov
import yaml
from openvino import opset13 as ops
from openvino.preprocess import ColorFormat, PrePostProcessor

from libs.common.errors import EngineError
from services.detector.engines.class_names import COCO, parse_names
from services.detector.engines.letterbox import Fit
from services.detector.engines.model_content import openvino_reason
from services.detector.engines.model_file import AGAIN
from services.detector.engines.output_layout import Layout, Output, class_count, identify, is_batch_rows, shape_text

DEFAULT_SIDE: Final = 640
"""Of an input that may have any size, where the metadata names none."""
SIDE_MAX: Final = 8192
CHANNELS: Final = 3


@dataclass(frozen=True, slots=True)
class ExportMetadata:
    """What an export says of itself.

    Attributes:
        names: class names by id; None if it names none.
        task: `detect` and others, as Ultralytics calls them.
        size: (width, height) for which it was exported.
    """

    names: Mapping[int, str] | None
    task: str | None
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class InputPlan:
    """How a picture is given to a model.

    Attributes:
        size: (width, height) in pixels.
        batch: pictures that it takes at once; more than 1 only where that is built in.
        order: of its sides.
        colours: of its channels.
        scale: by which values 0..255 are divided.
        fit: how a picture lies in it.
    """

    size: tuple[int, int]
    batch: int = 1
    order: Literal["NCHW", "NHWC"] = "NCHW"
    colours: Literal["RGB", "BGR"] = "RGB"
    scale: float = 255.0
    fit: Fit = "centre"

    def for_layout(self, layout: Layout, objectness_is_one: bool = False) -> InputPlan:
        """The plan for a family: YOLOX takes colours as OpenCV has them, RT-DETR's relatives a stretched picture."""
        if layout.kind == "grid" and not objectness_is_one:
            return InputPlan(self.size, self.batch, self.order, "BGR", 1.0, "corner")
        fit: Fit = "stretch" if "quer" in layout.kind or layout.kind == "ranked" else "centre"
        return InputPlan(self.size, self.batch, self.order, "RGB", 255.0, fit)


def read_model(core: ov.Core, file: Path) -> ov.Model:
    """The model in a file.

    Raises:
        EngineError: OpenVINO cannot read it; the text says why.
    """
    try:
        return core.read_model(file)
    except RuntimeError as error:
        reason = openvino_reason(error)
        if "can't be parsed" in reason or "Unable to read" in reason or "mismatch" in reason:
            reason = f"it is damaged or cut off ({reason}); {AGAIN}"
        else:
            reason = f"{reason}; export it in another way (format=openvino, without nms)"
        raise EngineError(f"OpenVINO cannot load {file.name}: {reason}") from error


def read_metadata(model: ov.Model, file: Path) -> ExportMetadata:
    """What Ultralytics leaves in `metadata.yaml` beside an IR and in the metadata of an ONNX file.

    Raises:
        EngineError: it cannot be read.
    """
    beside = file.parent / "metadata.yaml"
    if file.suffix.lower() == ".xml" and beside.is_file():
        found, where = _read_yaml(beside), f"{beside.name} beside {file.name}"
    else:
        found, where = {}, file.name
        for key in ("names", "task", "imgsz"):
            if model.has_rt_info(["framework", key]):
                found[key] = model.get_rt_info(["framework", key]).astype(str)
    if not found.get("names") and model.has_rt_info(["model_info", "labels"]):
        labels = model.get_rt_info(["model_info", "labels"]).astype(str)
        found["names"] = [label.replace("_", " ") for label in labels.split()]
    return ExportMetadata(parse_names(found.get("names"), where), _text(found.get("task")), _size(found.get("imgsz")))


def fix_input(core: ov.Core, file: Path, metadata: ExportMetadata) -> tuple[ov.Model, InputPlan]:
    """The model for one picture of a fixed size, if it can be brought to that.

    Raises:
        EngineError: its input is no picture.
    """
    model = read_model(core, file)
    plan = _plan_input(model, file, metadata)
    batch = model.input(0).get_partial_shape()[0]
    try:
        model.reshape({model.input(0): ov.PartialShape(_input_shape(plan))})
        if _output_batch(model) in (1, None):
            return model, plan
    except RuntimeError as error:
        if batch.is_dynamic:
            size = f"{plan.size[0]}x{plan.size[1]}"
            reason = openvino_reason(error)
            raise EngineError(f"{file.name} does not take a picture of {size} ({reason}); export it so") from error
    # The batch is built into the graph: it is used as it is.
    model = read_model(core, file)
    plan = _plan_input(model, file, metadata)
    built_in = _output_batch(model) or (1 if batch.is_dynamic else batch.get_length())
    if batch.is_dynamic or batch.get_length() != built_in:
        raise EngineError(f"{file.name} takes other batches than it gives; export it with batch=1")
    return model, InputPlan(plan.size, built_in, plan.order)


def outputs_of(model: ov.Model) -> list[Output]:
    """Names and shapes of a model's outputs."""
    return [
        Output(next(iter(sorted(one.get_names())), ""), tuple(_length(side) for side in one.get_partial_shape()))
        if one.get_partial_shape().rank.is_static
        else Output("", ())
        for one in model.outputs
    ]


def find_layout(
    model: ov.Model, metadata: ExportMetadata, plan: InputPlan, own_classes: Mapping[str, str]
) -> tuple[Layout, dict[int, str], bool]:
    """What kind of export it is, and what its classes are called.

    Args:
        model: with a fixed input.
        metadata: of the export.
        plan: of its input.
        own_classes: `DETECTOR_CLASSES`; the classes of a model without names go by their numbers there.

    Returns:
        The layout, the names by class id, and whether these are assumed to be COCO's.

    Raises:
        EngineError: it cannot be used; to be put behind the name of the file.
    """
    outputs, names = outputs_of(model), metadata.names
    if names:
        return identify(outputs, max(names) + 1, plan.size, metadata.task), dict(names), False
    numbers = [int(name) for name in own_classes if name.isdecimal()]
    room = class_count(outputs, plan.size)
    if room is None:
        room = _ranked_classes(model, outputs)
    if numbers:
        room = room or max(numbers) + 1
        return identify(outputs, room, plan.size, metadata.task), {one: str(one) for one in range(room)}, False
    layout = identify(outputs, len(COCO) if room in (None, len(COCO)) else None, plan.size, metadata.task)
    if layout.kind in ("end_to_end", "batch_rows") or room not in (None, len(COCO)):
        count = f" of its {room} classes" if room else ""
        raise EngineError(
            f"does not name its classes; export it with Ultralytics, which does, or say which numbers{count} are "
            "vehicles: DETECTOR_CLASSES='2=car,7=truck'"
        )
    return layout, dict(enumerate(COCO)), True


def with_preprocessing(model: ov.Model, plan: InputPlan) -> ov.Model:
    """The model behind steps that take pictures as they are: (batch, height, width, 3) bytes, BGR."""
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_color_format(ColorFormat.BGR)
    steps.input().model().set_layout(ov.Layout(plan.order))
    own_type = model.input(0).get_element_type()
    if own_type != ov.Type.u8:
        steps.input().preprocess().convert_element_type(ov.Type.f32)
    if plan.colours == "RGB":
        steps.input().preprocess().convert_color(ColorFormat.RGB)
    if own_type != ov.Type.u8:
        if plan.scale != 1:
            steps.input().preprocess().scale(plan.scale)
        steps.input().preprocess().convert_element_type(own_type)
    for index, output in enumerate(model.outputs):
        if output.get_element_type().is_real():
            steps.output(index).tensor().set_element_type(ov.Type.f32)
    return steps.build()


def is_int8(model: ov.Model) -> bool:
    """Whether a model was quantised."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def _plan_input(model: ov.Model, file: Path, metadata: ExportMetadata) -> InputPlan:
    pictures = [one for one in model.inputs if len(_sides(one)) == 4]
    if len(pictures) != 1:
        shapes = ", ".join(shape_text(tuple(_length(side) for side in _sides(one))) for one in model.inputs)
        raise EngineError(f"{file.name} takes no picture: its input is {shapes}; export a detection model")
    _, first, second, last = (_length(side) for side in _sides(pictures[0]))
    if first == CHANNELS or (first is None and last != CHANNELS):
        order: Literal["NCHW", "NHWC"] = "NCHW"
        height, width = second, last
    elif last == CHANNELS:
        order, height, width = "NHWC", first, second
    else:
        raise EngineError(f"{file.name} takes pictures of {first} channels; export a model for 3, red, green and blue")
    own = metadata.size or (DEFAULT_SIDE, DEFAULT_SIDE)
    size = width or own[0], height or own[1]
    if max(size) > SIDE_MAX:
        raise EngineError(f"{file.name} takes pictures of {size[0]}x{size[1]}, which is too large; export it smaller")
    plan = InputPlan(size, order=order)
    _settle_sizes(model, file, size)
    kind = model.input(0).get_element_type()
    if not kind.is_real() and kind != ov.Type.u8:
        raise EngineError(f"{file.name} takes {kind.get_type_name()} values; export it for FP32, FP16 or bytes")
    return plan


def _settle_sizes(model: ov.Model, file: Path, size: tuple[int, int]) -> None:
    """Fill in the second input of D-FINE and RT-DETR, the size in which boxes are wanted."""
    for other in [one for one in model.inputs if len(_sides(one)) != 4]:
        if len(_sides(other)) != 2 or _length(_sides(other)[1]) != 2 or not other.get_element_type().is_integral():
            raise EngineError(f"{file.name} has an input {other.get_any_name()!r} that is not known here; export YOLO")
        known = ops.constant([list(size)], other.get_element_type())
        parameter = other.get_node()
        for target in parameter.output(0).get_target_inputs():
            target.replace_source_output(known.output(0))
        model.remove_parameter(parameter)
    model.validate_nodes_and_infer_types()


def _input_shape(plan: InputPlan) -> list[int]:
    width, height = plan.size
    sides = [CHANNELS, height, width] if plan.order == "NCHW" else [height, width, CHANNELS]
    return [plan.batch, *sides]


def _output_batch(model: ov.Model) -> int | None:
    """The first side of the outputs; None where it is not fixed."""
    sides = [
        shape[0]
        for shape in (output.shape for output in outputs_of(model))
        if len(shape) > 1 and not is_batch_rows(shape)
    ]
    return next((side for side in sides if side is not None), None)


def _ranked_classes(model: ov.Model, outputs: Sequence[Output]) -> int | None:
    """How many classes a model ranks that gives labels: its last step chooses among rows times classes."""
    rows = next((output.shape[-1] for output in outputs if output.name.lower() == "labels"), None)
    for node in reversed(model.get_ordered_ops()):
        if node.get_type_name() == "TopK" and rows:
            length = _length(list(node.input(0).get_partial_shape())[-1])
            return length // rows if length and length % rows == 0 else None
    return None


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise EngineError(f"{file.name} beside the model cannot be read ({reason}); {AGAIN}") from None
    if not isinstance(found, dict):
        raise EngineError(f"{file.name} beside the model does not describe it; {AGAIN}")
    return found


def _sides(port: Any) -> list[Any]:
    shape = port.get_partial_shape()
    return list(shape) if shape.rank.is_static else []


def _length(side: Any) -> int | None:
    return None if side.is_dynamic else int(side.get_length())


def _text(value: object) -> str | None:
    return value.strip().lower() if isinstance(value, str) and value.strip() else None


def _size(value: object) -> tuple[int, int] | None:
    """(width, height) from Ultralytics' [height, width], or one side; None where it is neither."""
    if isinstance(value, str):
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            return None
    sides = [value, value] if isinstance(value, int) else value
    if isinstance(sides, (list, tuple)) and len(sides) == 2 and all(isinstance(one, int) and one > 0 for one in sides):
        return sides[1], sides[0]
    return None
