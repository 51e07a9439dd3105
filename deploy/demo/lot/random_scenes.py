"""Single pictures of lots that no clip shows, for training the demo's model: everything in them is drawn by lot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deploy.demo.lot.drawing import Bytes, Patch, Sun, draw_shadow
from deploy.demo.lot.driving import Pose, parked_pose
from deploy.demo.lot.geometry import Camera, Mesh
from deploy.demo.lot.ground import GroundPainter, Palette
from deploy.demo.lot.layout import Aisle, Layout, Row, Space
from deploy.demo.lot.scene import SceneComposer, SeenVehicle, Stage
from deploy.demo.lot.scenery import (
    building_mesh,
    clutter_mesh,
    draw_scenery,
    hedge_mesh,
    lamp_mesh,
    soften,
    tree_mesh,
)
from deploy.demo.lot.vehicles import SHAPES, Vehicle, build_motorcycle, build_vehicle

SHAPE_ODDS = {"hatchback": 24, "sedan": 24, "estate": 14, "suv": 16, "pickup": 6, "van": 8, "minibus": 5}
MOTORCYCLE_SHARE = 0.1
SUN_HEIGHTS_DEG = (28.0, 72.0)
"""Between which the sun stands, if nothing else is said."""
DRIVING_IN_M = 1.4
"""A vehicle further than this from the middle of its space is not parked there yet."""

LabelledOutline = tuple[np.ndarray, bool]
"""The corners of a space, (4, 2) pixels, and whether it is occupied."""


@dataclass(frozen=True, slots=True)
class RandomLot:
    """A lot of which several pictures are taken."""

    layout: Layout
    stage: Stage


def random_pictures(seed: int, pictures_per_lot: int) -> Iterator[tuple[Bytes, list[SeenVehicle]]]:
    """Endlessly many pictures, each with what can be seen of its vehicles.

    Args:
        seed: the same seed gives the same pictures.
        pictures_per_lot: how many are taken before another lot is built.
    """
    rng = np.random.default_rng(seed)
    while True:
        lot = random_lot(rng)
        for _ in range(pictures_per_lot):
            vehicles = [(number, vehicle, pose) for number, (vehicle, pose, _) in enumerate(_populate(rng, lot.layout))]
            yield SceneComposer(lot.stage).compose(vehicles, float(rng.uniform(0.72, 1.3)))


def random_lot(rng: np.random.Generator, sun_heights_deg: tuple[float, float] = SUN_HEIGHTS_DEG) -> RandomLot:
    """A lot, its surroundings, its light, with the sun between two heights, and its camera."""
    layout = _random_layout(rng)
    camera = _random_camera(rng, layout)
    azimuth, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(*sun_heights_deg))
    direction = np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)
    sun = Sun((float(direction[0]), float(direction[1]), float(direction[2])), float(rng.uniform(0.08, 0.6)))
    grey = rng.uniform(80, 150)
    palette = Palette(
        asphalt=tuple(grey + rng.normal(0, 4, 3)),
        grass=tuple(np.array((64, 106, 92)) * rng.uniform(0.75, 1.3) + rng.normal(0, 8, 3)),
        paint=tuple(np.clip(np.array((222, 226, 228)) + rng.normal(0, 8, 3), 0, 250))
        if rng.random() < 0.85
        else (70, 190, 226),
        wear=float(rng.uniform(0, 0.9)),
    )
    painter = GroundPainter(layout, palette, rng)
    ground = painter.view(painter.paint(), camera, scale=1 if rng.random() < 0.5 else 2)
    things = list(_random_things(rng, layout))
    scenery, shadows = _draw_things(things, camera, sun)
    return RandomLot(layout, Stage(camera, ground, scenery, shadows, sun))


def _random_things(rng: np.random.Generator, layout: Layout) -> Iterator[tuple[Mesh, float, float, float, float]]:
    """Scenery: mesh, x, y, heading, softness of each."""
    left, near, right, far = layout.asphalt

    def somewhere(margin: float = 0.0) -> tuple[float, float]:
        return float(rng.uniform(left - margin, right + margin)), float(rng.uniform(near - margin, far + margin))

    for _ in range(rng.integers(0, 8)):
        leaves = rng.uniform((40, 85, 55), (75, 130, 110))
        mesh = tree_mesh(rng, rng.uniform(3.5, 8), (leaves[0], leaves[1], leaves[2]))
        yield mesh, somewhere(4)[0], far + rng.uniform(3, 9), 0.0, 0.5
    for _ in range(rng.integers(0, 3)):
        yield tree_mesh(rng, rng.uniform(3, 5), (58, 112, 84)), *somewhere(), 0.0, 0.4
    for _ in range(rng.integers(0, 3)):
        yield hedge_mesh(rng, rng.uniform(4, 14)), somewhere()[0], far + 1.5, 0.0, 0.3
    for _ in range(rng.integers(0, 4)):
        yield lamp_mesh(rng.uniform(4, 8)), *somewhere(), rng.uniform(0, 6), 0.0
    for _ in range(rng.integers(0, 10)):
        yield clutter_mesh(rng), *somewhere(3), rng.uniform(0, 6), 0.0
    if rng.random() < 0.4:
        wall = rng.uniform(110, 200, 3)
        mesh = building_mesh(rng.uniform(15, 45), 8, rng.uniform(4, 9), (wall[0], wall[1], wall[2]))
        yield mesh, somewhere()[0], far + rng.uniform(12, 18), 0.0, 0.0


def _draw_things(
    things: list[tuple[Mesh, float, float, float, float]], camera: Camera, sun: Sun
) -> tuple[list[Patch], list[Patch]]:
    scenery, shadows = [], []
    for mesh, x, y, heading, softness in things:
        patch = draw_scenery(mesh, camera, sun, x, y, heading)
        shadow = draw_shadow(mesh.placed(x, y, heading), camera, sun, 2.5)
        if patch is not None and shadow is not None:
            softened = soften(patch, softness) if softness else patch
            scenery.append(softened or patch)
            shadows.append(shadow)
    return scenery, shadows


def _random_layout(rng: np.random.Generator) -> Layout:
    rows, aisles, y = [], [], 0.0
    width = float(rng.uniform(2.3, 2.8))
    first_x, count = float(rng.uniform(-17, -11)), int(rng.integers(7, 14))
    for number in range(int(rng.integers(1, 4))):
        lane = float(rng.uniform(5.5, 7.5))
        angle = 90.0 if rng.random() < 0.5 else float(rng.uniform(48, 88))
        depth = float(rng.uniform(4.6, 5.4))
        reach = depth * np.sin(np.radians(angle))
        if rng.random() < 0.85 or number == 0:
            rows.append(Row(chr(65 + 2 * number), y - lane / 2, -1, first_x, count, width, depth, angle))
        rows.append(Row(chr(66 + 2 * number), y + lane / 2, 1, first_x, count, width, depth, angle))
        aisles.append(Aisle(y, lane))
        y += lane / 2 + reach + float(rng.choice([0.0, 1.5])) + reach + lane / 2
    points = np.concatenate([space.corners for row in rows for space in row.spaces()])
    (left, near), (right, far) = (
        points.min(axis=0) - rng.uniform(0.5, 4, 2),
        points.max(axis=0) + rng.uniform(0.5, 4, 2),
    )
    return Layout(rows, aisles, (float(left), float(near), float(right), float(far)))


def _random_camera(rng: np.random.Generator, layout: Layout) -> Camera:
    left, near, right, far = layout.asphalt
    middle = np.array([(left + right) / 2, (near + far) / 2])
    target = middle + rng.normal(0, (2.5, 2.5))
    height = float(rng.uniform(7, 18))
    tilt = np.radians(rng.uniform(22, 55))
    away = height / np.tan(tilt)
    around = rng.normal(-np.pi / 2, 0.45)
    position = target + away * np.array([np.cos(around), np.sin(around)])
    return Camera(
        (float(position[0]), float(position[1]), height),
        (float(target[0]), float(target[1]), 0.0),
        float(rng.uniform(48, 84)),
    )


def _random_vehicle(rng: np.random.Generator) -> Vehicle:
    paint = _random_paint(rng)
    if rng.random() < MOTORCYCLE_SHARE:
        return build_motorcycle(paint, with_rider=bool(rng.random() < 0.4))
    odds = np.array(list(SHAPE_ODDS.values()), float)
    name = str(rng.choice(list(SHAPE_ODDS), p=odds / odds.sum()))
    scaled = SHAPES[name].scaled(*(float(side) for side in rng.uniform(0.92, 1.09, 3)))
    return build_vehicle(scaled, paint)


def _random_paint(rng: np.random.Generator) -> tuple[float, float, float]:
    if rng.random() < 0.6:  # most cars are white, grey or black
        level = float(rng.choice([38, 60, 96, 130, 165, 218])) + rng.normal(0, 8)
        blue, green, red = np.clip(level + rng.normal(0, 4, 3), 20, 232)
    else:
        blue, green, red = rng.uniform(25, 215, 3)
    return float(blue), float(green), float(red)


def random_spaces(
    seed: int, pictures_per_lot: int, sun_heights_deg: tuple[float, float] = SUN_HEIGHTS_DEG
) -> Iterator[tuple[Bytes, list[LabelledOutline]]]:
    """Endlessly many pictures, each with the outlines of its spaces and whether they are occupied.

    A space that a vehicle is only just driving into is left out, and so is one that the picture cuts.

    Args:
        seed: the same seed gives the same pictures.
        pictures_per_lot: how many are taken before another lot is built.
        sun_heights_deg: between which the sun stands.
    """
    rng = np.random.default_rng(seed)
    while True:
        lot = random_lot(rng, sun_heights_deg)
        for _ in range(pictures_per_lot):
            parked = list(_populate(rng, lot.layout))
            vehicles = [(number, vehicle, pose) for number, (vehicle, pose, _) in enumerate(parked)]
            picture, _ = SceneComposer(lot.stage).compose(vehicles, float(rng.uniform(0.72, 1.3)))
            yield picture, list(_outlines(lot, {space.name: pose for _, pose, space in parked if space is not None}))


def _outlines(lot: RandomLot, parked: dict[str, Pose]) -> Iterator[LabelledOutline]:
    width, height = lot.stage.camera.size
    for space in lot.layout.spaces():
        corners, depth = lot.stage.camera.project(np.column_stack([space.corners, np.zeros(4)]))
        if (depth <= 0).any() or (corners < 0).any() or (corners > (width, height)).any():
            continue
        pose = parked.get(space.name)
        if pose is None:
            yield corners, False
        elif np.hypot(pose.x - space.centre[0], pose.y - space.centre[1]) < DRIVING_IN_M:
            yield corners, True


def _populate(rng: np.random.Generator, layout: Layout) -> Iterator[tuple[Vehicle, Pose, Space | None]]:
    """Vehicles in spaces, some of them askew, and a few on the aisles in any direction."""
    fullness = rng.beta(1.6, 1.1)
    for space in layout.spaces():
        if rng.random() < fullness:
            yield _random_vehicle(rng), _stand(rng, space), space
    left, _, right, _ = layout.asphalt
    for aisle in layout.aisles:
        taken: list[float] = []
        for _ in range(rng.integers(0, 4)):
            x = float(rng.uniform(left - 3, right + 3))
            if all(abs(x - other) > 8.5 for other in taken):
                taken.append(x)
                heading = float(rng.choice([0, np.pi]) + rng.normal(0, 0.12))
                if rng.random() < 0.3:
                    heading = float(rng.uniform(0, 2 * np.pi))
                yield _random_vehicle(rng), Pose(x, aisle.y + float(rng.normal(0, 0.5)), heading), None


def _stand(rng: np.random.Generator, space: Space) -> Pose:
    along = rng.normal(0, 0.25) - (rng.uniform(1, 4.5) if rng.random() < 0.05 else 0)  # some are only just driving in
    turn = rng.normal(0, 0.03) + (np.pi if rng.random() < 0.35 else 0)
    return parked_pose(space, (float(along), float(rng.normal(0, 0.12))), float(turn))
