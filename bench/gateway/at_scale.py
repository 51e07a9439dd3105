"""What is measured with many viewers or many cameras: ten thousand at once, walls of cameras, coming and going."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

from bench.gateway.processes import cpu_seconds, crowd, resident_bytes, returning_viewers, visit, wait_until_steady
from bench.gateway.scenarios import SETTLE_S, WARM_UP_S, Start
from bench.gateway.servers import LIVE_PATH, ours
from bench.gateway.sources import keep_latest, publish_to_redis
from tests.support.ports import free_port

MANY, MANY_CAMERAS, MANY_FPS = 10_000, 100, 2.0
WALLS, WALL_CAMERAS, WALL_FPS = 50, 16, 5.0
CHURN_PER_S = 200.0
RETURNING = 2000


def many_viewers(start: Start, redis_url: str, seconds: float) -> dict[str, float]:
    """10,000 viewers of 100 cameras, 2 pictures of 50 KB a second to each; before that, what an idle one takes."""
    with start() as server:
        time.sleep(SETTLE_S)
        empty = resident_bytes(server.pid)
        with crowd(server.port, server.path, MANY, MANY_CAMERAS, "s") as viewers:
            wait_until_steady(server.pid)
            held = resident_bytes(server.pid)
            publish_to_redis(redis_url, MANY_CAMERAS, MANY_FPS, WARM_UP_S)
            time.sleep(SETTLE_S)
            viewers.start()
            before, began = cpu_seconds(server.pid), time.monotonic()
            frames = publish_to_redis(redis_url, MANY_CAMERAS, MANY_FPS, seconds)
            used_s, took_s = cpu_seconds(server.pid) - before, time.monotonic() - began
            time.sleep(SETTLE_S)
            result = viewers.stop()
            busy = resident_bytes(server.pid)
    wanted = frames * MANY / MANY_CAMERAS
    return {
        "cores": used_s / took_s,
        "us_per_frame": used_s * 1e6 / max(1.0, result["delivered"]),
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "delivered_pct": 100 * result["delivered"] / wanted,
        "kb_each_idle": (held - empty) / 1e3 / MANY,
        "kb_each_busy": (busy - empty) / 1e3 / MANY,
    }


def walls(start: Start, redis_url: str, seconds: float, stamp: str) -> dict[str, float]:
    """50 connections with 16 cameras each, 5 pictures of 50 KB a second of each camera, one on its way at a time.

    Args:
        start: the server.
        redis_url: of the server that feeds it.
        seconds: how long.
        stamp: how the time of publication stands in its messages.
    """
    with start() as server, crowd(server.port, server.path, WALLS, WALL_CAMERAS, stamp, watch=True) as viewers:
        time.sleep(SETTLE_S)
        publish_to_redis(redis_url, WALL_CAMERAS, WALL_FPS, WARM_UP_S, plain=True)
        time.sleep(SETTLE_S)
        viewers.start()
        before, began = cpu_seconds(server.pid), time.monotonic()
        frames = publish_to_redis(redis_url, WALL_CAMERAS, WALL_FPS, seconds, plain=True)
        used_s, took_s = cpu_seconds(server.pid) - before, time.monotonic() - began
        time.sleep(SETTLE_S)
        result = viewers.stop()
    return {
        "cores": used_s / took_s,
        "us_per_frame": used_s * 1e6 / max(1.0, result["delivered"]),
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "delivered_pct": 100 * result["delivered"] / (frames * WALLS),
        "fewest_pct": 100 * result["fewest"] / frames,
    }


def churn(start: Start, redis_url: str, seconds: float) -> dict[str, float]:
    """200 viewers a second who come, get a picture, stay a second and go."""
    keep_latest(redis_url)
    with start() as server:
        publish_to_redis(redis_url, 1, 1, 1)
        path = server.path.replace("{camera}", "cam0")
        visit(server.port, path, 10, 1)  # the first ones of a process cost more
        publish_to_redis(redis_url, 1, 1, 1)
        before = cpu_seconds(server.pid)
        result = visit(server.port, path, CHURN_PER_S, seconds)
        used_s = cpu_seconds(server.pid) - before
    viewers = CHURN_PER_S * seconds
    return {
        "ms_each": used_s * 1000 / viewers,
        "cores": used_s / seconds,
        "per_s": result["per_s"],
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "without": result["without"],
    }


def come_back(redis_url: str) -> dict[str, float]:
    """2,000 viewers whose gateway is killed and started again: when all are back, and how many were refused."""
    port = free_port()
    with ExitStack() as first:
        first.enter_context(ours(redis_url, "live", port))
        with returning_viewers(port, LIVE_PATH, RETURNING) as viewers:
            first.close()
            killed_s = time.monotonic()
            with ours(redis_url, "live", port) as server:
                listens_s, before = time.monotonic(), cpu_seconds(server.pid)
                assert viewers.stdout is not None
                told = json.loads(viewers.stdout.readline())
                used_s = cpu_seconds(server.pid) - before
    back_s = sorted(at_s - listens_s for at_s in told["back_at_s"])
    return {
        "away_s": listens_s - killed_s,
        "half_back_s": back_s[len(back_s) // 2],
        "all_back_s": back_s[-1],
        "refused": sum(at_s > listens_s for at_s, _ in told["failures"]),
        "ms_each": used_s * 1000 / RETURNING,
    }
