"""`python -m bench.gateway`: the gateway beside its peers, in one table from one run."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from bench.gateway import at_scale, scenarios
from bench.gateway.processes import CLIENT_CORE
from bench.gateway.servers import Server, bare_loop, install_node_peer, node, node_cameras, ours, reference_design
from bench.gateway.table import print_tables
from tests.support.redis_server import RedisServer

Start = Callable[[], AbstractContextManager[Server]]

PARTS = ("fanout", "latency", "memory", "many", "walls", "churn", "return")


def main() -> int:
    """Entry point; returns the exit code: 1 where a number misses its aim."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="medians are taken over this many [5]")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each measurement takes [4]")
    parser.add_argument("--only", choices=PARTS, help="one part only")
    parser.add_argument("--json", type=Path, help="write the numbers there too")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {CLIENT_CORE})  # Redis, viewers and workers share it; the server has the other
    install_node_peer()
    with tempfile.TemporaryDirectory() as folder:
        redis_server = RedisServer(Path(folder))
        redis_server.start()
        try:
            results = measure(redis_server.url, arguments.rounds, arguments.seconds, arguments.only)
        finally:
            redis_server.stop()
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))
    return 0 if print_tables(results) else 1


def measure(redis_url: str, rounds: int, seconds: float, only: str | None) -> dict[str, dict[str, float]]:
    """All measurements: name → median of each number."""
    from_redis: dict[str, Start] = {
        "bare socket loop": partial(bare_loop, redis_url),
        "node ws, binary": partial(node, redis_url, "binary"),
        "ours, binary": partial(ours, redis_url, "binary"),
        "node ws, JSON": partial(node, redis_url, "json"),
        "ours, JSON": partial(ours, redis_url, "json"),
    }
    posted: dict[str, Start] = {
        "ours": partial(ours, redis_url, "json"),
        "reference": partial(reference_design, "plain"),
    }
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def note(name: str, numbers: dict[str, float]) -> None:
        sys.stderr.write(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in numbers.items()) + "\n")
        for key, value in numbers.items():
            seen[name][key].append(value)

    for _ in range(rounds):
        if only in (None, "fanout"):
            for name, start in from_redis.items():
                note(f"fanout: {name}", scenarios.fan_out(start, redis_url, seconds))
            note("fanout: reference", scenarios.fan_out_posted(posted["reference"], seconds, deflate=False))
            note(
                "fanout: reference, deflate",
                scenarios.fan_out_posted(partial(reference_design, "deflate"), seconds, deflate=True),
            )
        if only in (None, "latency"):
            note(
                "latency: redis, ours, binary",
                scenarios.latency_from_redis(from_redis["ours, binary"], redis_url, seconds),
            )
            note("latency: redis, ours, JSON", scenarios.latency_from_redis(posted["ours"], redis_url, seconds))
            deflate = partial(reference_design, "deflate")
            note("latency: bridge, ours", scenarios.latency_of_bridge(posted["ours"], seconds))
            note("latency: bridge, ours, deflate", scenarios.latency_of_bridge(posted["ours"], seconds, deflate=True))
            note("latency: bridge, ours, in step", scenarios.latency_of_bridge(posted["ours"], seconds, in_step=True))
            note("latency: bridge, ref.", scenarios.latency_of_bridge(posted["reference"], seconds))
            note("latency: bridge, ref., deflate", scenarios.latency_of_bridge(deflate, seconds, deflate=True))
            note(
                "latency: bridge, ref., in step",
                scenarios.latency_of_bridge(posted["reference"], seconds, in_step=True),
            )
            note("bridge: ours, flat out", scenarios.bridge_throughput(posted["ours"], seconds))
        many: dict[str, Start] = {
            "ours": from_redis["ours, binary"],
            "node ws": partial(node_cameras, redis_url, "live"),
        }
        if only in (None, "many"):
            for name, start in many.items():
                note(f"many: {name}", at_scale.many_viewers(start, redis_url, seconds))
        if only in (None, "walls"):
            note("walls: ours", at_scale.walls(partial(ours, redis_url, "live"), redis_url, seconds, "ms"))
            in_node = partial(node_cameras, redis_url, "plain")
            note("walls: node ws", at_scale.walls(in_node, redis_url, seconds, "s"))
        if only in (None, "churn"):
            for name, start in many.items():
                note(f"churn: {name}", at_scale.churn(start, redis_url, seconds))
    if only in (None, "return"):
        note("return: ours", at_scale.come_back(redis_url))
    if only in (None, "memory"):
        for name, start in {"ours": from_redis["ours, binary"], "node ws": from_redis["node ws, binary"],
                            "reference": posted["reference"]}.items():  # fmt: skip
            note(f"memory: {name}", scenarios.memory(start))
    return {name: {key: statistics.median(values) for key, values in numbers.items()} for name, numbers in seen.items()}


if __name__ == "__main__":
    sys.exit(main())
