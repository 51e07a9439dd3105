"""What our protocols rely on of uvicorn's; an upgrade that changes it fails here, with the point that it changed."""

from __future__ import annotations

import asyncio
import inspect
import random
import signal
import socket
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Protocol

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from services.gateway.hub.encoded_message import websocket_frame
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.metrics import GatewayMetrics
from services.gateway.serving.config import GatewayConfig
from services.gateway.serving.http_protocol import GatewayHttpProtocol
from services.gateway.serving.server import GatewayServer
from services.gateway.serving.viewer_protocol import CLOSE_GRACE_S, CONNECTION, ViewerProtocol
from services.gateway.settings import GatewaySettings
from tests.gateway.raw_viewer import BINARY, CLOSE, PING, TEXT, RawViewer
from tests.support.processes import ROOT
from tests.support.waiting import PATIENCE_S, wait_for

OUR_OWN: dict[type, set[str]] = {
    ViewerProtocol: {"go_on", "make_sender", "close", "hand_over", "_on_text", "_on_silence", "_send_text",
                     "_count_answer", "_cut_off", "_tell_gone"},
    GatewayHttpProtocol: {"make_sender", "_count_head", "_leave", "_start_head_timer", "_stop_head_timer",
                          "_on_head_late", "_watch_unsent", "_check_unsent", "_stop_unsent_timer",
                          "_unsent_bytes"},
    GatewayServer: {"_close_viewers", "_viewers", "_cut_off_requests", "_cancel_tasks"},
}  # fmt: skip
BASES: dict[type, type] = {
    ViewerProtocol: WebSocketsSansIOProtocol,
    GatewayHttpProtocol: HttpToolsProtocol,
    GatewayServer: uvicorn.Server,
}


def test_only_the_minor_version_that_these_tests_know_may_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (wanted,) = (one for one in project["optional-dependencies"]["gateway"] if one.startswith("uvicorn"))
    minor = ".".join(version("uvicorn").split(".")[:2])
    assert f"=={minor}.*" in wanted, "a newer one is tried with these tests first, then pinned in pyproject.toml"


@pytest.mark.parametrize("ours", BASES)
def test_every_method_that_we_override_is_still_there(ours: type) -> None:
    base = BASES[ours]
    overridden = {name for name, member in vars(ours).items() if inspect.isfunction(member)} - {"__init__"}
    overridden -= OUR_OWN[ours]
    assert overridden, "something is overridden"
    for name in sorted(overridden):
        theirs = getattr(base, name, None) or getattr(asyncio.Protocol, name, None)
        assert theirs is not None, f"uvicorn's {base.__name__} has no {name} any more"
        ours_parameters = list(inspect.signature(getattr(ours, name)).parameters)
        assert ours_parameters == list(inspect.signature(theirs).parameters), f"{name} takes other arguments"


@pytest.mark.parametrize(
    ("ours", "attributes"),
    [
        (ViewerProtocol, ["app", "client", "close_sent", "close_timer", "config", "conn", "curr_msg_data_type",
                          "disconnected", "frames", "logger", "loop", "queue", "read_paused", "stop_keepalive",
                          "transport", "writable"]),
        (GatewayHttpProtocol, ["app_state", "client", "config", "connections", "flow", "headers", "loop", "parser",
                               "scope", "server_state", "transport", "send_400_response"]),
    ],
)  # fmt: skip
async def test_every_attribute_that_we_use_is_still_there(ours: type, attributes: list[str]) -> None:
    config = GatewayConfig(GatewaySettings(), lambda: answer_nothing)
    config.load()
    made = BASES[ours](config=config, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop())
    assert [name for name in attributes if not hasattr(made, name)] == []


async def answer_nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application that does nothing."""


def is_busy(sender: ViewerSender) -> bool:
    """Whether it holds back newer pictures."""
    return sender.busy


class Handed:
    """What the application under test handed over."""

    def __init__(self) -> None:
        self.senders: list[ViewerSender] = []
        self.protocols: list[ViewerProtocol] = []
        self.gone = 0
        self.cut_off = 0.3

    async def app(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Accept and hand over, as the gateway's route does."""
        assert (await receive())["type"] == "websocket.connect"
        protocol: ViewerProtocol = scope["extensions"][CONNECTION]
        await send({"type": "websocket.accept"})
        sender = protocol.make_sender("binary", self.cut_off, GatewayMetrics())
        sender.start()
        self.senders.append(sender)
        self.protocols.append(protocol)
        protocol.hand_over(30.0, self.on_gone)

    def on_gone(self) -> None:
        """Count it."""
        self.gone += 1


