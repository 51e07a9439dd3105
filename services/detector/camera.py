"""What the detector keeps of one camera."""

from __future__ import annotations

from libs.common.leases import Lease
from services.detector.backoff import Backoff
from services.detector.camera_state import CameraState
from services.detector.counters import FrameCounters
from services.detector.crops import CropsOutbox
from services.detector.drawing.renderer import FrameRenderer
from services.detector.frame_order import FrameSequence
from services.detector.frame_result import PictureKind
from services.detector.judging import CameraJudging
from services.detector.motion import MotionGate
from services.detector.outbox import Outbox
from services.detector.process import DetectorProcess
from services.detector.proposals.camera_proposals import CameraProposals
from services.detector.schedule import Schedule
from services.detector.stored_camera import StoredCamera
from services.detector.view.check import ViewCheck
from services.detector.view.reference import ViewReferences


class CameraSession:
    """One camera, for as long as this process holds its lease. Each part has one writer.

    Attributes:
        lease: nothing is published once it is not valid.
        camera_id: the camera's id.
        sequence: the order of its frames; written by the pipeline and the camera manager.
        gate: the motion gate; used by the workers' threads.
        state: tracks and spaces; written in the order of the frames.
        renderer: draws the frames, in their order.
        judging: when the spaces are judged, and the judge's answer.
        proposals: where vehicles stand, and what spaces this makes probable; used on the loop.
        schedule: what is due; written on the loop.
        crops: the pictures of changes that have still to reach Redis; used on the loop.
        outbox: what has still to reach Redis; written by the publisher.
        counters: what became of the frames; written on the loop.
        backoff: whether the camera rests after an unexpected failure.
        watched: the pictures that somebody subscribes to; written by `subscribers`.
    """

    def __init__(self, lease: Lease, stored: StoredCamera, process: DetectorProcess) -> None:
        """Take over a camera.

        Args:
            lease: of the camera.
            stored: what the owner before left in Redis.
            process: this process.
        """
        settings = process.settings
        self.lease = lease
        self.camera_id = lease.camera_id
        self.sequence = FrameSequence()
        self.gate = MotionGate(settings.motion_threshold, round(settings.look_every_s * 1000))
        references = ViewReferences(stored.view)
        view = ViewCheck(round(settings.frozen_after_s * 1000), settings.carry_shift, references)
        self.judging = CameraJudging(lease.camera_id, view)
        self.state = CameraState(stored, self.judging, settings, process.clock.now_ms)
        self.renderer = FrameRenderer(process.name, settings.jpeg_quality)
        self.proposals = CameraProposals(stored.proposals, settings.proposals_every_s)
        self.schedule = Schedule(settings)
        self.crops = CropsOutbox(self.judging.crops)
        self.outbox = Outbox(stored.spaces_version)
        self.counters = FrameCounters(process.metrics.frames)
        self.backoff = Backoff()
        self.watched: frozenset[PictureKind] = frozenset()
        self._motion_threshold = settings.motion_threshold

    def change_motion_threshold(self, threshold: float | None) -> None:
        """Use another threshold of the motion gate (0..255) from the next frame on; None: that of the settings."""
        self.gate.threshold = self._motion_threshold if threshold is None else threshold

    def wanted_pictures(self) -> frozenset[PictureKind]:
        """The pictures of the next frame that are wanted: somebody watches, or `latest` is old."""
        return self.watched | {"annotated"} if self.schedule.picture_is_due() else self.watched
