"""A soak as a picture: memory, frames a second and latency over time, as SVG. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from bench.soak.verdict import Soak

Line = Sequence[tuple[float, float]]

WIDTH, LEFT, RIGHT, TOP, PANEL, GAP = 900, 64, 190, 54, 170, 46
COLOURS: Final = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
GRID_LINES_MAX: Final = 5


def draw(soak: Soak, title: str) -> str:
    """The SVG's text; a dashed line wherever a detector was killed."""
    fps = {
        camera_id: [(one.at_s, one.cameras[camera_id].fps) for one in soak.samples if camera_id in one.cameras]
        for camera_id in soak.rates
    }
    latency = {}
    for camera_id in soak.rates:
        seen = [(one.at_s, one.cameras[camera_id]) for one in soak.samples if camera_id in one.cameras]
        latency[camera_id] = [(at_s, one.latency_ms) for at_s, one in seen if one.latency_ms is not None]
        if soak.rates[camera_id]:
            name = f"{camera_id}, 95 %"
            latency[name] = [(at_s, one.latency_p95_ms) for at_s, one in seen if one.latency_p95_ms is not None]
    panels: list[tuple[str, Mapping[str, Line]]] = [
        ("memory, MB, all processes of a kind together", _memory_mb(soak)),
        ("Redis's data, MB", {"used_memory": [(one.at_s, one.redis_data_bytes / 1e6) for one in soak.samples]}),
        ("frames/s", fps),
        ("latency, ms", latency),
    ]
    end_s = max((sample.at_s for sample in soak.samples), default=1.0)
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"',
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for number, (name, lines) in enumerate(panels):
        parts += _panel(name, lines, TOP + number * (PANEL + GAP), end_s, soak.kills_s)
    return "\n".join([*parts, "</svg>", ""])


def _memory_mb(soak: Soak) -> dict[str, Line]:
    """Megabytes over time of each kind of process: one that was killed is missing until it is there again."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for sample in soak.samples:
        sizes: Counter[str] = Counter()
        for process, size in sample.memory_bytes.items():
            sizes[process.rpartition(" ")[0]] += size
        for name, size in sizes.items():
            lines.setdefault(name, []).append((sample.at_s, size / 1e6))
    return dict(sorted(lines.items()))


def _marks(highest: float) -> list[float]:
    """Where an axis is marked, from 0 on: at 1, 2 or 5 times a power of ten, and not too often."""
    power = 10.0 ** math.floor(math.log10(highest / GRID_LINES_MAX))
    step = next(power * factor for factor in (1, 2, 5, 10) if highest / (power * factor) <= GRID_LINES_MAX)
    return [step * number for number in range(math.floor(highest / step) + 1)]


def _panel(name: str, lines: Mapping[str, Line], top: int, end_s: float, marks_s: Sequence[float]) -> list[str]:
    highest = max((value for line in lines.values() for _, value in line), default=1.0) * 1.08 or 1.0
    right = WIDTH - RIGHT

    def x(at_s: float) -> float:
        return LEFT + at_s / end_s * (right - LEFT)

    def y(value: float) -> float:
        return top + PANEL - value / highest * PANEL

    parts = [f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{escape(name)}</text>']
    for value in _marks(highest):
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for minute in _marks(end_s / 60):
        at = f'x="{x(minute * 60):.1f}" y="{top + PANEL + 16}"'
        parts.append(f'<text {at} text-anchor="middle">{minute:g} min</text>')
    parts += [f'<path d="M{x(at):.1f} {top}v{PANEL}" stroke="#999" stroke-dasharray="3 3"/>' for at in marks_s]
    for number, (label, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x(at_s):.1f},{y(value):.1f}" for at_s, value in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
        parts.append(f'<text x="{right + 10}" y="{top + 14 + 16 * number}" fill="{colour}">{escape(label)}</text>')
    return parts
