from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.soak.chart import draw
from bench.soak.verdict import CameraSample, Sample, Soak, growth, problems_of, summary


def soak(
    *,
    fps: float = 10.0,
    p95_ms: float = 60.0,
    leak_bytes: int = 0,
    redis_leak_bytes: int = 0,
    gap_s: float = 2.4,
    live: bool = True,
) -> Soak:
    """Twenty minutes in which a detector is killed once, and its camera stops for a while after."""
    made = Soak(
        rates={"C": 10.0, "S": 0.0}, kills_s=[600.0], gaps_s={"C": gap_s}, ends_live={"C", "S"} if live else {"S"}
    )
    for number in range(1, 241):
        at_s = number * 5.0
        calm = not 600 <= at_s < 610
        camera = CameraSample(fps if calm else 0.0, 30.0 if calm else None, p95_ms if calm else None)
        stalling = CameraSample(0.0, None, None)
        process = "detector 1" if at_s < 600 else "detector 2"
        sizes = {process: 200_000_000 + leak_bytes * number, "redis 3": 30_000_000}
        made.samples.append(Sample(at_s, sizes, {"C": camera, "S": stalling}, 20_000_000 + redis_leak_bytes * number))
    return made


def test_a_good_soak_has_no_problems() -> None:
    assert problems_of(soak()) == []
    assert "20 minutes, a detector killed 1 times, longest gap 2.4 s; C 10.0 frames/s, 30 ms" in summary(soak())


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"fps": 8.9}, "C: 8.9 of 10 frames/s"),
        ({"p95_ms": 201.0}, "C: 95th percentile of latency is 201 ms"),
        ({"gap_s": 3.6}, "C: no picture for 3.6 s"),
        ({"live": False}, "C: no picture came at the end"),
    ],
)
def test_what_is_not_good_enough_is_named(bad: dict[str, float], problem: str) -> None:
    assert problems_of(soak(**bad)) == [problem]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("leak_bytes", "problems"),
    [
        (10_000, []),
        (30_000, ["Redis's data grow by 4.7 MB"]),
        (100_000, ["Redis's data take 44 MB, 30 MB are the bound", "Redis's data grow by 15.7 MB"]),
    ],
)
def test_data_that_grow_in_redis_are_named(leak_bytes: int, problems: list[str]) -> None:
    assert problems_of(soak(redis_leak_bytes=leak_bytes)) == problems


def test_a_leak_is_named_with_its_process() -> None:
    assert problems_of(soak(leak_bytes=400_000)) == [
        "memory of detector 1 grows: 30 MB from 203 MB",
        "memory of detector 2 grows: 31 MB from 250 MB",
    ]


def test_growth_is_that_of_the_medians() -> None:
    assert growth([10, 10, 10, 900, 10, 10, 20, 20, 20]) == 10
    assert growth([1, 2, 3]) == 0


def test_the_picture_is_one() -> None:
    picture = ElementTree.fromstring(draw(soak(), "a < b"))
    lines = picture.findall("{*}polyline")
    assert len(lines) == 2 + 1 + 2 + 3, "two kinds of processes, Redis's data, two cameras, and one's 95th percentile"
    assert all(len(line.attrib["points"].split()) == 240 for line in lines[:4])


def test_the_picture_shows_all_processes_of_a_kind_together_on_a_round_scale() -> None:
    together = soak()
    for sample in together.samples:
        sample.memory_bytes["detector 9"] = 300_000_000
    picture = ElementTree.fromstring(draw(together, "two detectors"))
    marks = [text.text for text in picture.findall("{*}text") if text.attrib.get("text-anchor") == "end"]
    assert marks[:4] == ["0", "200", "400", "0"], "500 MB, then the frames"
    detectors = picture.findall("{*}polyline")[0].attrib["points"].split()
    assert len(detectors) == 240
    assert len({point.split(",")[1] for point in detectors}) == 1
