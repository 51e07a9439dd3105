"""Write to Redis what the detector made of a camera's frames.

Every write to a camera's keys is one leased transaction: Redis refuses it whole once the camera belongs to another
process or is deleted. While Redis is full, pictures, states of spaces and status go on; log, counts and events stop in
this order, and events wait in the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_text
from libs.common.detection_log import ENTRY_MAX_BYTES, log_fields
from libs.common.leased_transaction import Command, LeasedTransaction, only_if_unchanged
from libs.common.messages import COUNT_EXPIRES_S, LATEST_EXPIRES_S, FrameMetadata, pack_viewer_message
from libs.common.proposals import KEEP_S as PROPOSALS_KEEP_S
from libs.common.spaces import OccupancyEvent, SpaceState
from services.detector.camera import CameraSession
from services.detector.frame_result import AnnotatedFrame
from services.detector.outbox import PENDING_EVENTS_MAX
from services.detector.process import DetectorProcess
from services.detector.status import status_fields

COUNTS_KEEP_S: Final = 86_400
COUNTS_MAXLEN: Final = 4000
"""Bounds what a reader of `counts` gets; a day has fewer entries (`Schedule.take_counts`)."""
LOG_ENTRY_STORED_BYTES: Final = 1280
"""What an entry of the log takes in Redis at most: its text, its id, and its share of a node of the stream."""


class Publisher:
    """Writes messages, occupancy, events, counts, log and status. Raises `redis.RedisError` when Redis is away."""

    def __init__(self, redis: Redis, process: DetectorProcess) -> None:
        self._redis = redis
        self._transaction = LeasedTransaction(redis)
        self._process = process
        self._log_maxlen = max(1, process.settings.log_max_bytes // LOG_ENTRY_STORED_BYTES)

    async def publish(self, camera: CameraSession, frame: AnnotatedFrame) -> bool:
        """Publish one frame; the changes of state that are pending go with it, all or nothing.

        Returns:
            False if the camera is no longer this process's: then nothing was published.
        """
        outbox, camera_id = camera.outbox, camera.camera_id
        async with outbox.lock:
            await self._settle(camera)
            if outbox.frame_count is None:
                outbox.frame_count = await self._read_frame_count(camera_id)
            timings = frame.metadata.timings
            published_at_ms = max(self._process.clock.now_ms(), timings.detected_at)
            expected = outbox.frame_count + 1
            message, commands = self._picture_commands(camera_id, frame, expected, published_at_ms)
            if camera.schedule.take_broadcaster():
                commands.append(("ZADD", keys.BROADCASTERS, f"{published_at_ms / 1000:.3f}", camera_id))
                commands.append(("EXPIRE", keys.count(camera_id), COUNT_EXPIRES_S))
            if self._process.memory.may_write("log") and camera.schedule.take_log():
                commands += self._log_commands(camera, frame.metadata)
            outbox.frame_count = None  # not known again until Redis answers
            answers = await self._execute(camera, commands, message)
            if answers is None:
                return False
            # The owner of a camera counts alone; if a worker broadcast it too, the next number is right again.
            outbox.frame_count = int(answers[0])
            if frame.scene.since is None:
                frame.scene.since = expected
            if outbox.frame_count != expected:
                outbox.stored_track_id = None  # perhaps Redis was emptied
        camera.counters.latency_ms = published_at_ms - timings.captured_at
        return True

    async def publish_changes(self, camera: CameraSession) -> bool:
        """Publish pending changes of state, and the counts if they are due, without a picture.

        Returns:
            False if the camera is no longer this process's: then nothing was published.
        """
        async with camera.outbox.lock:
            await self._settle(camera)
            return await self._execute(camera, []) is not None

    async def publish_all_states(self, camera: CameraSession, stored: Mapping[str, SpaceState]) -> bool:
        """Write the states of all current spaces and remove all others, if the spaces are still those that were read.

        Where somebody else changed a state meanwhile (a space was removed, which closes its history, and added again),
        an event tells the state that holds. To be called in the order of the camera's frames.

        Args:
            camera: whose.
            stored: the states by space id that Redis has.

        Returns:
            False if nothing was written: the camera is no longer this process's, or the spaces were changed again.
        """
        outbox, lot = camera.outbox, camera.state.lot
        async with outbox.lock:
            await self._settle(camera)
            outbox.keep_only({space.space_id for space in lot.spaces})
            if outbox.stored_states is not None:
                self._restore_history(camera, outbox.stored_states, stored)
            statuses = lot.statuses
            commands: list[Command] = [
                only_if_unchanged(keys.spaces(camera.camera_id), outbox.spaces_version),
                ("DEL", keys.occupancy(camera.camera_id)),
            ]
            if statuses:
                fields = [part for space_id, one in statuses.items() for part in (space_id, _as_json(one))]
                commands.append(("HSET", keys.occupancy(camera.camera_id), *fields))
            events = self._event_commands(camera)
            outbox.stored_states, outbox.is_unsettled = None, True
            answers = await self._transaction.execute(camera.lease, commands + events)
            outbox.is_unsettled = False
            if answers is None:
                camera.lease.end()
                return False
            if len(answers) < len(commands):
                return False
            outbox.stored_states = {}
            self._name_crops(camera, answers, len(events))
            outbox.take_out(len(events))
            outbox.note_hashed(statuses, len(outbox.events))
            return True

    async def publish_status(self, camera: CameraSession, skipped: int, state: str) -> bool:
        """Write the detector's fields of the camera's status, and proposals that are new; trim its streams where due.

        Returns:
            False if the camera is no longer this process's: then nothing was written.
        """
        fields = status_fields(camera, self._process, skipped, state)
        parts = [part for field in fields.items() for part in field]
        commands: list[Command] = [("HSET", keys.status(camera.camera_id), *parts)]
        if self._process.memory.may_write("crops"):
            commands += self._view_commands(camera)
        if camera.schedule.take_trim():
            now_ms, settings = self._process.clock.now_ms(), self._process.settings
            for stream, keep_s in (
                (keys.log(camera.camera_id), settings.log_keep_s),
                (keys.counts(camera.camera_id), COUNTS_KEEP_S),
            ):
                commands.append(("XTRIM", stream, "MINID", "~", max(0, now_ms - keep_s * 1000)))
        proposals = camera.proposals.unstored if self._process.memory.may_write("log") else None
        if proposals is not None:
            commands.append(("SET", keys.proposals(camera.camera_id), proposals, "EX", PROPOSALS_KEEP_S))
        if await self._transaction.execute(camera.lease, commands) is None:
            return False
        if proposals is not None:
            camera.proposals.was_stored(proposals)
        return True

    def _view_commands(self, camera: CameraSession) -> list[Command]:
        """What the lot looks like, for the next owner, where that has changed."""
        unsaved, key = camera.judging.take_unsaved_view(camera.state.lot), keys.view(camera.camera_id)
        if unsaved is None:
            return []
        version = camera.outbox.spaces_version
        parts = [part for name, one in unsaved.references.items() for part in (name, one.pack(version))]
        commands: list[Command] = [("DEL", key)] if unsaved.are_all_new else []
        return [*commands, ("HSET", key, *parts)] if parts else commands

    def _picture_commands(
        self, camera_id: str, frame: AnnotatedFrame, frame_count: int, at_ms: int
    ) -> tuple[bytes, list[Command]]:
        """The annotated message, which stands twice in the commands; and the commands."""
        metadata = frame.metadata.model_dump(by_alias=True)
        metadata["timings"]["published_at"] = at_ms
        metadata["still_since"] = frame.scene.since

        def message(jpeg: bytes) -> bytes:
            return pack_viewer_message(camera_id, jpeg, metadata, frame_count, at_ms / 1000)

        commands: list[Command] = [("INCRBY", keys.count(camera_id), 1)]
        annotated = b""
        if frame.jpeg is not None:
            annotated = message(frame.jpeg)
            commands.append(("PUBLISH", keys.live(camera_id), annotated))
            commands.append(("SET", keys.latest(camera_id), annotated, "EX", LATEST_EXPIRES_S))
        if frame.plain is not None:
            commands.append(("PUBLISH", keys.plain(camera_id), message(frame.plain)))
        if frame.small is not None:
            commands.append(("PUBLISH", keys.small(camera_id), message(frame.small)))
        return annotated, commands

    def _log_commands(self, camera: CameraSession, metadata: FrameMetadata) -> list[Command]:
        """An entry of the detection log; the key expires with its last entry, also when nothing is written any more."""
        fields = log_fields(metadata, camera.outbox.spaces_version)
        parts = [part for field in fields.items() for part in field]
        log = keys.log(camera.camera_id)
        return [
            ("XADD", log, "MAXLEN", "~", self._log_maxlen, "*", *parts),
            ("EXPIRE", log, self._process.settings.log_keep_s),
        ]

    def _counts_commands(self, camera: CameraSession) -> list[Command]:
        """An entry of the counts, if one is due."""
        if not self._process.memory.may_write("counts"):
            return []
        if not camera.schedule.take_counts(changed=camera.outbox.counts_changed):
            return []
        camera.outbox.counts_changed = False
        states = [status.state for status in camera.state.lot.statuses.values()]
        counts = keys.counts(camera.camera_id)
        parts: list[str | int] = []
        for state in ("occupied", "free", "unknown"):
            parts += (state, states.count(state))
        parts += ("vehicles", camera.state.vehicle_count)
        return [("XADD", counts, "MAXLEN", "~", COUNTS_MAXLEN, "*", *parts), ("EXPIRE", counts, COUNTS_KEEP_S)]

    def _event_commands(self, camera: CameraSession) -> list[Command]:
        """The pending changes of state as entries of the events; none while a full Redis takes none."""
        if not self._process.memory.may_write("events"):
            return []
        keep = self._process.settings.events_keep
        return [
            ("XADD", keys.events(camera.camera_id), "MAXLEN", "~", keep, "*", *_parts(event))
            for event in camera.outbox.events
        ]

    async def _execute(self, camera: CameraSession, commands: list[Command], payload: bytes = b"") -> list[Any] | None:
        """Run commands together with the counts, the pending changes of state and the last track id.

        Returns:
            The answers of `commands` and more; None, and nothing was run, if the camera is no longer this process's.
        """
        if not camera.lease.is_valid():  # asked right before: the process may have been paused meanwhile
            return None
        outbox, camera_id = camera.outbox, camera.camera_id
        track_id = camera.state.last_track_id
        commands = commands + self._counts_commands(camera)
        if track_id != outbox.stored_track_id:
            commands.append(("SET", keys.last_track_id(camera_id), track_id))
        known = {space.space_id for space in camera.state.lot.spaces}
        statuses = {space_id: one for space_id, one in outbox.unstored_statuses().items() if space_id in known}
        events, pending = self._event_commands(camera), len(outbox.events)
        changes: list[Command] = []
        if statuses:
            fields = [part for space_id, one in statuses.items() for part in (space_id, _as_json(one))]
            changes.append(("HSET", keys.occupancy(camera_id), *fields))
        changes += events
        if changes:
            # A space that is removed has its history closed by the one who removes it; nothing may open it again.
            changes.insert(0, only_if_unchanged(keys.spaces(camera_id), outbox.spaces_version))
        if not commands and not changes:
            return []
        outbox.stored_track_id, outbox.is_unsettled = None, bool(changes)
        answers = await self._transaction.execute(camera.lease, commands + changes, payload)
        outbox.is_unsettled = False
        if answers is None:
            camera.lease.end()
            return None
        outbox.stored_track_id = track_id
        if changes and len(answers) == len(commands) + len(changes):
            self._name_crops(camera, answers, len(events))
            outbox.take_out(len(events))
            outbox.note_hashed(statuses, pending - len(events))
        return answers

    async def _settle(self, camera: CameraSession) -> None:
        """After a transaction without an answer: forget those pending changes that are in the stream all the same."""
        outbox = camera.outbox
        if not outbox.is_unsettled:
            return
        answer: Any = await self._redis.xrevrange(keys.events(camera.camera_id), count=PENDING_EVENTS_MAX)
        written = {
            tuple(sorted((as_text(name), as_text(value)) for name, value in fields.items())): as_text(event_id)
            for event_id, fields in answer
        }
        pending = []
        for event in outbox.events:
            event_id = written.get(tuple(sorted(event.to_fields().items())))
            if event_id is None:
                pending.append(event)
            else:
                camera.crops.event_was_written(event, event_id)
        outbox.replace(pending)
        outbox.stored_states = None
        outbox.is_unsettled = False

    def _name_crops(self, camera: CameraSession, answers: Sequence[Any], events: int) -> None:
        """Tell the pictures of the oldest pending changes the ids that Redis has just given these."""
        for event, event_id in zip(list(camera.outbox.events)[:events], answers[len(answers) - events :], strict=True):
            camera.crops.event_was_written(event, as_text(event_id))

    async def _read_frame_count(self, camera_id: str) -> int:
        count = await self._redis.get(keys.count(camera_id))
        return int(count) if count is not None and as_text(count).isdigit() else 0

    def _restore_history(
        self, camera: CameraSession, expected: Mapping[str, SpaceState], stored: Mapping[str, SpaceState]
    ) -> None:
        """Tell the states of spaces whose history somebody else has closed meanwhile."""
        outbox, statuses, now_ms = camera.outbox, camera.state.lot.statuses, self._process.clock.now_ms()
        for space in camera.state.lot.spaces:
            there, here = stored.get(space.space_id, "unknown"), statuses[space.space_id]
            if there == expected.get(space.space_id, "unknown"):
                continue
            outbox.replace([event for event in outbox.events if event.space_id != space.space_id])
            if there != here.state:
                event = OccupancyEvent(
                    space_id=space.space_id,
                    space_name=space.space_name,
                    state=here.state,
                    previous=there,
                    at_ms=now_ms,
                    track_id=here.track_id,
                    reason="space changed",
                )
                outbox.add([event])


def _parts(event: OccupancyEvent) -> list[str]:
    return [part for field in event.to_fields().items() for part in field]


def _as_json(status: Any) -> str:
    text: str = status.model_dump_json(exclude_none=True)
    return text


assert ENTRY_MAX_BYTES < LOG_ENTRY_STORED_BYTES
