from __future__ import annotations

import random

import pytest

from services.ingest.pacing import Backoff, FramePacer


@pytest.mark.parametrize(
    ("camera_fps", "cap", "expected"), [(30, 10, 10), (10, 10, 10), (25, 10, 10), (5, 10, 5), (30, 1, 1)]
)
def test_frames_are_capped(camera_fps: float, cap: float, expected: float) -> None:
    pacer = FramePacer(cap)
    jitter = random.Random(1)
    sent = sum(pacer(number / camera_fps + jitter.uniform(0, 0.01)) for number in range(int(camera_fps * 20)))
    assert sent == pytest.approx(expected * 20, rel=0.05)
    assert pacer.dropped == camera_fps * 20 - sent


def test_a_pause_is_not_made_up_for() -> None:
    pacer = FramePacer(10)
    assert pacer(0.0)
    assert pacer(60.0)
    assert sum(pacer(60 + number / 100) for number in range(1, 101)) <= 11


def test_waits_double_up_to_the_longest_and_are_jittered() -> None:
    backoff = Backoff(longest_s=30)
    waits = [backoff.next_delay_s() for _ in range(12)]
    for number, wait_s in enumerate(waits):
        whole_s = min(30.0, 0.5 * 2**number)
        assert whole_s / 2 <= wait_s <= whole_s
    backoff.reset()
    assert backoff.next_delay_s() <= 0.5
