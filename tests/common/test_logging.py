"""What a process writes to stderr, as its reader gets it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

SCRIPT = """
import logging
from libs.common.logging import configure_logging, get_logger
from libs.common.settings import ServiceSettings
configure_logging(ServiceSettings(), "ingest")
log = get_logger("camera")
log.info("camera live", camera="CAM1", width=1280)
log.debug("not shown")
logging.getLogger("aiohttp").warning("of a library: %s", 7)
logging.getLogger("aiohttp").info("not shown either")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("trouble")
"""


def lines(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    ).stderr.splitlines()


def test_lines_for_machines_are_json_with_a_time_that_everybody_reads_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    live, library, trouble = [json.loads(line) for line in lines(monkeypatch)]
    when = datetime.fromisoformat(live.pop("timestamp"))
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=1)
    assert live == {
        "service": "ingest", "part": "camera", "level": "info", "event": "camera live", "camera": "CAM1", "width": 1280,
    }  # fmt: skip
    assert (library["event"], library["level"], library["service"]) == ("of a library: 7", "warning", "ingest")
    assert "ZeroDivisionError: division by zero" in trouble["exception"]


def test_lines_for_people_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    live, library, *_ = lines(monkeypatch, LOG_FORMAT="console")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", live)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info +\] camera live +camera=CAM1 part=camera width=1280", plain)
    assert "of a library: 7" in library


def test_a_level_hides_what_is_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [json.loads(line)["event"] for line in lines(monkeypatch, LOG_LEVEL="WARNING")]
    assert events == ["of a library: 7", "trouble"]
