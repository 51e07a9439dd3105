"""The dashboard, the alert rules and docs/metrics.md name the metrics that there are; the services' numbers agree."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml

from libs.common import keys
from libs.common.bus import connect
from tests.gateway.raw_viewer import RawViewer
from tests.monitoring.promql import ALERTS, MONITORING, PROMETHEUS_S_OWN, dashboard, panel_expressions, rules, selectors
from tests.monitoring.scraping import Scrape, scrape
from tests.monitoring.system import MonitoredSystem
from tests.support.waiting import wait_for

WATCH = "/ws/viewer/detection?camera_id=CAM1&format=binary"
FRAMES = 30
PAGE = MONITORING.parents[1] / "docs/metrics.md"


@pytest.fixture
async def scraped(system: MonitoredSystem) -> AsyncIterator[dict[str, Scrape]]:
    """Every service's numbers once a viewer has seen some frames, with the viewer still there."""
    viewer = await RawViewer.connect(system.gateway.address, WATCH)
    async with asyncio.timeout(60):
        for _ in range(FRAMES):
            await viewer.frame()
    yield {service: await scrape(f"http://{target}") for service, target in system.targets.items()}
    viewer.close()


async def test_each_metric_that_a_panel_or_rule_names_is_there(scraped: dict[str, Scrape]) -> None:
    expressions = panel_expressions() | {rule["alert"]: rule["expr"] for rule in rules()}
    samples = [sample for told in scraped.values() for sample in told.samples]
    asked = 0
    for where, expression in expressions.items():
        for selector in selectors(expression):
            asked += 1
            if selector.name in PROMETHEUS_S_OWN:
                continue
            found = [sample for sample in samples if sample.name == selector.name]
            assert found, f"{where}: there is no {selector.name}"
            for one in (selector, *selector.parts()):
                assert any(one.matches(sample.labels) for sample in found), f"{where}: nothing is like {one}"
    assert asked > len(expressions), "each names one at least"


async def test_the_page_has_every_metric_and_label_value_and_no_others(scraped: dict[str, Scrape]) -> None:
    rows = {row["metric"]: row for row in page_table("metric")}
    below = {
        "stage": {row["stage"] for row in page_table("stage")},
        "hop": {row["hop"] for row in page_table("hop")},
        "outcome": {"`dropped`", *(one for row in page_table("stage") for one in in_code(row["outcomes"]))},
        "cause": {one for row in page_table("stage") for one in in_code(row["causes of a drop"])},
    }
    told_by: dict[str, list[str]] = {}
    for service, told in scraped.items():
        for family in told.families:
            name = f"`{family.name}{'_total' if family.type == 'counter' else ''}`"
            assert name in rows, f"{service} tells {name}; the page does not have it"
            assert rows[name]["type"] == family.type
            told_by.setdefault(name, []).append(service)
            for label, value in {pair for sample in family.samples for pair in sample.labels.items()} - {
                ("camera", "CAM1")
            }:
                if label != "le":
                    assert f"`{label}`" in rows[name]["labels"], f"{name} has {label}"
                    assert f"`{value}`" in below.get(label, in_code(rows[name]["labels"])), f"{name}: {label}={value}"
    assert {name: ", ".join(services) for name, services in told_by.items()} == {
        name: "ingest, detector, gateway" if row["of"] == "all" else row["of"] for name, row in rows.items()
    }


def page_table(first: str) -> list[dict[str, str]]:
    """The rows of that table of docs/metrics.md whose first column is headed so."""
    _, begin, rest = PAGE.read_text("utf-8").partition(f"\n| {first} |")
    assert begin, f"no table of {first}s"
    head, _, *rows = itertools.takewhile(lambda line: line.startswith("|"), f"| {first} |{rest}".splitlines())
    names = [name.strip() for name in head.strip("|").split("|")]
    return [dict(zip(names, (cell.strip() for cell in row.strip("|").split("|")), strict=True)) for row in rows]


def in_code(text: str) -> set[str]:
    """What stands between backticks, with them."""
    return set(re.findall("`[^`]+`", text))


