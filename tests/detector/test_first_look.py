"""Workers of a new process that use OpenVINO for the first time at the same moment."""

from __future__ import annotations

import os

import pytest

from tests.support.forked import fork_server

PROCESSES = 6


@pytest.mark.long
def test_lanes_that_begin_together_do_not_wait_for_each_other_for_ever() -> None:
    """Without warming up, about every third process hung: so there are several.

    A forked process has OpenVINO imported, and its tables of types as empty as after any import.
    """
    server = fork_server("services.detector")
    with open(os.devnull, "w") as nowhere:
        processes = [
            server.start("tests.detector.first_look", [], os.environ, nowhere, nowhere) for _ in range(PROCESSES)
        ]
    try:
        assert [process.wait(60) for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
