from __future__ import annotations

import pytest

from libs.common.errors import ConfigurationError, EngineError
from services.detector.engines.class_names import map_classes, parse_names, vehicle_for
from services.detector.settings import DetectorSettings


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("{0: 'car', 1: 'truck'}", {0: "car", 1: "truck"}),
        ('{"0": "car", "1": "truck"}', {0: "car", 1: "truck"}),
        ({0: "car", "1": "truck"}, {0: "car", 1: "truck"}),
        ({"car": 0, "truck": 1}, {0: "car", 1: "truck"}),
        ("['car', 'truck']", {0: "car", 1: "truck"}),
        (["car", " truck "], {0: "car", 1: "truck"}),
        ("('car', 'truck')", {0: "car", 1: "truck"}),
        ("car", {0: "car"}),
        ("'car'", {0: "car"}),
        ("car,traffic light", {0: "car", 1: "traffic light"}),
        ("car\ntruck\n", {0: "car", 1: "truck"}),
        ({0: 1, 1: 2}, {1: "0", 2: "1"}),
        ("", None),
        ("{}", None),
        ([], None),
        (None, None),
    ],
)
def test_names_are_read_as_exports_write_them(value: object, names: dict[int, str] | None) -> None:
    assert parse_names(value, "model.onnx") == names


@pytest.mark.parametrize("value", ["{0: 'car', 1:", "[", "7", 7, {"a": "car"}, {-1: "car"}, "<html>", 1.5, {None: "x"}])
def test_names_that_cannot_be_read_are_one_sentence(value: object) -> None:
    with pytest.raises(EngineError, match=r"model\.onnx: the class names cannot be read"):
        parse_names(value, "model.onnx")


@pytest.mark.parametrize(
    ("vehicle", "names"),
    [
        ("car", "car Car CAR cars van Van suv taxi vehicle vehicles sedan passenger-car small_vehicle minivan auto"),
        ("motorcycle", "motorcycle Motor motorbike motorcycles moped Motor_Bike scooter"),
        ("bus", "bus Bus buses minibus mini-bus coach"),
        ("truck", "truck Trucks lorry lorries pickup pick-up pickup_truck semi large-vehicle"),
        (None, "person bicycle train boat cart carrot license_plate cat scar truckers empty"),
    ],
)
def test_a_vehicle_has_many_names(vehicle: str | None, names: str) -> None:
    assert {name: vehicle_for(name) for name in names.split()} == dict.fromkeys(names.split(), vehicle)


def test_the_settings_say_what_else_is_a_vehicle_and_what_is_none() -> None:
    names = {0: "Car", 1: "tram", 2: "trailer", 3: "truck", 4: "person"}
    settings = DetectorSettings(classes="tram=bus, TRAILER=truck, 3=none")
    classes = map_classes(names, settings.class_map, "model.onnx")
    assert classes.vehicles == {0: "car", 1: "bus", 2: "truck"}
    assert classes.not_counted == ("truck", "person")
    assert classes.counted == {"car": ["Car"], "bus": ["tram"], "truck": ["trailer"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tram", "'tram' is not NAME=CLASS"),
        ("=bus", "'=bus' is not NAME=CLASS"),
        ("tram=train", "'tram=train': a class is one of car, motorcycle, bus, truck, or none"),
    ],
)
def test_bad_classes_stop_the_start(text: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECTOR_CLASSES", text)
    with pytest.raises(ConfigurationError, match=f"DETECTOR_CLASSES: {problem}"):
        DetectorSettings.from_environment()


def test_a_class_that_the_model_does_not_have_is_named() -> None:
    with pytest.raises(EngineError, match=r"DETECTOR_CLASSES: m\.onnx has no class 'tran'; it has car, tram"):
        map_classes({0: "car", 1: "tram"}, {"tran": "bus"}, "m.onnx")
