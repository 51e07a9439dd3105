"""Make the pictures and the metadata of one camera's frames."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from libs.common.messages import FrameMetadata, Timings
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.frame_result import Drawing, DrawnFrame, FrameResult, Inference, PictureKind, StillScene
from services.detector.latest_frames import PendingFrame
from services.detector.metadata import build_metadata, restamp
from services.detector.occupancy.lot import Lot

SMALL_WIDTH: Final = 480
SMALL_QUALITY: Final = 75


class FrameRenderer:
    """Draws one camera's frames, one at a time and in order: the trails of its tracks grow from frame to frame."""

    def __init__(self, detector: str, jpeg_quality: int) -> None:
        """Start without trails.

        Args:
            detector: this process, for the metadata.
            jpeg_quality: of the annotated picture, 1..100.
        """
        self._detector = detector
        self._jpeg_quality = jpeg_quality
        self._last: tuple[FrameResult, DrawnFrame] | None = None
        self._annotator: tuple[tuple[int, int], Lot, FrameAnnotator] | None = None

    def draw(
        self,
        pending: PendingFrame,
        inference: Inference,
        result: FrameResult,
        detected_at_ms: int,
        kinds: Collection[PictureKind],
    ) -> DrawnFrame:
        """Make the pictures of a frame that somebody wants.

        Where nothing changed since the frame before, its pictures and its metadata are used again.

        Args:
            pending: the frame and when it was read.
            inference: what was detected in it.
            result: the camera's state after it.
            detected_at_ms: when the model had finished.
            kinds: the pictures that somebody wants.

        Raises:
            FrameError: the picture cannot be decoded.
        """
        frame = pending.frame
        timings = Timings(
            captured_at=frame.captured_at_ms,
            read_at=pending.read_at_ms,
            detected_at=detected_at_ms,
            published_at=detected_at_ms,
        )
        earlier = None if self._last is None or inference.moved else self._last
        same = (
            earlier[1]
            if earlier is not None and inference.verdict == "still" and result.is_drawn_like(earlier[0])
            else None
        )
        scene = earlier[1].scene if earlier is not None and result.looks_like(earlier[0]) else StillScene()
        if same is None:
            metadata = self._metadata(frame.frame_id, inference, result, timings)
        else:
            metadata = restamp(same.metadata, frame.frame_id, timings)
        picture = inference.picture
        small = None if same is None else same.small
        if small is None and "small" in kinds and (shrunk := picture.small(SMALL_WIDTH)) is not None:
            small = Drawing(shrunk, SMALL_QUALITY)  # before anything is drawn into what was decoded
        annotated = None if same is None else same.annotated
        if annotated is None and "annotated" in kinds:
            self._annotator_for(result.lot, picture.size).annotate(picture.full, result.tracked, result.states)
            annotated = Drawing(picture.full, self._jpeg_quality)
        drawn = DrawnFrame(metadata, scene, annotated, small, frame.jpeg)
        self._last = result, drawn
        return drawn

    def _metadata(self, frame_id: str, inference: Inference, result: FrameResult, timings: Timings) -> FrameMetadata:
        return build_metadata(
            result.tracked,
            result.lot.spaces,
            result.statuses,
            result.matches,
            detector=self._detector,
            frame_id=frame_id,
            timings=timings,
            size=inference.picture.size,
        )

    def _annotator_for(self, lot: Lot, size: tuple[int, int]) -> FrameAnnotator:
        if self._annotator is None or self._annotator[0] != size or self._annotator[1] is not lot:
            self._annotator = size, lot, FrameAnnotator(lot.spaces, size)
        return self._annotator[2]
