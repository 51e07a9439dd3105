"""What the users of deploy/redis may not do. All other tests run as them and so show what they may."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from libs.common import keys
from tests.support.ports import free_port
from tests.support.redis_server import SCRIPTS, USERS, RedisServer, find_redis_server, redis_version

CAM = "CAM1"
ONCE = Retry(NoBackoff(), 0)
SERVICES = ("ingest", "detector", "gateway")
ADMINISTRATION = (
    "FLUSHALL",
    "FLUSHDB",
    "KEYS *",
    "CONFIG GET *",
    "CONFIG SET maxmemory 1",
    "ACL LIST",
    "ACL SETUSER intruder on nopass ~* +@all",
    "CLIENT KILL TYPE normal",
    "CLIENT LIST",
    "EVAL return(1) 0",
    "FUNCTION LIST",
    "MONITOR",
    "REPLICAOF 127.0.0.1 1",
    "SAVE",
    "SCRIPT FLUSH",
    "SHUTDOWN NOSAVE",
    "SWAPDB 0 1",
    "SELECT 1",
    "RENAME lotcast:cameras lotcast:{CAM1}:log",
    "PSUBSCRIBE *",
)
FOREIGN = {
    "ingest": (
        f"XREVRANGE {keys.events(CAM)} + -",
        f"GET {keys.latest(CAM)}",
        f"HSET {keys.occupancy(CAM)} A1 x",
        f"DEL {keys.events(CAM)}",
        f"PUBLISH {keys.live(CAM)} x",
        f"SUBSCRIBE {keys.live(CAM)}",
        f"SET {keys.lease('detector', CAM)} me",
        f"ZADD {keys.members('detector')} 1 me",
        f"XREAD STREAMS {keys.frames(CAM)} 0",
    ),
    "detector": (
        f"XADD {keys.probe_answer('x')} * a b",
        f"SUBSCRIBE {keys.live(CAM)}",
        "PUBLISH lotcast:gateways x",
        f"SET {keys.lease('ingest', CAM)} me",
        f"ZADD {keys.members('ingest')} 1 me",
        f"HSET {keys.viewers(CAM)} gateway 1",
        f"RPUSH {keys.PROBES} x",
    ),
    "gateway": (
        f"XADD {keys.frames(CAM)} * jpeg x",
        f"XREADGROUP GROUP detectors me STREAMS {keys.frames(CAM)} >",
        f"SET {keys.lease('ingest', CAM)} me",
        f"PEXPIRE {keys.lease('ingest', CAM)} 1",
        f"XADD {keys.counts(CAM)} * a b",
        "PUBLISH elsewhere x",
        "SUBSCRIBE __keyspace@0__:*",
    ),
    "monitor": (
        f"HGETALL {keys.CAMERAS}",
        f"GET {keys.latest(CAM)}",
        f"XREVRANGE {keys.frames(CAM)} + -",
        f"XRANGE {keys.frames(CAM)} - +",
        f"XREAD STREAMS {keys.frames(CAM)} 0",
        f"XINFO STREAM {keys.frames(CAM)} FULL",
        f"SUBSCRIBE {keys.live(CAM)}",
        f"DUMP {keys.frames(CAM)}",
        f"SET {keys.count(CAM)} 1",
        f"DEL {keys.status(CAM)}",
        f"HSET {keys.status(CAM)} ingest_state live",
        f"PUBLISH {keys.live(CAM)} x",
        f"XGROUP DESTROY {keys.frames(CAM)} detectors",
        "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0",
    ),
}
READ_ONLY = {
    "ingest": (f"HGETALL {keys.status(CAM)}",),  # it reads spaces, which it seeds
    "detector": (
        f"HSET {keys.CAMERAS} {CAM} x",
        f"DEL {keys.CAMERAS}",
        f"SET {keys.spaces(CAM)} []",
        f"GET {keys.latest(CAM)}",
        f"XREVRANGE {keys.log(CAM)} + -",
        f"GET {keys.crops(CAM, '1-0')}",
        f"HGETALL {keys.status(CAM)}",
    ),
    "gateway": (
        f"LPOP {keys.PROBES}",
        f"GET {keys.last_track_id(CAM)}",
        f"HGETALL {keys.view(CAM)}",
        f"ZADD {keys.members('detector')} 1 me",
        f"HSET {keys.load('detector', 'me')} host x",
    ),
}
"""What only Redis 7 can keep apart: a key that a user reads, or writes, but not both."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("users"), with_users=True)
    server.start()
    yield server
    server.stop()


def _try(server: RedisServer, user: str, command: str) -> None:
    with redis.Redis.from_url(server.url_of(user), protocol=2, driver_info=None, socket_timeout=2) as client:
        client.execute_command(*command.split())


