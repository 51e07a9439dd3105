"""Leases against a real redis-server: who owns a camera, when that ends, and that it is never two."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import connect
from libs.common.clock import running_s
from libs.common.leases import Lease, Leases
from libs.common.shutdown import sleep_until_stopped
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

CAMERAS = [f"CAM{number}" for number in range(7)]
QUICK_S = 0.6


class Worker:
    """A process of a role, as a service would write it, but that its work is to note when it had each camera."""

    def __init__(self, redis: Redis, name: str, diary: list[tuple[float, str, str, str]]) -> None:
        self.leases = Leases(redis, "detector", name, QUICK_S)
        self.working: dict[str, Lease] = {}
        self._diary = diary
        self._name = name

    async def run(self, stop: asyncio.Event) -> None:
        running = asyncio.create_task(self.leases.run(stop))
        try:
            await self._work(running)
        finally:
            running.cancel()

    async def _work(self, running: asyncio.Task[None]) -> None:
        while not running.done():
            self.leases.share(CAMERAS)
            held = self.leases.held()
            for camera_id, lease in list(self.working.items()):
                if held.get(camera_id) is not lease:
                    del self.working[camera_id]
                    self._diary.append((running_s(), "ends", self._name, camera_id))
                    await self.leases.release(lease)
            for camera_id in held.keys() - self.working.keys():
                self.working[camera_id] = held[camera_id]
                held[camera_id].begin()
                self._diary.append((running_s(), "begins", self._name, camera_id))
            self.leases.changed.clear()
            await sleep_until_stopped(self.leases.changed, 0.05)


class Crew:
    """Workers that come and go."""

    def __init__(self, redis: Redis) -> None:
        self.diary: list[tuple[float, str, str, str]] = []
        self.workers: dict[str, tuple[Worker, asyncio.Event, asyncio.Task[None]]] = {}
        self._redis = redis

    def come(self, name: str, redis: Redis | None = None) -> Worker:
        stop = asyncio.Event()
        worker = Worker(redis or self._redis, name, self.diary)
        self.workers[name] = (worker, stop, asyncio.create_task(worker.run(stop)))
        return worker

    async def go(self, name: str) -> None:
        _, stop, task = self.workers.pop(name)
        stop.set()
        await task

    def die(self, name: str) -> None:
        """As by kill -9: nothing is released, nobody is told."""
        worker, _, task = self.workers.pop(name)
        task.cancel()
        for camera_id in worker.working:
            self.diary.append((running_s(), "ends", name, camera_id))

    def loads(self) -> list[int]:
        return sorted(len(worker.working) for worker, _, _ in self.workers.values())

    def all_at_work(self) -> bool:
        return sorted(camera for worker, _, _ in self.workers.values() for camera in worker.working) == CAMERAS

    def assert_never_two_owners(self) -> None:
        owner: dict[str, str | None] = {}
        for _, what, name, camera_id in sorted(self.diary):
            if what == "begins":
                assert owner.get(camera_id) is None, (
                    f"{camera_id}: {name} began, {owner[camera_id]} had it: {self.diary}"
                )
                owner[camera_id] = name
            else:
                assert owner[camera_id] == name
                owner[camera_id] = None


@asynccontextmanager
async def crew_of(redis: Redis, *names: str) -> AsyncIterator[Crew]:
    crew = Crew(redis)
    for name in names:
        crew.come(name)
    try:
        yield crew
    finally:
        for name in list(crew.workers):
            await crew.go(name)
        crew.assert_never_two_owners()


async def test_cameras_are_shared_and_shared_anew_when_processes_come_and_go(redis: Redis) -> None:
    async with crew_of(redis, "one") as crew:
        await wait_for(lambda: crew.loads() == [7])
        crew.come("two")
        await wait_for(lambda: crew.loads() == [3, 4])
        crew.come("three")
        await wait_for(lambda: crew.loads() == [2, 2, 3])
        assert crew.all_at_work()
        before = time.monotonic()
        await crew.go("one")
        await wait_for(lambda: crew.loads() == [3, 4])
        assert time.monotonic() - before < QUICK_S, "who leaves says so, and nobody waits for a lease to run out"
        assert crew.all_at_work()


async def test_a_killed_process_is_replaced_within_the_lease(redis: Redis) -> None:
    async with crew_of(redis, "one", "two") as crew:
        await wait_for(lambda: crew.loads() == [3, 4])
        crew.die("one")
        before = time.monotonic()
        await wait_for(crew.all_at_work)
        assert 0.3 * QUICK_S < time.monotonic() - before < 3 * QUICK_S


async def test_the_owner_can_be_read_with_redis_cli(redis: Redis) -> None:
    async with crew_of(redis, "one") as crew:
        await wait_for(crew.all_at_work)
        assert await redis.get(keys.lease("detector", "CAM1")) == b"one"
        assert await redis.zrange(keys.members("detector"), 0, -1) == [b"one"]
    assert await redis.keys("lotcast:*") == []


async def test_a_lease_that_redis_gave_to_another_is_lost(redis: Redis) -> None:
    async with crew_of(redis, "one") as crew:
        await wait_for(crew.all_at_work)
        lease = crew.workers["one"][0].working["CAM1"]
        await redis.set(keys.lease("detector", "CAM1"), "somebody else")
        await wait_for(lambda: not lease.is_valid(), QUICK_S)
        await wait_for(lambda: "CAM1" not in crew.workers["one"][0].working, QUICK_S)
        assert await redis.get(keys.lease("detector", "CAM1")) == b"somebody else", "not released by who lost it"
        await redis.delete(keys.lease("detector", "CAM1"))
        await wait_for(crew.all_at_work)
        assert not lease.is_valid(), "a tenure that ended does not begin again"
        assert crew.workers["one"][0].working["CAM1"] is not lease


async def test_without_redis_leases_end_in_time_and_come_back_with_it(
    own_redis_server: RedisServer, own_redis: Redis
) -> None:
    async with crew_of(own_redis, "one") as crew:
        await wait_for(crew.all_at_work)
        lease = crew.workers["one"][0].working["CAM1"]
        own_redis_server.stop()
        before = time.monotonic()
        await wait_for(lambda: not lease.is_valid())
        assert time.monotonic() - before < QUICK_S
        await wait_for(lambda: crew.loads() == [0], 0.2)
        own_redis_server.start()
        await wait_for(crew.all_at_work)


async def test_a_lease_under_which_no_work_began_goes_to_its_new_owner(redis: Redis) -> None:
    """A process that is alone for a moment takes all cameras, and may have to give some away before its user looks."""
    alone = Leases(redis, "detector", "alone", QUICK_S)
    alone.share(CAMERAS)
    stop = asyncio.Event()
    running = asyncio.create_task(alone.run(stop))
    await wait_for(lambda: len(alone.held()) == len(CAMERAS))
    async with crew_of(redis, "two") as crew:
        await wait_for(lambda: crew.loads() in ([3], [4]) and len(alone.held()) + crew.loads()[0] == len(CAMERAS))
        before = time.monotonic()
        stop.set()
        await running
        assert time.monotonic() - before < 0.8 * QUICK_S, "nobody's work has to be waited for"
        await wait_for(crew.all_at_work)


async def test_a_lease_ends_by_the_clock_alone(redis: Redis) -> None:
    """As after SIGSTOP and SIGCONT: no task had a turn, and yet the lease is known to be over."""
    leases = Leases(redis, "ingest", "paused", QUICK_S)
    leases.share(["CAM1"])
    stop = asyncio.Event()
    running = asyncio.create_task(leases.run(stop))
    lease = (await wait_for(leases.held))["CAM1"]
    assert lease.is_valid()
    time.sleep(QUICK_S)  # noqa: ASYNC251 - the whole process stands still
    assert not lease.is_valid()
    assert leases.held() == {}
    stop.set()
    await running
    assert leases.held() == {}


async def test_one_process_speaks_for_all(redis: Redis) -> None:
    async with crew_of(redis, "one", "two") as crew:
        await wait_for(lambda: crew.loads() == [3, 4])
        await wait_for(lambda: sum(worker.leases.speaks_for_all() for worker, _, _ in crew.workers.values()) == 1)


async def test_no_connection_is_lost_whenever_a_process_is_stopped(redis_url: str) -> None:
    """A tick that is cancelled, by its deadline or with the process, gives its connection back wherever it was."""
    async with connect(redis_url, max_connections=1) as redis:
        for step in range(80):
            leases = Leases(redis, "detector", f"process-{step}", QUICK_S)
            leases.share(CAMERAS)
            running = asyncio.create_task(leases.run(asyncio.Event()))
            until_s = running_s() + step * 50e-6
            while running_s() < until_s:  # noqa: ASYNC110 - asyncio's own timers are too coarse
                await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait([running])
            assert await redis.ping()
            await redis.delete(*(keys.lease("detector", camera_id) for camera_id in CAMERAS))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_never_two_owners_however_processes_come_go_and_die(redis: Redis, seed: int) -> None:
    import random

    chance = random.Random(seed)
    async with crew_of(redis, "p0") as crew:
        for number in range(1, 12):
            if len(crew.workers) > 1 and chance.random() < 0.5:
                name = chance.choice(list(crew.workers))
                if chance.random() < 0.5:
                    crew.die(name)
                else:
                    await crew.go(name)
            else:
                crew.come(f"p{number}")
            await asyncio.sleep(chance.uniform(0, QUICK_S))
        await wait_for(crew.all_at_work)
        loads = crew.loads()
        assert max(loads) - min(loads) <= 1
