from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.errors import ConfigurationError
from libs.common.logging import configure_logging
from libs.common.settings import RENAMED_FROM, ServiceSettings, read_settings


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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EXAMPLE_PORT", "tcp://10.0.0.1:8069"),
        ("EXAMPLE_PORT", "udp://[fd00::1]:8069"),
        ("EXAMPLE_SERVICE_HOST", "10.0.0.1"),
        ("EXAMPLE_SERVICE_HOST", "fd00::1"),
        ("EXAMPLE_SERVICE_PORT", "8069"),
        ("EXAMPLE_SERVICE_PORT_HTTP_ALT", "8069"),
        ("EXAMPLE_PORT_8069_TCP", "tcp://10.0.0.1:8069"),
        ("EXAMPLE_PORT_8069_TCP_PROTO", "tcp"),
        ("EXAMPLE_PORT_8069_TCP_PORT", "8069"),
        ("EXAMPLE_PORT_8069_TCP_ADDR", "10.0.0.1"),
        ("EXAMPLE_PORT_8069_UDP_ADDR", "10.0.0.1"),
        ("EXAMPLE_METRICS_SERVICE_HOST", "10.0.0.1"),
        ("EXAMPLE_METRICS_PORT", "tcp://10.0.0.1:9100"),
        ("EXAMPLE_METRICS_PORT_9100_TCP_ADDR", "10.0.0.1"),
        ("EXAMPLE_1_PORT", "tcp://172.17.0.2:8069"),
        ("EXAMPLE_NAME", "/front/example"),
        ("EXAMPLE_ENV_PATH", "/usr/bin:/bin"),
    ],
)
def test_links_of_kubernetes_and_docker_are_no_settings(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert ExampleSettings.from_environment().port == 80


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EXAMPLE_PORT", "tcp:10"),
        ("EXAMPLE_PORT_8069", "8069"),
        ("EXAMPLE_SERVICE_PORT", "many"),
        ("EXAMPLE_SERVICE_HOSTS", "10.0.0.1"),
        ("EXAMPLE_NAME", "north"),
        ("EXAMPLE_PORTS", "tcp://10.0.0.1:8069"),
    ],
)
def test_what_only_resembles_a_link_is_still_an_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=rf"^{variable}: "):
        ExampleSettings.from_environment()


def test_an_error_beside_links_tells_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("EXAMPLE_PROT", "1")
    with pytest.raises(ConfigurationError, match=r"EXAMPLE_PROT: no such.*EXAMPLE_SERVICE_HOST.*enableServiceLinks"):
        ExampleSettings.from_environment()


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:hunter/two@h:6379/0",
        "redis://u:12/hunter2@h",
        "redis://:hunter?two@h/0",
        "redis://hunter#two@h/0",
        "redis://u:hunter2@[h/0",
        "redis://u:hunter2@h:hunter2/0",
        "redis://hunter2\u2100@h/0",
        "redis://h/hunter2",
        "http://u:hunter2@h/0",
        "hunter2",
        "redis://u:hunter2@h:0/0",
        "redis://u:hunter2@/0",
    ],
)
def test_a_broken_address_of_redis_is_never_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL: ") as caught:
        ExampleSettings.from_environment()
    assert not [piece for piece in ("hunter", "two", "12") if piece in str(caught.value)]


@pytest.mark.parametrize("url", ["redis://h", "redis://h/", "rediss://u:p%2Fss@h:1/3", "unix:///run/r.sock?db=1"])
def test_addresses_of_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert ExampleSettings.from_environment().redis_url == url


class RenamedSettings(ServiceSettings):
    """An example with a variable that had another name."""

    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    workers: Annotated[int, Field(ge=1, json_schema_extra={RENAMED_FROM: "EXAMPLE_LANES"})] = 2


def test_a_renamed_variable_is_read_by_its_old_name_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXAMPLE_LANES", "5")
    settings = RenamedSettings.from_environment()
    assert settings.workers == 5
    configure_logging(settings, "example")
    assert capfd.readouterr().err.count("EXAMPLE_LANES is called EXAMPLE_WORKERS now; rename it") == 1


def test_the_new_name_goes_before_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_LANES", "5")
    monkeypatch.setenv("EXAMPLE_WORKERS", "7")
    assert RenamedSettings.from_environment().workers == 7
    assert RenamedSettings.renamed_in_use() == [
        "EXAMPLE_LANES is called EXAMPLE_WORKERS now; it is ignored, as both are set"
    ]


def test_a_bad_value_under_the_old_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_LANES", "0")
    with pytest.raises(ConfigurationError, match="EXAMPLE_WORKERS: Input should be"):
        RenamedSettings.from_environment()
