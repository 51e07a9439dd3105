"""Every command in docs/redis-cli.md works for the user before it, and those of `admin` not for `monitor`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import NoPermissionError

from libs.common import keys
from tests.support.processes import ROOT
from tests.support.redis_server import RedisServer

PROMPT = re.compile(r"^(monitor|admin)> (.+)$", re.MULTILINE)
COMMANDS = PROMPT.findall((ROOT / "docs/redis-cli.md").read_text("utf-8"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that holds something of every kind."""
    server = RedisServer(tmp_path_factory.mktemp("page"), with_users=True)
    server.start()
    with server.client() as client:
        client.hset(keys.CAMERAS, "CAM1", "{}")
        client.xadd(keys.frames("CAM1"), {"seq": 1})
        client.xgroup_create(keys.frames("CAM1"), keys.DETECTOR_GROUP)
        client.xadd(keys.events("CAM1"), {"space_id": "A1"})
        client.xadd(keys.log("CAM1"), {"frame": "1-0"})
        client.xadd(keys.counts("CAM1"), {"free": 1})
        client.hset(keys.status("CAM1"), "ingest_state", "live")
    yield server
    server.stop()


def _run(server: RedisServer, user: str, command: str) -> object:
    url = server.url_of(user)
    with redis.Redis.from_url(url, protocol=2, driver_info=None, socket_timeout=2) as client:
        return client.execute_command(*command.split())


def test_the_page_has_commands_of_both_users() -> None:
    assert {user for user, _ in COMMANDS} == {"monitor", "admin"}
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(("user", "command"), COMMANDS)
def test_a_command_works_for_whom_it_is_marked(server: RedisServer, user: str, command: str) -> None:
    _run(server, user, command)
    if user == "admin":
        with pytest.raises(NoPermissionError):
            _run(server, "monitor", command)
