from __future__ import annotations

import random

import pytest

from services.ingest.pacing import Backoff, ByteBudget, FramePacer, PollPace, capture_time_ms


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


def test_a_camera_within_its_budget_never_waits() -> None:
    budget = ByteBudget(1_000_000)
    assert all(budget.spend(100_000, number / 10) == 0 for number in range(100))


def test_a_camera_that_floods_is_slowed_to_its_budget() -> None:
    budget, now_s, read_bytes = ByteBudget(1_000_000), 0.0, 0
    while now_s < 20:
        read_bytes += 200_000
        now_s += 0.001 + budget.spend(200_000, now_s)
    assert read_bytes == pytest.approx(20 * 1_000_000, rel=0.1)


@pytest.mark.parametrize(
    ("claimed_ms", "max_age_s", "expected"),
    [
        (None, 2, 100_000),
        (99_500, 2, 99_500),
        (100_000, 2, 100_000),
        (100_001, 2, 100_000),
        (97_000, 2, 100_000),
        (99_999.5, 0, 100_000),
        (12.5, 2, 100_000),
    ],
)
def test_a_cameras_clock_is_believed_if_it_is_close(claimed_ms: float | None, max_age_s: float, expected: int) -> None:
    assert capture_time_ms(100_000, claimed_ms, max_age_s) == expected


def test_a_camera_that_refuses_is_asked_at_the_rate_that_it_bears() -> None:
    """It bears one picture a second and is asked ten times a second: few refusals, and almost a picture a second."""
    pace, now_s, last_s, pictures, refusals = PollPace(0.1), 0.0, float("-inf"), 0, 0
    while now_s < 300:
        if now_s - last_s < 1.0:
            refusals += 1
            now_s += pace.refused()
        else:
            pictures, last_s = pictures + 1, now_s
            now_s += pace.succeeded(now_s)
    assert refusals < 15
    assert pictures > 200


def test_what_a_camera_asks_for_is_waited_within_bounds() -> None:
    assert PollPace(0.1).refused(3.0) == 3.0
    assert PollPace(0.1).refused(3600.0) == 10.0
    assert PollPace(0.1).succeeded(5.0) == pytest.approx(0.1)
