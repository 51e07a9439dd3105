"""Structured logs: for people on a terminal, JSON otherwise. Logs are data: an event and its fields.

Whatever is printed here, or by an exception that nobody caught, shows no registered secret (`libs.common.secrets`).
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

import structlog

from libs.common.secrets import mask_secrets
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
        # Not rich's tracebacks: they show local variables, cut, and a cut secret is not recognised.
        [_without_service, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if as_console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    renderer.append(_mask_line)
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
    logging.captureWarnings(True)
    sys.excepthook = _print_masked
    threading.excepthook = lambda args: _print_masked(args.exc_type, args.exc_value, args.exc_traceback)
    for sentence in settings.renamed_in_use():
        get_logger("settings").warning(sentence)


def _mask_line(_logger: Any, _method: str, line: Any) -> Any:
    """The last processor: the whole line, so that keys, tracebacks and other packages' texts are covered."""
    return mask_secrets(line) if isinstance(line, str) else line


def _print_masked(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, /) -> None:
    """What Python prints of an exception that nobody caught."""
    if not issubclass(kind, SystemExit):
        sys.stderr.write(mask_secrets("".join(traceback.format_exception(kind, error, trace))))


def _without_service(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("service", None)
    return event


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry `part=name`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger
