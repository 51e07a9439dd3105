"""schemathesis, with its default checks, finds nothing wrong with the API and its description."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import running_gateway

ADMIN = "admin-0123456789abcdef"
CONFIG = Path(__file__).parents[2] / "schemathesis.toml"


@pytest.mark.long  # tries hundreds of requests
@pytest.mark.parametrize(
    "part",
    [
        ["--exclude-path-regex", r"stream\.mjpg"],
        # Its answer never ends where there is a camera, so it is asked for by itself, where there is none.
        ["--include-path-regex", r"stream\.mjpg", "--phases", "examples,coverage,fuzzing"],
    ],
    ids=["all-but-the-stream", "the-stream"],
)
@pytest.mark.parametrize("tokens", [f"admin:{ADMIN}", ""], ids=["with-tokens", "open"])
async def test_nothing_is_found(redis_url: str, tmp_path: Path, part: list[str], tokens: str) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_TOKENS=tokens) as gateway:
        logged_in = ["--header", f"Authorization: Bearer {ADMIN}"] if tokens else []
        examples = "25" if tokens else "5"  # it is the same API, without the log-in
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG), "run",
            f"{gateway.url}/openapi.json", "--max-examples", examples, "--request-timeout", "5", "--no-color",
            "--seed", "20260107", *logged_in, *part,
        ]  # fmt: skip
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert "Traceback" not in gateway.service.log
