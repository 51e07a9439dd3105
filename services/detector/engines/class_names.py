"""What a model calls its classes, and which of them are vehicles; pure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from libs.common.errors import EngineError

VEHICLE_CLASSES: Final = ("car", "motorcycle", "bus", "truck")

NOT_COUNTED: Final = "none"
"""What `DETECTOR_CLASSES` says of a class that must not be counted, though its name is a vehicle's."""

COCO: Final = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,"
    "skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,"
    "cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,"
    "refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
).split(",")
"""The 80 classes of COCO in the order that detection models use: YOLOX, D-FINE and others write no names."""

_SYNONYMS: Final[Mapping[str, str]] = {
    synonym: vehicle
    for vehicle, synonyms in {
        "car": "car,auto,automobile,cab,convertible,coupe,crossover,hatchback,jeep,light vehicle,limousine,minivan,"
        "motor car,motor vehicle,mpv,parked car,parked vehicle,passenger car,passenger vehicle,police car,sedan,"
        "small car,small vehicle,sport utility vehicle,sports car,station wagon,suv,taxi,taxicab,van,vehicle,wagon",
        "motorcycle": "motorcycle,moped,motor,motor bike,motor cycle,motor scooter,motorbike,scooter",
        "bus": "bus,coach,double decker,double decker bus,microbus,mini bus,minibus,school bus",
        "truck": "truck,articulated truck,big truck,box truck,cargo truck,delivery truck,dump truck,fire engine,"
        "fire truck,firetruck,garbage truck,heavy truck,heavy vehicle,large truck,large vehicle,light truck,lorry,"
        "motor truck,pick up,pick up truck,pickup,pickup truck,semi,semi truck,semi trailer truck,small truck,"
        "tank truck,tow truck,tractor trailer,trailer truck,ambulance,camper,camper van,campervan,motor home,motorhome",
    }.items()
    for synonym in synonyms.split(",")
}
_PLAIN = re.compile(r"[\w][\w .&/+()-]*(?:[,;\n]\s*[\w][\w .&/+()-]*)*", re.UNICODE)


@dataclass(frozen=True, slots=True)
class ClassMap:
    """Which classes of a model are counted.

    Attributes:
        names: the model's names by class id.
        vehicles: the vehicle class by class id; never empty.
        not_counted: names of the others, in order of their ids.
    """

    names: Mapping[int, str]
    vehicles: Mapping[int, str]
    not_counted: tuple[str, ...]

    @property
    def counted(self) -> dict[str, list[str]]:
        """The model's names by the vehicle class as which they are counted."""
        return {
            vehicle: [self.names[class_id] for class_id, one in sorted(self.vehicles.items()) if one == vehicle]
            for vehicle in VEHICLE_CLASSES
            if vehicle in self.vehicles.values()
        }


def parse_names(value: object, where: str) -> dict[int, str] | None:
    """Class names as exports write them.

    Args:
        value: a dict id → name, a list, or text that spells one of these or names separated by commas or lines.
        where: where they stand, for the error.

    Returns:
        Names by class id; None if there are none.

    Raises:
        EngineError: they cannot be read.
    """
    if isinstance(value, str):
        value = _from_text(value, where)
    if isinstance(value, Mapping):
        if value and all(isinstance(name, int) for name in value.values()):
            value = {class_id: name for name, class_id in value.items()}  # the other way round: {"car": 0}
        try:
            names = {int(class_id): str(name).strip() for class_id, name in value.items()}
        except (TypeError, ValueError):
            names = {-1: ""}
    elif isinstance(value, (list, tuple)):
        names = {class_id: str(name).strip() for class_id, name in enumerate(value)}
    elif value is None:
        return None
    else:
        names = {-1: ""}
    if any(class_id < 0 for class_id in names):
        raise EngineError(f"{where}: the class names cannot be read; write them as {{0: 'car', 1: 'truck'}}")
    return names or None


def read_classes(text: str) -> dict[str, str]:
    """`NAME=CLASS,NAME=CLASS` as the model's name → vehicle class or `NOT_COUNTED`.

    Raises:
        ValueError: it is not written so, or there is no such class.
    """
    classes = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, vehicle = (piece.strip() for piece in part.rpartition("="))
        if not name or not separator:
            raise ValueError(f"{part!r} is not NAME=CLASS, for example tram=bus")
        if vehicle.lower() not in (*VEHICLE_CLASSES, NOT_COUNTED):
            raise ValueError(f"{part!r}: a class is one of {', '.join(VEHICLE_CLASSES)}, or {NOT_COUNTED}")
        classes[name] = vehicle.lower()
    return classes


def check_classes(text: str) -> str:
    """The text as it came, if `read_classes` can read it; for settings.

    Raises:
        ValueError: it cannot.
    """
    read_classes(text)
    return text


def map_classes(names: Mapping[int, str], own: Mapping[str, str], file_name: str) -> ClassMap:
    """Which classes are vehicles: by common names, and by what the settings say of others.

    Args:
        names: the model's, by class id; a class without a name goes by its number.
        own: `DETECTOR_CLASSES`: name or number → vehicle class, or `NOT_COUNTED`.
        file_name: the model's, for the error.

    Raises:
        EngineError: no class is a vehicle, or the settings name one that the model does not have.
    """
    said = {_plain(name): vehicle for name, vehicle in own.items()}
    known = {_plain(name) for name in names.values()} | {str(class_id) for class_id in names}
    unknown = [name for name in own if _plain(name) not in known]
    if unknown:
        raise EngineError(
            f"DETECTOR_CLASSES: {file_name} has no class {', '.join(map(repr, unknown))}; it has {_listed(names)}"
        )
    vehicles = {}
    for class_id, name in names.items():
        vehicle = said.get(str(class_id), said.get(_plain(name), vehicle_for(name)))
        if vehicle is not None and vehicle != NOT_COUNTED:
            vehicles[class_id] = vehicle
    if not vehicles:
        raise EngineError(
            f"{file_name} knows no car, motorcycle, bus or truck but {_listed(names)}; take another model, or say "
            f"which are vehicles: DETECTOR_CLASSES='{next(iter(names.values()), '0') or '0'}=car'"
        )
    others = tuple(name or str(class_id) for class_id, name in sorted(names.items()) if class_id not in vehicles)
    return ClassMap(dict(names), vehicles, others)


def vehicle_for(name: str) -> str | None:
    """The vehicle class that a class name means; None if it means none. Case, plural and `-` or `_` do not matter."""
    plain = _plain(name)
    return next((_SYNONYMS[form] for form in _singulars(plain) if form in _SYNONYMS), None)


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[-_/.]+", " ", name).split()).lower()


def _singulars(plain: str) -> tuple[str, ...]:
    return plain, plain.removesuffix("s"), plain.removesuffix("es"), plain.removesuffix("ies") + "y"


def _from_text(text: str, where: str) -> object:
    text = text.strip()
    if not text:
        return None
    try:
        return _not_text(ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    try:
        return _not_text(json.loads(text))
    except (ValueError, RecursionError):
        pass
    if _PLAIN.fullmatch(text):
        return [name for name in re.split(r"[,;\n]\s*", text) if name]
    raise EngineError(f"{where}: the class names cannot be read: {text[:60]!r}; write them as {{0: 'car', 1: 'truck'}}")


def _not_text(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _listed(names: Mapping[int, str], limit: int = 10) -> str:
    first = [name or str(class_id) for class_id, name in sorted(names.items())[:limit]]
    return ", ".join(first) + (f" and {len(names) - limit} more" if len(names) > limit else "")
