"""Draw the frames of one camera, and describe them in their metadata."""

from __future__ import annotations

from libs.common.messages import Timings
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.frame_result import Drawing, DrawnFrame, FrameResult, Inference
from services.detector.latest_frames import PendingFrame
from services.detector.metadata import build_metadata, restamp
from services.detector.occupancy.lot import Lot


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
        self._shown: tuple[FrameResult, DrawnFrame] | None = None
        self._annotator: tuple[tuple[int, int], Lot, FrameAnnotator] | None = None

    def draw(self, pending: PendingFrame, inference: Inference, result: FrameResult, detected_at_ms: int) -> DrawnFrame:
        """Draw the result of a frame into its picture.

        Where nothing changed since the frame before, that frame's drawing is used again.

        Args:
            pending: the frame and when it was read.
            inference: what was detected in it.
            result: the camera's state after it.
            detected_at_ms: when the model had finished.

        Raises:
            FrameError: the picture cannot be decoded.
        """
        frame, lot = pending.frame, result.lot
        timings = Timings(
            captured_at=frame.captured_at_ms,
            read_at=pending.read_at_ms,
            detected_at=detected_at_ms,
            published_at=detected_at_ms,
        )
        if inference.verdict == "still" and self._shown is not None and result.is_drawn_like(self._shown[0]):
            shown = self._shown[1]
            return DrawnFrame(shown.drawing, restamp(shown.metadata, frame.frame_id, timings))
        metadata = build_metadata(
            result.tracked,
            lot.spaces,
            result.statuses,
            result.matches,
            detector=self._detector,
            frame_id=frame.frame_id,
            timings=timings,
        )
        picture = inference.picture
        self._annotator_for(lot, picture.size).annotate(picture.full, result.tracked, result.states)
        drawn = DrawnFrame(Drawing(picture.full, self._jpeg_quality), metadata)
        self._shown = result, drawn
        return drawn

    def _annotator_for(self, lot: Lot, size: tuple[int, int]) -> FrameAnnotator:
        if self._annotator is None or self._annotator[0] != size or self._annotator[1] is not lot:
            self._annotator = size, lot, FrameAnnotator(lot.spaces, size)
        return self._annotator[2]