class Served(Protocol):
    """Something with an application in it."""

    async def app(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Serve one connection."""


@asynccontextmanager
async def serving(served: Served, *, send_buffer_bytes: int | None = None) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """A uvicorn server in this event loop."""
    config = GatewayConfig(GatewaySettings(), lambda: served.app)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if send_buffer_bytes is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        task = asyncio.create_task(server._serve([listening]))
        await wait_for(lambda: server.started)
        yield server, f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await asyncio.wait_for(task, PATIENCE_S)


async def test_the_server_looks_round_and_starts_as_ours_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr("services.gateway.serving.server.freeze_loaded_objects", lambda: frozen.append(True))
    server = GatewayServer(uvicorn.Config(answer_nothing, lifespan="off", log_config=None))
    assert await server.on_tick(0) is False
    assert server.started is False
    server.handle_exit(signal.SIGTERM, None)
    assert await server.on_tick(0) is True
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await asyncio.wait_for(server._serve([listening]), PATIENCE_S)  # told to stop before it began
    assert frozen == [True], "what is loaded by now is looked through by no garbage collection"
    assert server.started is True, "it has been clean: exit code 0"


async def test_a_viewer_handed_over_is_served_without_a_task() -> None:
    handed = Handed()
    async with serving(handed) as (server, address):
        viewer = await RawViewer.connect(address, "/")
        await wait_for(lambda: handed.senders and not server.server_state.tasks)
        handed.senders[0].offer(websocket_frame(2, b"picture"))
        assert await viewer.frame() == (BINARY, b"picture")
        await viewer.send(TEXT, b"ping")
        assert await viewer.frame() == (TEXT, b"pong")
        await viewer.send(PING, b"are you there")
        assert await viewer.frame() == (10, b"are you there")
        await viewer.send(CLOSE, (1000).to_bytes(2, "big"))
        assert (await viewer.frame())[0] == CLOSE
        await wait_for(lambda: handed.gone == 1)
        assert not server.server_state.connections
        viewer.close()
    assert handed.gone == 1


async def test_bytes_stay_in_order_when_the_kernel_takes_them_piecemeal() -> None:
    handed = Handed()
    handed.cut_off = 10.0
    random_source = random.Random(7)
    async with serving(handed) as (_, address):
        viewer = await RawViewer.connect(address, "/", receive_buffer_bytes=4096)
        await wait_for(lambda: bool(handed.senders))
        sent: list[bytes] = []
        got: list[tuple[int, bytes]] = []

        async def read() -> None:
            while len([1 for opcode, _ in got if opcode == BINARY]) < 30:
                got.append(await viewer.frame(20))

        reading = asyncio.create_task(read())
        while len(sent) < 30:
            payload = random_source.randbytes(random_source.choice([10, 70_000, 900_000]))
            if not is_busy(handed.senders[0]):
                handed.senders[0].offer(websocket_frame(2, payload))
                sent.append(payload)
                if len(sent) % 5 == 0:
                    await viewer.send(TEXT, b"ping")
            await asyncio.sleep(0.001)
        await asyncio.wait_for(reading, PATIENCE_S)
        assert [payload for opcode, payload in got if opcode == BINARY] == sent
        assert {payload for opcode, payload in got if opcode == TEXT} <= {b"pong"}
        viewer.close()


async def test_a_full_buffer_pauses_and_an_empty_one_resumes() -> None:
    handed = Handed()
    handed.cut_off = 10.0
    async with serving(handed) as (_, address):
        viewer = await RawViewer.connect(address, "/", receive_buffer_bytes=4096)
        await wait_for(lambda: bool(handed.senders))
        sender = handed.senders[0]
        assert sender.offer(websocket_frame(2, bytes(8_000_000))) == 1
        assert is_busy(sender), "pause_writing comes at once, with the first byte that is left over"
        assert sender.offer(websocket_frame(2, b"older")) == 0
        assert sender.offer(websocket_frame(2, b"newer")) == 0
        assert len((await viewer.frame(20))[1]) == 8_000_000
        assert await viewer.frame() == (BINARY, b"newer"), "the newest waited, and was sent when the buffer ran empty"
        assert not is_busy(sender)
        viewer.close()


@pytest.mark.slow
async def test_no_progress_ends_in_1013_or_an_abort() -> None:
    handed = Handed()
    async with serving(handed) as (server, address):
        viewer = await RawViewer.connect(address, "/", receive_buffer_bytes=4096)
        await wait_for(lambda: bool(handed.senders))
        handed.senders[0].offer(websocket_frame(2, bytes(20_000_000)))
        await wait_for(lambda: handed.senders[0].closed, timeout_s=5)
        assert handed.gone == 1, "it is no viewer any more"
        assert server.server_state.connections, "but may still read why"
        await wait_for(lambda: not server.server_state.connections, timeout_s=CLOSE_GRACE_S + 2)
        assert handed.gone == 1
        viewer.close()


async def test_one_that_says_goodbye_and_takes_nothing_more_is_let_go() -> None:
    handed = Handed()
    async with serving(handed) as (server, address):
        viewer = await RawViewer.connect(address, "/", receive_buffer_bytes=4096)
        await wait_for(lambda: bool(handed.senders))
        handed.senders[0].offer(websocket_frame(2, bytes(20_000_000)))
        await viewer.send(CLOSE, (1000).to_bytes(2, "big"))
        await wait_for(lambda: not server.server_state.connections, timeout_s=CLOSE_GRACE_S)
        assert handed.gone == 1
        viewer.close()


async def test_a_stop_tells_viewers_1001() -> None:
    handed = Handed()
    async with serving(handed) as (server, address):
        viewer = await RawViewer.connect(address, "/")
        await wait_for(lambda: bool(handed.senders))
        server.should_exit = True
        opcode, payload = await viewer.frame()
        assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, 1001)
        await viewer.send(CLOSE, payload[:2])
        await wait_for(lambda: handed.gone == 1)
        viewer.close()


async def test_a_lost_connection_is_told_once() -> None:
    handed = Handed()
    async with serving(handed) as (server, address):
        viewers = [await RawViewer.connect(address, "/") for _ in range(20)]
        await wait_for(lambda: len(handed.senders) == 20)
        for viewer in viewers:
            viewer.close()
        for sender in handed.senders:
            sender.offer(websocket_frame(2, bytes(100_000)))
        await wait_for(lambda: handed.gone == 20 and not server.server_state.connections)
        config = handed.protocols[0].config
        assert isinstance(config, GatewayConfig)
        assert len(config.connections) == 0, "no connection is counted for ever"
