from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.monitoring.system import MonitoredSystem, monitored_system


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoredSystem]:
    """A running system for a file's tests."""
    with monitored_system(tmp_path_factory.mktemp("system")) as system:
        yield system
