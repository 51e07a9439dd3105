"""Structured logs: for people on a terminal, JSON otherwise. Logs are data: an event and its fields."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from libs.common.settings import ServiceSettings


def configure_logging(settings: ServiceSettings, service: str) -> None:
    """Set up structlog, and the standard library's logging of other packages through it, for a process.

    Args:
        settings: level and format.
        service: stands in every line as `service`.
    """
    level = logging.getLevelName(settings.log_level)
    as_console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    # People know what day it is and what they have started; a machine that collects lines of many knows neither.
    time_format = "%H:%M:%S" if as_console else "iso"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt=time_format, utc=not as_console),
    ]
    renderer: list[structlog.typing.Processor] = (
        [_without_service, structlog.dev.ConsoleRenderer()]
        if as_console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    for sentence in settings.renamed_in_use():
        get_logger("settings").warning(sentence)


def _without_service(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("service", None)
    return event


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry `part=name`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger
