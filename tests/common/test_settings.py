from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.errors import ConfigurationError
from libs.common.settings import ServiceSettings, read_settings


class ExampleSettings(ServiceSettings):
    """An example."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    port: Annotated[int, Field(ge=1, le=65535, description="where it listens")] = 80


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_PORT", "8080")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/1")
    settings = ExampleSettings.from_environment()
    assert (settings.port, settings.redis_url) == (8080, "redis://elsewhere/1")


@pytest.mark.parametrize(("variable", "value"), [("EXAMPLE_PORT", "0"), ("LOG_LEVEL", "LOUD"), ("EXAMPLE_PROT", "1")])
def test_a_bad_or_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable):
        ExampleSettings.from_environment()


def test_a_bad_variable_ends_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EXAMPLE_PORT", "x")
    with pytest.raises(SystemExit) as caught:
        read_settings(ExampleSettings, "example", [])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("example: EXAMPLE_PORT:")


def test_help_lists_every_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read_settings(ExampleSettings, "example", ["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(variable in shown for variable, _ in ExampleSettings.variables())
