"""Base of every service's settings: read once in `main()`, passed down, never read again."""

from __future__ import annotations

import argparse
import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.common.errors import ConfigurationError
from libs.common.redis_address import SCHEMES, RedisAddress, read_password

PROJECT = Path(__file__).parents[2]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["auto", "console", "json"]
S = TypeVar("S", bound="ServiceSettings")


def _check_redis_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("must start with redis://, rediss:// or unix://")
    if parts.port == 0 or (parts.scheme == "unix" and not parts.path):
        raise ValueError("names no port" if parts.port == 0 else "names no socket; write unix:///path/to/redis.sock")
    return url


def _check_password_file(file: Path | None, info: ValidationInfo) -> Path | None:
    if file is not None:
        try:
            read_password(file)
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
        if urlsplit(info.data.get("redis_url", "")).password:
            raise ValueError("REDIS_URL has a password, too; keep one of them")
    return file


def _check_ca_file(file: Path | None, info: ValidationInfo) -> Path | None:
    if file is not None:
        if urlsplit(info.data.get("redis_url", "rediss:")).scheme != "rediss":
            raise ValueError("REDIS_URL does not begin with rediss://, so nothing would be checked")
        try:
            ssl.create_default_context(cafile=file)
        except ssl.SSLError:
            raise ValueError(f"{file} holds no certificate in PEM") from None
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    return file


class ServiceSettings(BaseSettings):
    """What every service can be told through its environment.

    A subclass sets `env_prefix`; fields that all services share carry their full name as alias.
    """

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    redis_url: Annotated[
        str,
        Field(
            validation_alias="REDIS_URL",
            description="the message bus: `redis://[USER@]HOST:PORT/0`; `rediss://` is TLS",
        ),
        AfterValidator(_check_redis_url),
    ] = "redis://127.0.0.1:6379/0"
    redis_password_file: Annotated[
        Path | None,
        Field(validation_alias="REDIS_PASSWORD_FILE", description="a file with that user's password"),
        AfterValidator(_check_password_file),
    ] = None
    redis_ca_file: Annotated[
        Path | None,
        Field(
            validation_alias="REDIS_CA_FILE",
            description="PEM of the authority that signed Redis's certificate; the system's authorities otherwise",
        ),
        AfterValidator(_check_ca_file),
    ] = None
    log_level: Annotated[LogLevel, Field(validation_alias="LOG_LEVEL", description="least severe level shown")] = "INFO"
    log_format: Annotated[
        LogFormat,
        Field(validation_alias="LOG_FORMAT", description="`auto` is `console` on a terminal, `json` otherwise"),
    ] = "auto"

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
        known = {variable for variable, _ in cls.variables()}
        unknown = sorted(name for name in os.environ if prefix and name.startswith(prefix) and name not in known)
        if unknown:
            raise ConfigurationError(f"{unknown[0]}: no such setting; --help lists them")
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            problem = first["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"{cls._variable_at(first['loc'])}: {problem}") from None

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
        sys.stderr.write(f"{program}: {error}\n")
        raise SystemExit(2) from None
