"""Passwords by file: services that cannot read theirs say so, wrong ones are named, changed ones need no restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from libs.common import keys
from libs.common.bus import connect
from libs.common.errors import ConfigurationError
from libs.common.redis_address import RedisAddress
from libs.common.settings import ServiceSettings
from tests.support.ports import free_port
from tests.support.processes import SERVICES, running
from tests.support.redis_server import RedisServer, own_access
from tests.support.waiting import wait_for


def start_settings(service: str) -> dict[str, str]:
    """What lets several of a service start beside each other."""
    return {"GATEWAY_PORT": str(free_port())} if service == "gateway" else {}


@pytest.mark.parametrize("service", SERVICES)
def test_a_file_that_cannot_be_read_stops_the_start(service: str, tmp_path: Path) -> None:
    environment = {"REDIS_URL": f"redis://{service}@127.0.0.1:1/0", "REDIS_PASSWORD_FILE": str(tmp_path / "none")}
    with running(f"services.{service}", environment, tmp_path / "log") as process:
        assert process.process.wait(20) == 2
    problem = f"REDIS_PASSWORD_FILE: {tmp_path}/none cannot be read: No such file or directory"
    assert process.log == f"python -m services.{service}: {problem}\n"


@pytest.mark.parametrize(
    ("url", "content", "problem"),
    [
        ("redis://u@h/0", "", "must hold the password in one line"),
        ("redis://u@h/0", "\n", "must hold the password in one line"),
        ("redis://u@h/0", "one\ntwo\n", "must hold the password in one line"),
        ("redis://u:known@h/0", "one", "REDIS_URL has a password, too"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    url: str, content: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text(content, "utf-8")
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(file))
    with pytest.raises(ConfigurationError, match=f"^REDIS_PASSWORD_FILE: .*{problem}"):
        ServiceSettings.from_environment()


@pytest.mark.parametrize("url", ["http://h:6379", "localhost:6379", "redis://h:0", "redis://h:99999", "unix://"])
def test_an_address_that_is_none_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL: "):
        ServiceSettings.from_environment()


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_password_ends_the_start_at_once(service: str, redis_server: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("not-the-password", "utf-8")
    environment = {
        "REDIS_URL": f"redis://{service}@127.0.0.1:{redis_server.port}/0",
        "REDIS_PASSWORD_FILE": str(file),
        **start_settings(service),
    }
    with running(f"services.{service}", environment, tmp_path / "log") as process:
        assert process.process.wait(20) == 1
    assert f"refuses user '{service}'" in process.log
    assert "REDIS_PASSWORD_FILE" in process.log
    assert "Traceback" not in process.log
    assert "not-the-password" not in process.log


async def test_a_changed_password_needs_no_restart(own_redis_server: RedisServer, tmp_path: Path) -> None:
    """The file is written anew, the user changed, its connections cut: the service comes back with the new one."""
    async with connect(own_redis_server.url) as admin:
        with running("services.ingest", {"REDIS_URL": own_redis_server.url}, tmp_path / "log") as ingest:
            ingest.wait_for_log("ingest ready")
            (tmp_path / "ingest.password").write_text("another\n", "utf-8")
            await admin.acl_setuser("ingest", enabled=True, reset_passwords=True, passwords=["+another"])
            with own_redis_server.client() as client:
                assert client.execute_command("CLIENT", "KILL", "USER", "ingest") > 0
            await admin.zremrangebyscore(keys.members("ingest"), "-inf", "+inf")

            async def beats_again() -> bool:
                return await admin.zcard(keys.members("ingest")) == 1

            await wait_for(beats_again)
            assert ingest.stop() == 0
        own_redis_server.forget_refused()


async def test_a_user_is_not_asked_for_where_there_is_none(tmp_path: Path) -> None:
    """`requirepass` alone, as older installations have it: a password file and no user in the URL."""
    server = RedisServer(tmp_path)
    file = tmp_path / "password"
    file.write_text("only-a-password\n", "utf-8")
    server.start()
    try:
        with server.client() as client:
            client.config_set("requirepass", "only-a-password")
            redis = connect(RedisAddress(server.url, file))
            assert await redis.ping()
            await redis.aclose()
    finally:
        server.stop()


def test_the_password_is_in_no_url_of_a_service(redis_url: str, tmp_path: Path) -> None:
    """What the other tests' services are started with."""
    access = own_access("ingest", redis_url, tmp_path)
    assert access["REDIS_URL"].startswith("redis://ingest@127.0.0.1:")
    assert Path(access["REDIS_PASSWORD_FILE"]).read_text("utf-8").strip() not in access["REDIS_URL"]
