"""A person who marks a real lot on the dashboard: every click, drag and key is counted, and so is the time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Locator, Page
from shapely.geometry import Polygon

from services.detector.evaluation import LabelledSpace
from tests.support.cameras import Handler

Point = tuple[float, float]
Quad = Sequence[Point]
SHAPES: Final = """() => [...document.querySelectorAll("polygon[data-space]")].map((one) => [one.dataset.space,
    [...one.points].map((p) => [p.x / one.ownerSVGElement.viewBox.baseVal.width,
                                p.y / one.ownerSVGElement.viewBox.baseVal.height])])"""
CORRECTED_FROM: Final = 0.15
"""A proposal that fits a true space less than this is not worth correcting."""
FITS: Final = 0.5
LEFT_FROM: Final = 0.505
"""A space that fits so well is left as it is."""
DRAWN_TO: Final = 0.53
"""How well a space fits that a person has corrected."""


class Days:
    """A camera that has seen some days of a lot, a few seconds for each of its pictures; it stays at the last."""

    def __init__(self, jpegs: Sequence[bytes], fps: float, held_s: float) -> None:
        self._jpegs, self._fps, self._held_s = jpegs, fps, held_s
        self._began_s: float | None = None

    @property
    def handler(self) -> Handler:
        """Answers who reads the camera. The days begin with the first reader who stays."""
        return self._serve

    @property
    def is_over(self) -> bool:
        """Whether the last picture is being shown."""
        return self._at() >= len(self._jpegs) - 1

    def begin(self) -> None:
        """Let the first day begin."""
        self._began_s = asyncio.get_running_loop().time()

    def _at(self) -> int:
        if self._began_s is None:
            return 0
        return int((asyncio.get_running_loop().time() - self._began_s) / self._held_s)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=--cam\r\n\r\n")
        while True:
            jpeg = self._jpegs[min(self._at(), len(self._jpegs) - 1)]
            writer.write(b"--cam\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n")
            await writer.drain()
            await asyncio.sleep(1 / self._fps)


@dataclass
class Manager:
    """The person.

    Attributes:
        page: where they work.
        actions: clicks, drags and keys so far.
    """

    page: Page
    actions: int = 0

    async def click(self, target: Locator) -> None:
        """Click on something."""
        self.actions += 1
        await target.click()

    async def click_at(self, at: Point) -> None:
        """Click on the editor's picture, at shares of its width and height."""
        self.actions += 1
        await self.page.mouse.click(*await self._on_screen(at))

    async def drag(self, start: Point, end: Point) -> None:
        """Drag something on the editor's picture."""
        self.actions += 1
        await self.page.mouse.move(*await self._on_screen(start))
        await self.page.mouse.down()
        await self.page.mouse.move(*await self._on_screen(end), steps=3)
        await self.page.mouse.up()

    async def type(self, text: str) -> None:
        """Type key by key into what has the focus."""
        self.actions += len(text)
        await self.page.keyboard.type(text)

    async def press(self, key: str) -> None:
        """Press one key."""
        self.actions += 1
        await self.page.keyboard.press(key)

    async def draw_row(self, first: Quad, last: Quad, count: int) -> None:
        """Draw a row by its two ends; its number is typed where the page has guessed another."""
        await self.click(self.page.get_by_role("button", name="Row", exact=True))
        for corner in (*first, *last):
            await self.click_at(corner)
        number = self.page.get_by_label("Spaces in the row")
        if await number.input_value() != str(count):
            await self.type(str(count))
        await self.press("Enter")

    async def correct(self, quad: Quad, wanted: Quad) -> None:
        """Select the space that is drawn so, and drag its corners until it fits."""
        drags = drags_to(quad, wanted)
        if drags:
            name = max(await self.shapes(), key=lambda shape: overlap(shape[1], quad))[0]
            await self.click(self.page.get_by_role("button", name=name, exact=True))
            for start, end in drags:
                await self.drag(start, end)

    async def shapes(self) -> list[tuple[str, Quad]]:
        """The spaces on the picture: name and corners."""
        return [(name, [(x, y) for x, y in quad]) for name, quad in await self.page.evaluate(SHAPES)]

    async def _on_screen(self, at: Point) -> Point:
        box = await self.page.locator("svg.editor-canvas").bounding_box()
        assert box is not None
        return box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"]


def overlap(one: Quad, other: Quad) -> float:
    """Intersection over union of two shapes; one whose edges cross is mended."""
    a, b = (Polygon([(x * 16, y * 9) for x, y in quad]).buffer(0) for quad in (one, other))
    together = a.union(b).area
    return float(a.intersection(b).area / together) if together else 0.0


def pairs(truth: Sequence[LabelledSpace], drawn: Sequence[Quad]) -> list[tuple[LabelledSpace, Quad | None, float]]:
    """Each true space with the shape that is nearest to it, each of which serves for one, and how well that fits."""
    rated = [(overlap(space.polygon, quad), n, m) for n, space in enumerate(truth) for m, quad in enumerate(drawn)]
    chosen: dict[int, tuple[int, float]] = {}
    used: set[int] = set()
    for fit, n, m in sorted(rated, reverse=True):
        if fit >= CORRECTED_FROM and n not in chosen and m not in used:
            chosen[n] = m, fit
            used.add(m)
    return [
        (space, drawn[chosen[n][0]], chosen[n][1]) if n in chosen else (space, None, 0.0)
        for n, space in enumerate(truth)
    ]


def drags_to(quad: Quad, wanted: Quad) -> list[tuple[Point, Point]]:
    """The fewest drags of corners, the worst first, after which a quad fits the one that is wanted."""
    turned = [[*wanted[turn:], *wanted[:turn]] for turn in range(4)]
    orders = [*turned, *(order[::-1] for order in turned)]
    aim = min(orders, key=lambda order: sum(math.dist(one, other) for one, other in zip(quad, order, strict=True)))
    corners, drags = list(quad), list[tuple[Point, Point]]()
    while (overlap(corners, wanted) < DRAWN_TO or not Polygon(corners).is_valid) and len(drags) < 4:
        worst = max(range(4), key=lambda corner: math.dist(corners[corner], aim[corner]))
        drags.append((corners[worst], aim[worst]))
        corners[worst] = aim[worst]
    return drags


def wrong_spaces(
    truth: Sequence[LabelledSpace], drawn: Mapping[str, Quad], told: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """What is wrong with true spaces that are not drawn well enough, or whose state is another than the true one.

    Args:
        truth: the true spaces.
        drawn: the spaces' corners by id.
        told: what is said of the spaces, by id.
    """
    wrong = []
    ids = {tuple(map(tuple, quad)): space_id for space_id, quad in drawn.items()}
    for space, quad, fit in pairs(truth, list(drawn.values())):
        wanted = "occupied" if space.is_occupied else "free"
        said = {} if quad is None else told.get(ids[tuple(map(tuple, quad))], {})
        if fit < FITS or said.get("state") != wanted:
            wrong.append(f"{space.space_id} fits {fit:.2f}, wanted {wanted}: {said}")
    return wrong
