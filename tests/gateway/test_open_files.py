"""As many viewers as the settings allow find a file descriptor, as far as the machine lets them."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest
import structlog

from services.gateway.serving.open_files import OTHERS, allow_viewers, soft_limit

ANY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "viewers_max", "limit"),
    [
        (1024, 524_288, 2000, 2000 + OTHERS),
        (1024, ANY, 10_000, 10_000 + OTHERS),
        (1024, 4096, 10_000, 4096),
        (65_536, 524_288, 2000, 65_536),
        (ANY, ANY, 2000, ANY),
    ],
)
def test_the_limit_is_raised_as_far_as_it_may_be(soft: int, hard: int, viewers_max: int, limit: int) -> None:
    assert soft_limit(soft, hard, viewers_max) == limit


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_hard_limit_in_the_way_is_told(limits: tuple[int, int]) -> None:
    hard = limits[1]
    if hard == ANY:
        pytest.skip("this machine has no hard limit")
    with structlog.testing.capture_logs() as logs:
        allow_viewers(hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    assert ["ulimit -Hn" in line["event"] for line in logs] == [True]
