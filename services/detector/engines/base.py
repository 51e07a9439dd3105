"""What an engine is: pictures in, vehicles out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import supervision as sv

from services.detector.engines.class_names import VEHICLE_CLASSES as VEHICLE_CLASSES

Picture = npt.NDArray[np.uint8]
"""A decoded picture: shape (height, width, 3), BGR."""


class Engine(Protocol):
    """A loaded detection model. Safe to call from several threads at once."""

    @property
    def description(self) -> str:
        """Model, engine and device, for the log."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels to which pictures are scaled."""

    @property
    def batch_max(self) -> int:
        """Pictures that `detect` works on at once; more are worked on in turn. 1 where a batch gains nothing."""

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture.

        Args:
            pictures: any sizes.
            confidence: least confidence, 0..1.

        Returns:
            One `sv.Detections` a picture: `xyxy` (n, 4) pixels of that picture, `confidence` (n,),
            `data["class_name"]` (n,) of `VEHICLE_CLASSES`. Overlapping boxes of any class are already one.

        Raises:
            EngineError: the model could not be run.
        """


def in_batches(pictures: Sequence[Picture], batch_max: int) -> Iterator[list[Picture]]:
    """The pictures in order, at most `batch_max` at a time."""
    for start in range(0, len(pictures), batch_max):
        yield list(pictures[start : start + batch_max])


class EngineWrapper:
    """An engine that does something more with what another one does; to be completed with `detect`."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine."""
        self._engine = engine

    @property
    def description(self) -> str:
        """See `Engine.description`."""
        return self._engine.description

    @property
    def input_size(self) -> tuple[int, int]:
        """See `Engine.input_size`."""
        return self._engine.input_size

    @property
    def batch_max(self) -> int:
        """See `Engine.batch_max`."""
        return self._engine.batch_max


def empty_detections() -> sv.Detections:
    """No vehicles."""
    return make_detections(np.empty((0, 4)), np.empty(0), np.empty(0, dtype=object))


def make_detections(
    xyxy: npt.NDArray[Any], confidence: npt.NDArray[Any], class_names: npt.NDArray[Any]
) -> sv.Detections:
    """`sv.Detections` from n boxes.

    Args:
        xyxy: (n, 4) pixels.
        confidence: (n,).
        class_names: (n,) strings.
    """
    class_ids = np.array([VEHICLE_CLASSES.index(name) for name in class_names], dtype=int)
    return sv.Detections(
        xyxy=xyxy.astype(np.float32).reshape(-1, 4),
        confidence=confidence.astype(np.float32),
        class_id=class_ids,
        data={"class_name": np.asarray(class_names, dtype=object)},
    )
