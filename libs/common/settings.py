"""Base of every service's settings: read once in `main()`, passed down, never read again."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from libs.common.errors import ConfigurationError
from libs.common.redis_address import RedisAddress
from libs.common.redis_settings import check_ca_file, check_password_file, check_redis_url
from libs.common.secrets import mask_secrets
from libs.common.service_links import is_service_link, service_links

PROJECT = Path(__file__).parents[2]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["auto", "console", "json"]
S = TypeVar("S", bound="ServiceSettings")
RENAMED_FROM: Final = "renamed_from"
"""In a field's `json_schema_extra`: the variable's earlier name, which is still read."""


class _Environment(EnvSettingsSource):
    """The environment without the service links of Kubernetes and Docker, and with renamed variables' old names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The variable's value, or that of its old name; None if neither is set."""
        value, key, is_complex = super().get_field_value(field, field_name)
        variable = _variable(field_name, field, self.settings_cls.model_config.get("env_prefix", ""))
        if isinstance(value, str) and is_service_link(variable, value):
            value = None
        old = renamed_from(field)
        if value is None and old is not None:
            value = self.env_vars.get(old.lower())
        return value, key, is_complex


class ServiceSettings(BaseSettings):
    """What every service can be told through its environment.

    A subclass sets `env_prefix`; fields that all services share carry their full name as alias. A field whose variable
    was renamed names the old one: `Field(…, json_schema_extra={RENAMED_FROM: "DETECTOR_LANES"})`.
    """

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    redis_url: Annotated[
        str,
        Field(
            validation_alias="REDIS_URL",
            description="the message bus: `redis://[USER@]HOST:PORT/0`; `rediss://` is TLS",
        ),
        AfterValidator(check_redis_url),
    ] = "redis://127.0.0.1:6379/0"
    redis_password_file: Annotated[
        Path | None,
        Field(validation_alias="REDIS_PASSWORD_FILE", description="a file with that user's password"),
        AfterValidator(check_password_file),
    ] = None
    redis_ca_file: Annotated[
        Path | None,
        Field(
            validation_alias="REDIS_CA_FILE",
            description="PEM of the authority that signed Redis's certificate; the system's authorities otherwise",
        ),
        AfterValidator(check_ca_file),
    ] = None
    log_level: Annotated[LogLevel, Field(validation_alias="LOG_LEVEL", description="least severe level shown")] = "INFO"
    log_format: Annotated[
        LogFormat,
        Field(validation_alias="LOG_FORMAT", description="`auto` is `console` on a terminal, `json` otherwise"),
    ] = "auto"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code goes before the environment; nothing else is read."""
        return init_settings, _Environment(settings_cls)

    @property
    def redis(self) -> RedisAddress:
        """Where Redis is and how it lets this process in."""
        return RedisAddress(self.redis_url, self.redis_password_file, self.redis_ca_file)

    @classmethod
    def from_environment(cls, **given: Any) -> Self:
        """Read the environment.

        Args:
            given: values by field's name that come from elsewhere, a command line, and go before the environment's.

        Raises:
            ConfigurationError: a variable of this service is unknown or has a bad value; the text names it.
        """
        prefix = cls.model_config.get("env_prefix", "").upper()
        known = {variable for variable, _ in cls.variables()} | {old for old, _ in cls.renamed()}
        links = service_links(os.environ, prefix)
        unknown = sorted(
            name
            for name in os.environ
            if prefix and name.startswith(prefix) and name not in known and name not in links
        )
        hint = (
            f" ({links[0]} and its like are taken for Kubernetes' or Docker's links to a service of this name and "
            "passed over; in Kubernetes `enableServiceLinks: false` keeps them away)"
            if links
            else ""
        )
        if unknown:
            raise ConfigurationError(f"{unknown[0]}: no such setting; --help lists them{hint}")
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            problem = first["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"{cls._variable_at(first['loc'])}: {problem}{hint}") from None

    @classmethod
    def renamed(cls) -> list[tuple[str, str]]:
        """Every earlier name of a variable that is still read, with its name now."""
        return [(old, variable) for variable, field in cls.variables() if (old := renamed_from(field)) is not None]

    @classmethod
    def renamed_in_use(cls) -> list[str]:
        """A sentence on every variable that the environment still sets by its earlier name; for one warning each."""
        return [
            f"{old} is called {new} now; " + ("it is ignored, as both are set" if os.environ.get(new) else "rename it")
            for old, new in cls.renamed()
            if os.environ.get(old)
        ]

    @classmethod
    def variables(cls) -> list[tuple[str, FieldInfo]]:
        """Every environment variable of this service with its field, in order of declaration."""
        prefix = cls.model_config.get("env_prefix", "")
        return [(_variable(name, field, prefix), field) for name, field in cls.model_fields.items()]

    @classmethod
    def _variable_at(cls, location: tuple[int | str, ...]) -> str:
        name = str(location[0]) if location else "settings"
        field = cls.model_fields.get(name)
        return name if field is None else _variable(name, field, cls.model_config.get("env_prefix", ""))


def renamed_from(field: FieldInfo) -> str | None:
    """The earlier name of a field's variable; None if it never had another."""
    extra = field.json_schema_extra
    old = extra.get(RENAMED_FROM) if isinstance(extra, dict) else None
    return old if isinstance(old, str) else None


def _variable(name: str, field: FieldInfo, prefix: str) -> str:
    alias = field.validation_alias
    return alias if isinstance(alias, str) else (prefix + name).upper()


def describe_default(field: FieldInfo) -> str:
    """A field's default as one writes it in an environment variable; empty if it has none."""
    default: Any = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default == ():
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, Path) and default.is_relative_to(PROJECT):
        return str(default.relative_to(PROJECT))
    return f"{default:g}" if isinstance(default, float) else str(default)


def read_settings(settings_class: type[S], program: str, argv: Sequence[str] | None = None) -> S:
    """Read the settings of a service for its `main()`: `--help` lists every variable, a bad one ends the start.

    Args:
        settings_class: the service's settings.
        program: how the service is started, for `--help`.
        argv: the command line without the program; the process's own by default.

    Raises:
        SystemExit: after `--help` (0), or on a bad command line or variable (2), with one line on stderr.
    """
    lines = [
        f"  {variable:<32} {field.description or ''} [{describe_default(field)}]"
        for variable, field in settings_class.variables()
    ]
    parser = argparse.ArgumentParser(
        prog=program,
        description=(settings_class.__doc__ or "").strip(),
        epilog="environment variables, with [default]:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(argv)
    try:
        return settings_class.from_environment()
    except ConfigurationError as error:
        sys.stderr.write(mask_secrets(f"{program}: {error}\n"))
        raise SystemExit(2) from None
