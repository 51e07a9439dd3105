"""What is measured. Each scenario starts a server, lets viewers connect, feeds it and takes its numbers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from bench.gateway.processes import audience, cpu_seconds, resident_bytes, wait_until_steady
from bench.gateway.servers import Server
from bench.gateway.sources import post_to_bridge, publish_to_redis

Start = Callable[[], AbstractContextManager[Server]]

VIEWERS = 100
FPS = 20.0
WARM_UP_S = 1.0
SETTLE_S = 0.5


def fan_out(start: Start, redis_url: str, seconds: float) -> dict[str, float]:
    """CPU time of the server for each frame delivered: one camera, 100 viewers, 20 fps, fed from Redis."""
    with start() as server, audience(server.port, server.path, VIEWERS) as viewers:
        time.sleep(SETTLE_S)
        publish_to_redis(redis_url, 1, FPS, WARM_UP_S)
        time.sleep(SETTLE_S)
        viewers.start()
        before = cpu_seconds(server.pid)
        frames = publish_to_redis(redis_url, 1, FPS, seconds)
        time.sleep(SETTLE_S)
        used_s = cpu_seconds(server.pid) - before
        result = viewers.stop()
    return {
        "us_per_frame": used_s * 1e6 / max(1.0, result["delivered"]),
        "delivered_pct": 100 * result["delivered"] / (frames * VIEWERS),
    }


def fan_out_posted(start: Start, seconds: float, *, deflate: bool) -> dict[str, float]:
    """The same for a server that is fed by a worker's POST, at 5 fps because more than that it does not do."""
    with start() as server, audience(server.port, server.path, VIEWERS, deflate=deflate) as viewers:
        post_to_bridge(server.port, 1, 5, WARM_UP_S)
        viewers.start()
        before = cpu_seconds(server.pid)
        frames = post_to_bridge(server.port, 1, 5, seconds)
        time.sleep(SETTLE_S)
        used_s = cpu_seconds(server.pid) - before
        result = viewers.stop()
    return {
        "us_per_frame": used_s * 1e6 / max(1.0, result["delivered"]),
        "delivered_pct": 100 * result["delivered"] / max(1, frames * VIEWERS),
    }


def latency_from_redis(start: Start, redis_url: str, seconds: float) -> dict[str, float]:
    """From Redis publish to the viewer: 4 cameras, 10 fps each, 100 viewers."""

    def feed(_server: Server, feed_s: float) -> int:
        return publish_to_redis(redis_url, 4, 10, feed_s)

    return _latency(start, feed, seconds, deflate=False)


def latency_of_bridge(
    start: Start, seconds: float, *, deflate: bool = False, in_step: bool = False
) -> dict[str, float]:
    """From a worker's POST to the viewer: 4 cameras, 10 fps each, 100 viewers."""

    def feed(server: Server, feed_s: float) -> int:
        return post_to_bridge(server.port, 4, 10, feed_s, in_step=in_step)

    return _latency(start, feed, seconds, deflate=deflate)


def _latency(start: Start, feed: Callable[[Server, float], int], seconds: float, *, deflate: bool) -> dict[str, float]:
    with start() as server, audience(server.port, server.path, VIEWERS, 4, deflate=deflate) as viewers:
        time.sleep(SETTLE_S)
        feed(server, WARM_UP_S)
        time.sleep(SETTLE_S)
        viewers.start()
        before, began = cpu_seconds(server.pid), time.monotonic()
        feed(server, seconds)
        used_s, took_s = cpu_seconds(server.pid) - before, time.monotonic() - began
        time.sleep(SETTLE_S)
        result = viewers.stop()
    wanted = round(seconds * 10) * VIEWERS
    return {
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "cores": used_s / took_s,
        "delivered_pct": 100 * result["delivered"] / wanted,
    }


def bridge_throughput(start: Start, seconds: float) -> dict[str, float]:
    """Frames a second that four workers can post as fast as they are answered, nobody watching."""
    with start() as server:
        post_to_bridge(server.port, 4, 1000, 0.05)
        before, began = cpu_seconds(server.pid), time.monotonic()
        frames = post_to_bridge(server.port, 4, 1000, seconds / 8)
        took_s = time.monotonic() - began
        used_s = cpu_seconds(server.pid) - before
    return {"frames_per_s": frames / took_s, "ms_cpu_per_frame": used_s * 1000 / frames, "cores": used_s / took_s}


def memory(start: Start) -> dict[str, float]:
    """Resident memory of the server without viewers and with 500 and 2,000 idle ones."""
    numbers = {}
    with start() as server:
        time.sleep(SETTLE_S)
        empty = resident_bytes(server.pid)
        numbers["mb_at_0"] = empty / 1e6
        for count in (500, 2000):
            with audience(server.port, server.path, count):
                wait_until_steady(server.pid)
                held = resident_bytes(server.pid)
            numbers[f"mb_at_{count}"] = held / 1e6
            numbers[f"kb_each_at_{count}"] = (held - empty) / 1e3 / count
            threading.Event().wait(1.0)
    return numbers