async def test_the_services_numbers_fit_each_other_and_what_happened(
    system: MonitoredSystem, scraped: dict[str, Scrape]
) -> None:
    ingest, detector, gateway = scraped["ingest"], scraped["detector"], scraped["gateway"]
    read = ingest.sum("lotcast_frames_total", stage="read", outcome="ok")
    written = ingest.sum("lotcast_frames_total", stage="write")
    assert read >= FRAMES
    assert 0 <= read - written <= 1, "one may be on its way"
    assert ingest.sum("lotcast_camera_frames_total", camera="CAM1") == read
    assert ingest.sum("lotcast_camera_live", camera="CAM1") == 1
    assert ingest.sum("lotcast_camera_reconnects_total", camera="CAM1") <= 2, "it may have begun before the camera"
    assert ingest.sum("lotcast_cameras", kind="wanted") == 1
    received = detector.sum("lotcast_frames_total", stage="receive", outcome="ok")
    detected = detector.sum("lotcast_frames_total", stage="detect")
    assert received >= FRAMES
    assert 0 <= received - detected <= 8, "a few may be in the lanes"
    runs = detector.sum("lotcast_inference_seconds_count", kind="frame")
    assert runs == detector.sum("lotcast_inference_batch_size_count", kind="frame")
    assert runs > 0
    published = detector.sum("lotcast_frames_total", stage="publish", outcome="ok")
    assert detector.sum("lotcast_hop_seconds_count", hop="capture_to_publish") == published
    relayed = gateway.sum("lotcast_frames_total", stage="relay", outcome="ok")
    assert FRAMES - 1 <= relayed <= published + 3, "the first picture is the last one known"
    assert gateway.sum("lotcast_viewers") == 1
    for service in ("ingest", "detector"):
        assert scraped[service].sum("lotcast_leases_held", role=service) == 1
        assert scraped[service].sum("lotcast_members", role=service) == 1
        assert scraped[service].sum("lotcast_leases_moved_total", role=service, how="taken") == 1
        assert scraped[service].sum("lotcast_leases_moved_total", role=service, how="lost") == 0
    for service, told in scraped.items():
        assert told.sum("lotcast_redis_round_trip_seconds_count") > 0, service
        for name in ("lotcast_hop_seconds", "lotcast_redis_round_trip_seconds"):
            assert told.sum(f"{name}_bucket", le="5.0") == told.sum(f"{name}_count"), "none took longer than 5 s"
    async with connect(system.redis_server.url) as redis:
        memory: Any = await redis.info("memory")
        count = int(await redis.get(keys.count("CAM1")) or 0)
    assert ingest.sum("lotcast_redis_memory_limit_bytes") == memory["maxmemory"] == 2**30
    assert 0.5 < ingest.sum("lotcast_redis_memory_bytes") / memory["used_memory"] < 2
    assert 0 <= count - published <= 8


async def test_every_series_has_its_bound(system: MonitoredSystem, scraped: dict[str, Scrape]) -> None:
    """What comes from outside makes no series: ids that nobody registered, however many."""
    before = len((await scrape(system.gateway.url)).samples)
    viewers = [
        await RawViewer.connect(system.gateway.address, f"/ws/viewer/detection?camera_id=STRANGE{number}")
        for number in range(20)
    ]
    assert len((await scrape(system.gateway.url)).samples) == before
    for viewer in viewers:
        viewer.close()
    assert all(len(told.samples) < 300 for told in scraped.values())


async def test_a_camera_that_is_removed_is_told_of_no_more(system: MonitoredSystem, scraped: dict[str, Scrape]) -> None:
    async with connect(system.redis_server.url) as redis:
        entry = await redis.hget(keys.CAMERAS, "CAM1")
        assert entry is not None
        await redis.hdel(keys.CAMERAS, "CAM1")

        async def is_forgotten() -> bool:
            told = await scrape(f"http://{system.targets['ingest']}")
            return not told.matching("lotcast_camera_live") and told.sum("lotcast_cameras", kind="wanted") == 0

        await wait_for(is_forgotten)
        told = await scrape(f"http://{system.targets['ingest']}")
        assert told.sum("lotcast_leases_moved_total", how="released") == 1
        assert told.sum("lotcast_frames_total", stage="read", outcome="ok") >= FRAMES, "what was counted remains"
        await redis.hset(keys.CAMERAS, "CAM1", entry)


def test_panels_stand_side_by_side_and_name_the_provisioned_source() -> None:
    source = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    uid = source["datasources"][0]["uid"]
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": uid}, panel["title"]
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]
    for one, other in itertools.combinations((panel["gridPos"] for panel in panels), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_each_alert_argues_its_threshold_and_says_what_to_do() -> None:
    text = ALERTS.read_text("utf-8")
    for rule in rules():
        assert re.search(rf"\n      # .+\n      - alert: {rule['alert']}\n", text), f"{rule['alert']}: no argument"
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_prometheus_asks_where_compose_lets_the_services_answer() -> None:
    asked = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    compose = yaml.safe_load((MONITORING.parents[1] / "compose.yaml").read_text("utf-8"))
    monitoring = yaml.safe_load((MONITORING.parents[1] / "compose.monitoring.yaml").read_text("utf-8"))
    for job in asked["scrape_configs"]:
        service = job["job_name"]
        (found,) = job["dns_sd_configs"]
        assert found["names"] == [service]
        environment = compose["services"][service]["environment"]
        variable = "GATEWAY_PORT" if service == "gateway" else f"{service.upper()}_METRICS_PORT"
        assert found["port"] == environment[variable]
        assert set(monitoring["services"][service]["networks"]) & set(monitoring["services"]["prometheus"]["networks"])
