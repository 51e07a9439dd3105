"""Nothing that was registered as a secret is printed, in whatever form."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from libs.common.secrets import SecretRegistry, mask_secrets, register_url
from tests.support.processes import ROOT

HARD = 'p@ss/wö"rd %20\\x'


@pytest.mark.parametrize(
    "printed",
    [HARD, quote(HARD), quote(HARD, safe=""), quote(HARD).lower(), json.dumps(HARD), repr(HARD), f"rtsp://u:{HARD}@h/"],
)
def test_every_form_is_replaced(printed: str) -> None:
    registry = SecretRegistry()
    registry.register(HARD)
    masked = registry.mask(f"before {printed} after")
    assert "***" in masked
    assert "ss" not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_one_that_was_registered_encoded_is_found_decoded() -> None:
    registry = SecretRegistry()
    registry.register("hunter%2F22")
    assert registry.mask("hunter/22 hunter%2f22 hunter%2F22") == "*** *** ***"


def test_short_values_stay() -> None:
    registry = SecretRegistry()
    registry.register("frame")
    registry.register(None)
    registry.register("frames")
    assert registry.mask("one frame, two frames") == "one frame, two ***"


def test_a_longer_one_goes_before_its_part() -> None:
    registry = SecretRegistry()
    registry.register("secret")
    registry.register("secret-and-more")
    assert registry.mask("secret-and-more") == "***"


@pytest.mark.parametrize("url", ["redis://user:pa/ssword@host", "redis://:pa/ssword@host:1/0", "x://u:a:pa/ssword@h"])
def test_the_password_of_a_malformed_url_is_registered(url: str) -> None:
    register_url(url)
    assert "ssword" not in mask_secrets(f"cannot read pa/ssword in {url}")


PROGRAM = """
import asyncio, logging, os, sys, threading, warnings
from libs.common.logging import configure_logging, get_logger
from libs.common.secrets import register_secret
from libs.common.settings import ServiceSettings
secret = os.environ["SECRET"]
configure_logging(ServiceSettings(log_format=os.environ["FORMAT"]), "test")
register_secret(secret)
log = get_logger("test")
log.warning("event " + secret, text=secret, nested={"list": [secret, secret.encode()]}, url=f"rtsp://u:{secret}@h")
logging.getLogger("other").warning("theirs %s", secret)
warnings.warn(secret)
def fail(local):
    raise ValueError(f"about {local}")
try:
    fail(secret)
except ValueError:
    log.exception("trace")
    logging.getLogger("other").exception("trace")
thread = threading.Thread(target=fail, args=(secret,)); thread.start(); thread.join()
async def task_that_fails():
    asyncio.get_running_loop().create_task(asyncio.sleep(0)).add_done_callback(lambda _: fail(secret))
    await asyncio.sleep(0.01)
asyncio.run(task_that_fails())
fail(secret)
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("secret", ["hunter22", HARD])
def test_a_process_prints_no_secret(log_format: str, secret: str) -> None:
    environment = {"SECRET": secret, "FORMAT": log_format, "PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "ValueError: about ***" in done.stderr
    assert done.stderr.count("***") >= 8
    assert "hunter" not in done.stderr
    assert "p@ss" not in done.stderr
    assert "p%40ss" not in done.stderr


def test_a_password_with_a_slash_in_redis_url_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.gateway"],
        env={"REDIS_URL": "redis://u:pa/ss@h", "PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "REDIS_URL: is not a URL" in done.stderr
    assert "%2F" in done.stderr
    assert "pa/" not in done.stderr
    assert "'pa'" not in done.stderr