@pytest.mark.parametrize(
    ("user", "command"),
    [(user, command) for user in (*SERVICES, "monitor") for command in (*ADMINISTRATION, *FOREIGN[user])],
)
def test_what_is_not_theirs_is_refused(server: RedisServer, user: str, command: str) -> None:
    if command == "FUNCTION LIST" and redis_version().startswith("6."):
        pytest.skip("functions came with Redis 7")
    with pytest.raises(NoPermissionError):
        _try(server, user, command)


@pytest.mark.skipif(redis_version().startswith("6."), reason="Redis 6 cannot keep reading and writing apart")
@pytest.mark.parametrize(("user", "command"), [(user, one) for user, commands in READ_ONLY.items() for one in commands])
def test_what_is_only_read_or_only_written(server: RedisServer, user: str, command: str) -> None:
    with pytest.raises(NoPermissionError):
        _try(server, user, command)


def test_nobody_comes_in_without_a_user(server: RedisServer) -> None:
    for url in (f"redis://127.0.0.1:{server.port}/0", f"redis://:guessed@127.0.0.1:{server.port}/0"):
        with (
            redis.Redis.from_url(url, protocol=2, driver_info=None, retry=ONCE) as client,
            pytest.raises(AuthenticationError),
        ):
            client.ping()


@pytest.mark.parametrize("user", USERS)
def test_a_wrong_password_is_refused(server: RedisServer, user: str) -> None:
    with (
        redis.Redis(port=server.port, username=user, password="wrong", protocol=2, retry=ONCE) as client,
        pytest.raises(AuthenticationError),
    ):
        client.ping()


def test_users_begin_with_nothing(server: RedisServer) -> None:
    with server.client() as client:
        listed = {str(line).split()[1]: str(line) for line in client.acl_list()}
    assert set(listed) == {"default", *USERS}
    assert " off " in listed["default"]
    for user in (*SERVICES, "monitor"):
        assert "-@all" in listed[user]
        assert "nopass" not in listed[user]


def test_the_rules_for_redis_6_name_the_same_keys(tmp_path: Path) -> None:
    for user in USERS:
        (tmp_path / user).mkdir()
        (tmp_path / user / "password").write_text("secret", "utf-8")
    newer, older = (
        subprocess.run([SCRIPTS / "acl.sh", tmp_path, version], stdout=subprocess.PIPE, check=True, text=True).stdout
        for version in ("7.0.15", "6.2.14")
    )
    assert "%R~lotcast:cameras" in newer
    assert older == newer.replace("%R~", "~").replace("%W~", "~").replace("(", "").replace(")", "")
    assert "secret" not in newer
    assert hashlib.sha256(b"secret").hexdigest() in newer


@contextmanager
def container(folder: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """deploy/redis/start.sh with what a container would find: its port and its environment."""
    port = free_port()
    environment = {
        "PATH": f"{find_redis_server().parent}:{os.environ['PATH']}",
        "REDIS_PASSWORDS": str(folder / "passwords"),
        "ACL_FILE": str(folder / "users.acl"),
    }
    command = [
        str(SCRIPTS / "start.sh"),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield port, environment
    finally:
        process.terminate()
        process.wait(10)


def test_a_container_makes_its_passwords_and_keeps_them(tmp_path: Path) -> None:
    kept: set[str] = set()
    for _ in range(2):
        with container(tmp_path) as (port, _environment):
            for user in USERS:
                password = _wait_for_password(tmp_path / "passwords" / user / "password")
                kept.add(password)
                _wait_for_login(port, user, password)
    assert len(kept) == len(USERS), "every user its own, and the same after a restart"
    assert (tmp_path / "users.acl").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="there is no redis-cli on this machine")
@pytest.mark.parametrize("user", ["ingest", "admin"])
def test_a_password_is_renewed_while_the_server_runs(user: str, tmp_path: Path) -> None:
    with container(tmp_path) as (port, environment):
        file = tmp_path / "passwords" / user / "password"
        old = _wait_for_password(file)
        _wait_for_login(port, user, old)
        subprocess.run([SCRIPTS / "renew.sh", user, "-p", str(port)], env=environment, check=True, timeout=10)
        assert _wait_for_password(file) != old
        _wait_for_login(port, user, _wait_for_password(file))
        with pytest.raises(AuthenticationError):
            _wait_for_login(port, user, old)


def _wait_for_password(file: Path) -> str:
    deadline = time.monotonic() + 10
    while not file.exists():
        assert time.monotonic() < deadline, f"no {file}"
        time.sleep(0.02)
    return file.read_text("utf-8").strip()


def _wait_for_login(port: int, user: str, password: str) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis(port=port, username=user, password=password, protocol=2, retry=ONCE) as client:
        while True:
            try:
                client.ping()
                return
            except AuthenticationError:
                raise
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.02)
