"""What the clips `north` and `south` show."""

from __future__ import annotations

from typing import Final

import numpy as np

from deploy.demo.lot.clips import Script, Thing
from deploy.demo.lot.drawing import Sun
from deploy.demo.lot.geometry import Camera
from deploy.demo.lot.ground import Palette
from deploy.demo.lot.layout import Aisle, Layout, Row
from deploy.demo.lot.scenery import building_mesh, hedge_mesh, lamp_mesh, tree_mesh


def _sun(azimuth_degrees: float, height_degrees: float, strength: float) -> Sun:
    azimuth, height = np.radians(azimuth_degrees), np.radians(height_degrees)
    direction = np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)
    return Sun((float(direction[0]), float(direction[1]), float(direction[2])), strength)


def north() -> Script:
    """Two facing rows of twelve, square to the aisle, seen from a mast in front of them, on a sunny noon."""
    rng = np.random.default_rng(11)
    layout = Layout(
        rows=[Row("A", 3.3, 1, -15.0, 12), Row("B", -3.3, -1, -12.5, 10)],
        aisles=[Aisle(0.0, 6.6)],
        asphalt=(-19.0, -9.6, 19.0, 8.9),
    )
    things = [
        Thing(tree_mesh(rng, 5.6 + rng.uniform(-0.8, 0.8), (54, 112, 78)), x, 14.4 + rng.uniform(-0.5, 0.5), 0, 0.6)
        for x in (-19.5, -13.0, -6.2, 6.4, 13.6, 20.2)
    ]
    things += [Thing(hedge_mesh(rng, 11.0), x, 10.9, 0, 0.4) for x in (-12.6, 0.0, 12.6)]
    things += [Thing(building_mesh(44, 8, 7.2, (150, 168, 184)), 0, 26.0)]
    things += [Thing(lamp_mesh(), -17.2, 9.4, -np.pi / 2), Thing(lamp_mesh(), 17.2, 9.4, -np.pi / 2)]
    return Script(
        name="north", camera_id="CAM1", camera_name="North lot", seconds=80, seed=1011,
        camera=Camera((0.0, -22.5, 14.5), (0.0, 0.6, 0.0), 65.0),
        layout=layout, palette=Palette(), sun=_sun(205, 52, 0.5), things=things,
        parked=[
            ("A1", "sedan", "silver"), ("A2", "hatchback", "red"), ("A4", "suv", "navy"), ("A6", "estate", "grey"),
            ("A7", "hatchback", "white"), ("A9", "van", "white"), ("A10", "sedan", "black"),
            ("A12", "hatchback", "teal"),
            ("B1", "suv", "white"), ("B2", "sedan", "wine"), ("B4", "hatchback", "sand"), ("B5", "motorcycle", "red"),
            ("B7", "estate", "blue"), ("B8", "sedan", "white"), ("B10", "hatchback", "grey"),
        ],
        visits=[("A5", "hatchback", "orange", 30, 520), ("B6", "sedan", "silver", 210, 690)],
        absences=[("A8", "suv", "red", 120, 420), ("B9", "sedan", "navy", 310, 610)],
        passing=[(0, "motorcycle-ridden", "black", 768)],
    )  # fmt: skip


def south() -> Script:
    """Angled rows along one aisle and a third row on a second one, seen from a corner, under a lower sun."""
    rng = np.random.default_rng(23)
    layout = Layout(
        rows=[
            Row("A", 3.0, 1, -13.5, 9, angle_degrees=62.0),
            Row("B", -3.0, -1, -13.5, 9, angle_degrees=62.0),
            Row("C", 17.0, 1, -13.0, 9, depth=4.8),
        ],
        aisles=[Aisle(0.0, 6.0), Aisle(13.8, 6.4)],
        asphalt=(-18.0, -8.6, 17.5, 22.4),
    )
    things = [
        Thing(tree_mesh(rng, 6.2 + rng.uniform(-1, 1), (48, 104, 92)), x, 28.0 + rng.uniform(-0.6, 0.6), 0, 0.6)
        for x in (-21.0, -12.0, -3.0, 6.5, 16.0, 24.0)
    ]
    things += [Thing(hedge_mesh(rng, 26.0, 0.7), -1.0, 8.9, 0, 0.3)]
    things += [Thing(tree_mesh(rng, 4.6, (60, 118, 96)), 20.0, 3.0, 0, 0.4)]
    things += [Thing(lamp_mesh(6.5), -16.6, 8.9, 0), Thing(lamp_mesh(6.5), 14.4, 8.9, np.pi)]
    return Script(
        name="south", camera_id="CAM2", camera_name="South lot", seconds=75, seed=2023,
        camera=Camera((-9.5, -21.5, 16.5), (-0.6, 3.6, 0.0), 64.0),
        layout=layout,
        palette=Palette(asphalt=(112, 113, 116), grass=(66, 112, 104), paint=(214, 228, 232), wear=0.5),
        sun=_sun(-28, 38, 0.46), things=things,
        parked=[
            ("A1", "hatchback", "blue"), ("A3", "sedan", "white"), ("A4", "suv", "grey"), ("A6", "hatchback", "wine"),
            ("A8", "estate", "silver"), ("A9", "sedan", "red"), ("B2", "hatchback", "white"), ("B3", "pickup", "grey"),
            ("B5", "sedan", "navy"), ("B6", "motorcycle", "blue"), ("B8", "suv", "sand"), ("C1", "sedan", "grey"),
            ("C2", "hatchback", "teal"), ("C4", "suv", "white"), ("C5", "sedan", "black"), ("C8", "estate", "blue"),
        ],
        visits=[("B4", "sedan", "orange", 40, 470), ("C6", "hatchback", "red", 150, 640)],
        absences=[("A5", "sedan", "silver", 130, 380), ("B7", "hatchback", "green", 280, 590)],
        passing=[(0, "minibus", "sand", 520), (0, "motorcycle-ridden", "red", 705)],
        light=0.07,
    )  # fmt: skip


SCRIPTS: Final = {"north": north, "south": south}
