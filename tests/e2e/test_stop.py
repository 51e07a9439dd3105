"""The end of a demo. This file sorts last, as the next one would have to start another."""

from __future__ import annotations

import signal
import socket

import psutil
import pytest

from tests.e2e.demo_system import DemoSystem

pytestmark = pytest.mark.e2e


def test_ctrl_c_leaves_nothing_running_and_nothing_listening(demo: DemoSystem) -> None:
    processes = demo.processes()
    names = {part for one in processes for part in one.cmdline()}
    assert {"services.ingest", "services.detector", "services.gateway", "deploy.demo.camera"} <= names
    ports = {
        connection.laddr.port
        for one in processes
        for connection in one.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(ports) >= 4, "redis, two cameras, the gateway"
    assert demo.stop(signal.SIGINT) == 0
    assert [one for one in processes if one.is_running()] == []
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"somebody listens on {port}"
