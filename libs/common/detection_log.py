"""The detection log: what was detected in one frame a second, in at most `ENTRY_MAX_BYTES` an entry. Pure.

An entry of `lotcast:{CAM}:log` leaves out what never changes: names and polygons of the spaces, and vehicles' boxes
beyond the limit. Its fields:

- `frame`: the raw frame's id.
- `spaces`: the first 12 digits of the SHA-1 of `lotcast:{CAM}:spaces`, to whose order `states` refers.
- `states`: hexadecimal, two spaces a digit: 2 bits a space, 0 unknown, 1 free, 2 occupied; the first space first.
- `vehicles`: how many vehicles were counted.
- `boxes`: of these, as many as fit, separated by `;`: class number, x, y, width, height (pixels), confidence in
  percent, track id (-1: none yet), separated by spaces. Vehicles that stand in no space come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.common.errors import MessageError
from libs.common.messages import FrameMetadata, PixelDetection
from libs.common.spaces import SpaceState

ENTRY_MAX_BYTES: Final = 1000
"""All names and values of an entry together."""
VERSION_DIGITS: Final = 12
CLASSES: Final = ("car", "motorcycle", "bus", "truck")
_STATES: Final[tuple[SpaceState, ...]] = ("unknown", "free", "occupied")


@dataclass(frozen=True, slots=True)
class LoggedVehicle:
    """A vehicle of the log; its box is `(x, y, width, height)` in whole pixels."""

    class_name: str
    bbox: tuple[int, int, int, int]
    confidence: float
    track_id: int | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry, read: see the module for the fields.

    Attributes:
        frame_id: the raw frame's id.
        spaces: the version of the spaces.
        states: of the spaces, in their order; may have one `unknown` more than there are spaces.
        vehicle_count: how many vehicles were counted.
        vehicles: those of them that fitted.
    """

    frame_id: str
    spaces: str
    states: list[SpaceState]
    vehicle_count: int
    vehicles: list[LoggedVehicle]


def log_fields(metadata: FrameMetadata, spaces_version: str) -> dict[str, str]:
    """The entry of one frame.

    Args:
        metadata: of the frame.
        spaces_version: the SHA-1 of the stored spaces, hexadecimal.
    """
    fields = {
        "frame": metadata.frame_id,
        "spaces": spaces_version[:VERSION_DIGITS],
        "states": pack_states([space.state or "unknown" for space in metadata.space_occupancy]),
        "vehicles": str(metadata.vehicle_count),
        "boxes": "",
    }
    room = ENTRY_MAX_BYTES - sum(len(name) + len(value) for name, value in fields.items())
    standing = {id(match.detection) for match in metadata.matched_detections}
    boxes: list[str] = []
    for vehicle in sorted(metadata.detections, key=lambda one: id(one) in standing):
        box = _pack_vehicle(vehicle)
        room -= len(box) + 1
        if room < 0:
            break
        boxes.append(box)
    fields["boxes"] = ";".join(boxes)
    return fields


def read_log_entry(fields: Mapping[bytes, bytes]) -> LogEntry:
    """Read an entry.

    Raises:
        MessageError: somebody wrote there what is none.
    """
    try:
        text = {name.decode(): value.decode() for name, value in fields.items()}
        vehicles = [_unpack_vehicle(box) for box in text["boxes"].split(";") if box]
        return LogEntry(text["frame"], text["spaces"], unpack_states(text["states"]), int(text["vehicles"]), vehicles)
    except (KeyError, ValueError, IndexError) as error:
        raise MessageError(f"not an entry of the detection log: {error}") from error


def pack_states(states: Sequence[SpaceState]) -> str:
    """Two spaces a hexadecimal digit, in order; the last digit's lower half is 0 where their number is odd."""
    numbers = [_STATES.index(state) for state in states] + [0] * (len(states) % 2)
    return "".join(f"{4 * one + other:x}" for one, other in zip(numbers[::2], numbers[1::2], strict=True))


def unpack_states(digits: str) -> list[SpaceState]:
    """The states that `pack_states` has packed, and one `unknown` more where their number was odd."""
    return [_STATES[number] for digit in digits for number in divmod(int(digit, 16), 4)]


def _pack_vehicle(vehicle: PixelDetection) -> str:
    x, y, width, height = (round(side) for side in vehicle.bbox)
    class_number = CLASSES.index(vehicle.class_name) if vehicle.class_name in CLASSES else len(CLASSES)
    track_id = -1 if vehicle.track_id is None else vehicle.track_id
    return f"{class_number} {x} {y} {width} {height} {round(100 * vehicle.confidence)} {track_id}"


def _unpack_vehicle(box: str) -> LoggedVehicle:
    class_number, x, y, width, height, percent, track_id = (int(number) for number in box.split(" "))
    name = CLASSES[class_number] if 0 <= class_number < len(CLASSES) else "vehicle"
    return LoggedVehicle(name, (x, y, width, height), percent / 100, None if track_id < 0 else track_id)
