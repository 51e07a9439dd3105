"""Bodies, heads and connections that are too long, too slow, too many or not in order."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.feeding import metric
from tests.gateway.raw_viewer import CLOSE, RawViewer
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import PATIENCE_S

WATCH = "/ws/viewer/detection?camera_id=CAM1"


async def raw_answer(gateway: Gateway, request: bytes) -> bytes:
    """What comes back for bytes, until the gateway closes."""
    host, _, port = gateway.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 2000 + b"X: " + b"x" * 5000,
    ],
)
async def test_a_head_that_is_too_long_is_refused(gateway: Gateway, request_bytes: bytes) -> None:
    answer = await raw_answer(gateway, request_bytes)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"] == "the request's head is longer than 16384 bytes"


async def test_a_head_without_end_is_cut_off(gateway: Gateway) -> None:
    host, _, port = gateway.address.partition(":")
    _, writer = await asyncio.open_connection(host, int(port))

    async def write_on_and_on() -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        while True:
            writer.write(b"x" * 8192)
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(write_on_and_on(), PATIENCE_S)
    writer.close()


@pytest.mark.parametrize("request_bytes", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
async def test_what_is_no_http_is_refused(gateway: Gateway, request_bytes: bytes) -> None:
    answer = await raw_answer(gateway, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b'{"camera_id": "a", "frame_base64": "/9j/", "metadata": {"x": NaN}}', 422),
        (b'{"camera_id": "a", "frame_base64": "/9j/", "metadata": {"x": "\\ud800"}}', 422),
        (b'{"camera_id": "a", "frame_base64": "/9j/", "metadata": ' + b'{"x":' * 900 + b"1" + b"}" * 900 + b"}", 422),
        (b'{"camera_id": "a", "frame_base64": "/9j/", "metadata": {"x": 1e300}}', 200),
        (b'{"camera_id": "a", "frame_base64": "/9j/", "metadata": {"x": 123456789012345678901234567890}}', 200),
        (b'{"camera_id": "a", "frame_base64": "/9j/\\n", "metadata": {}}', 400),
    ],
)
async def test_bodies_that_are_strange(http: aiohttp.ClientSession, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    async with http.post("/api/broadcast-detection", data=content, headers=headers) as answer:
        assert answer.status == status
        assert "Traceback" not in await answer.text()
    async with http.get("/readyz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(("path", "method", "longest"), [("/login", "POST", 4096), ("/api/cameras", "POST", 2_097_152)])
async def test_each_body_may_be_as_long_as_it_has_to(
    gateway: Gateway, http: aiohttp.ClientSession, path: str, method: str, longest: int
) -> None:
    headers = {"Content-Type": "application/json", "Origin": gateway.url}
    async with http.request(method, path, data=io.BytesIO(b" " * longest), headers=headers) as answer:
        assert answer.status in (401, 422), "read, and not in order"
    async with http.request(method, path, data=io.BytesIO(b" " * (longest + 1)), headers=headers) as answer:
        assert answer.status == 413


async def test_one_address_may_not_take_all_connections(redis_url: str, tmp_path: Path) -> None:
    settings = {"GATEWAY_CONNECTIONS_PER_ADDRESS": "3"}
    with running_gateway(redis_url, tmp_path, **settings) as gateway:
        greedy = [await RawViewer.connect(gateway.address, WATCH, source="127.0.0.2") for _ in range(4)]
        assert [viewer.status for viewer in greedy] == [101, 101, 101, 503]
        other = await RawViewer.connect(gateway.address, WATCH, source="127.0.0.3")
        proxied = [await RawViewer.connect(gateway.address, WATCH) for _ in range(5)]
        assert {viewer.status for viewer in [other, *proxied]} == {101}, "a trusted proxy stands for many"
        greedy[0].close()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                again = await RawViewer.connect(gateway.address, WATCH, source="127.0.0.2")
                again.close()
                if again.status == 101:
                    break
        for viewer in [*greedy, other, *proxied]:
            viewer.close()


async def test_viewers_behind_a_proxy_are_counted_by_their_own_address(redis_url: str, tmp_path: Path) -> None:
    settings = {"GATEWAY_CONNECTIONS_PER_ADDRESS": "2"}
    with running_gateway(redis_url, tmp_path, **settings) as gateway:

        async def watch(address: str) -> RawViewer:
            return await RawViewer.connect(gateway.address, WATCH, headers={"X-Forwarded-For": address})

        viewers = [await watch("203.0.113.7") for _ in range(3)]
        assert [viewer.status for viewer in viewers] == [101, 101, 503]
        other = await watch("203.0.113.8")
        assert other.status == 101
        viewers[0].close()
        async with asyncio.timeout(PATIENCE_S):
            while (await watch("203.0.113.7")).status != 101:
                pass
        liar = await RawViewer.connect(
            gateway.address, WATCH, headers={"X-Forwarded-For": "203.0.113.9"}, source="127.0.0.9"
        )
        assert liar.status == 101
        for viewer in [*viewers, other, liar]:
            viewer.close()


async def test_a_gateway_takes_so_many_viewers_and_no_more(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_VIEWERS_MAX="2") as gateway:
        viewers = [await RawViewer.connect(gateway.address, WATCH) for _ in range(3)]
        assert [viewer.status for viewer in viewers] == [101, 101, 503]
        assert "retry-after" in viewers[2].head.lower()
        async with aiohttp.ClientSession(f"http://{gateway.address}") as http:
            assert await metric(http, 'lotcast_viewers_refused_total{limit="gateway"}') == 1
        for viewer in viewers:
            viewer.close()


@pytest.mark.parametrize("query", ["", "?camera_id=", "?camera_id=a%20b", "?camera_id=a&format=xml"])
async def test_a_viewer_that_asks_wrongly_is_told(gateway: Gateway, query: str) -> None:
    viewer = await RawViewer.connect(gateway.address, f"/ws/viewer/detection{query}")
    assert viewer.status == 422
    viewer.close()


@pytest.mark.parametrize(
    ("target", "changes", "status"),
    [(WATCH, {"Sec-WebSocket-Key": "short"}, 400), (WATCH, {"Sec-WebSocket-Version": "8"}, 400),
     (WATCH, {"Cookie": "x" * 9000}, 431), ("/ws/viewer/other", {}, 404), ("/other", {}, 404)],
)  # fmt: skip
async def test_a_handshake_that_fails_has_a_problem_as_its_answer(
    gateway: Gateway, target: str, changes: dict[str, str], status: int
) -> None:
    headers = {"Host": gateway.address, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **changes}  # fmt: skip
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = await raw_answer(gateway, f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode())
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(content)["status"] == status
    assert "Traceback" not in gateway.service.log


@pytest.mark.parametrize(
    ("sent", "code"),
    [(b"\x81\xfe\x13\x88\0\0\0\0" + b"x" * 5000, 1009), (b"\x81\x82\0\0\0\0\xff\xfe", 1007), (b"\x81\x04ping", 1002),
     (b"\x83\x80\0\0\0\0", 1002)],
    ids=["too-long", "not-utf-8", "not-masked", "no-opcode"],
)  # fmt: skip
async def test_a_viewer_that_breaks_the_rules_is_told_which(gateway: Gateway, sent: bytes, code: int) -> None:
    viewer = await RawViewer.connect(gateway.address, WATCH)
    await asyncio.get_running_loop().sock_sendall(viewer.sock, sent)
    opcode, payload = await viewer.frame()
    assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, code)
    viewer.close()
    assert "Traceback" not in gateway.service.log


async def test_who_leaves_in_the_middle_of_a_body_leaves_no_trace(
    gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    host, _, port = gateway.address.partition(":")
    for path in ("/api/broadcast-detection", "/api/cameras", "/login"):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST {path} HTTP/1.1\r\nHost: {gateway.address}\r\nContent-Length: 1000\r\n\r\nxyz".encode())
        await writer.drain()
        assert (await http.get("/healthz")).status == 200, "it has been read"
        writer.close()
        await writer.wait_closed()
    assert (await http.get("/healthz")).status == 200
    assert gateway.service.stop() == 0
    assert "Traceback" not in gateway.service.log
