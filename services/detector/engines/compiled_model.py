"""A model as OpenVINO compiled it for one size of pictures, with the requests that run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
import openvino as ov

from services.detector.engines.base import Picture
from services.detector.engines.letterbox import GREY
from services.detector.engines.output_layout import Layout

Arrays = list[npt.NDArray[np.generic]]


class CompiledModel:
    """Runs on batches of pictures of one size; safe to call from several threads at once.

    Attributes:
        size: (width, height) of its input.
        batch: pictures that it takes at once.
    """

    def __init__(self, compiled: ov.CompiledModel, size: tuple[int, int], batch: int, requests: int) -> None:
        self.size = size
        self.batch = batch
        self._requests: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(requests):
            self._requests.put(compiled.create_infer_request())

    @contextmanager
    def run(self, pictures: Sequence[Picture]) -> Iterator[ov.InferRequest]:
        """The request that has run on some pictures; nobody else uses it meanwhile.

        Args:
            pictures: of `size`, at most `batch`.

        Raises:
            RuntimeError: OpenVINO failed.
        """
        request = self._requests.get()
        try:
            request.infer({0: self._filled(pictures)}, share_inputs=True)
            yield request
        finally:
            self._requests.put(request)

    def outputs(self, picture: Picture, layout: Layout) -> Arrays:
        """Copies of the outputs for one picture, without the batch."""
        with self.run([picture]) as request:
            return [np.array(one) for one in outputs_of_slot(request, layout, 0)]

    def _filled(self, pictures: Sequence[Picture]) -> npt.NDArray[np.uint8]:
        """The pictures as one array (batch, height, width, 3); places without a picture are grey."""
        if self.batch == 1:
            return pictures[0][np.newaxis]
        filled = np.full((self.batch, self.size[1], self.size[0], 3), GREY, np.uint8)
        filled[: len(pictures)] = pictures
        return filled


def outputs_of_slot(request: ov.InferRequest, layout: Layout, slot: int) -> Arrays:
    """What a request found in the picture at a place of its batch; shares the request's memory.

    Args:
        request: that has run.
        layout: which outputs are read.
        slot: the picture's place, from 0.
    """
    outputs = [request.get_output_tensor(number).data for number in layout.outputs]
    if layout.kind == "batch_rows":
        return [rows[rows[:, 0] == slot] for rows in outputs]
    return [one[slot] for one in outputs]
