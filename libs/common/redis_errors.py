"""What a Redis error means and what to do about it: away, full, read-only or failing over, refused, or our own mistake.

Loops and the HTTP error handler use this instead of taking every error for "Redis is away". Texts never repeat the
command that failed, since it may hold a camera's password.
"""

from __future__ import annotations

import ast
import re
import ssl
import time
from enum import Enum
from typing import Final

import structlog
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    DataError,
    InvalidResponse,
    LockError,
    PubSubError,
    RedisError,
    ResponseError,
    WatchError,
)

from libs.common.errors import BusUnavailable
from libs.common.redis_address import find_cause

REDIS_ERRORS: Final = (RedisError, OSError)
"""What a request to Redis may raise; `TimeoutError` is an `OSError`."""

FULL_SETTLED_AFTER_S: Final = 10.0
"""A full Redis takes a write now and then; only after this long without a refusal it counts as no longer full."""


class RedisFault(Enum):
    """What kind of trouble it is."""

    AWAY = "away"
    """Nobody answers, or not in time. Waiting helps."""
    FULL = "full"
    """At `maxmemory`; writes are refused. Waiting does not help."""
    FAILING_OVER = "failing over"
    """Answers, but takes no writes now: a replica, a cluster that is changing, a server that is starting. Waiting
    helps, on a new connection."""
    REFUSED = "refused"
    """Password, user, access rules, TLS or protected mode. Waiting does not help."""
    OURS = "ours"
    """A wrong command or argument, or a key of another type: a mistake in Lotcast or in what somebody else wrote."""

    @property
    def waiting_helps(self) -> bool:
        """Whether the same request may succeed later without anybody doing anything."""
        return self in (RedisFault.AWAY, RedisFault.FAILING_OVER)


_FAILING_OVER: Final = {
    "READONLY": "Redis is a read-only replica now",
    "MASTERDOWN": "this Redis is a replica that has lost its master",
    "LOADING": "Redis is loading its data",
    "NOREPLICAS": "Redis takes no writes because too few replicas follow it",
    "CLUSTERDOWN": "the Redis cluster is down",
    "MOVED": "the keys have moved to another Redis node",
    "ASK": "the keys are moving to another Redis node",
    "TRYAGAIN": "the keys are moving to another Redis node",
    "UNBLOCKED": "Redis has become a replica",
    "MISCONF": "Redis cannot save its data to disk and takes no writes",
}
_REFUSED: Final = frozenset({"NOPERM", "NOAUTH", "WRONGPASS", "DENIED", "NOPROTO"})
_ADVICE: Final = {
    RedisFault.AWAY: "is it running, and is REDIS_URL right?",
    RedisFault.FULL: "raise its maxmemory, or register fewer cameras, or keep less history",
    RedisFault.FAILING_OVER: "trying again on a new connection; if it stays so, REDIS_URL must lead to the master",
    RedisFault.REFUSED: "look at REDIS_URL, REDIS_PASSWORD_FILE and the user's access rules",
    RedisFault.OURS: "please report it, with this log",
}
FULL_SENTENCE: Final = f"Redis is full (its maxmemory is reached): {_ADVICE[RedisFault.FULL]}"

_PIPELINE_MARK: Final = "of pipeline caused error: "
_ABORT_REASON: Final = re.compile(r"Transaction discarded because of: (.*)", re.DOTALL)
_IN_SCRIPT: Final = re.compile(r"Error running script .*?-([A-Z]+) (.*)", re.DOTALL)
_CODE: Final = re.compile(r"([A-Z][A-Z0-9]+)\b")


def classify(error: BaseException) -> RedisFault:
    """What kind of trouble an error of a request to Redis is.

    Args:
        error: what redis-py or the socket raised, also from a pipeline, a transaction or a script.
    """
    if find_cause(error, ssl.SSLError) is not None:
        return RedisFault.REFUSED
    if isinstance(error, AuthenticationError | AuthorizationError):
        return RedisFault.REFUSED
    code = _code(error)
    if code == "OOM":
        return RedisFault.FULL
    if code in _FAILING_OVER:
        return RedisFault.FAILING_OVER
    if code in _REFUSED:
        return RedisFault.REFUSED
    if code == "BUSY":
        return RedisFault.AWAY
    if isinstance(error, ResponseError | DataError | InvalidResponse | LockError | PubSubError | WatchError):
        return RedisFault.OURS
    if isinstance(error, RedisError | OSError | BusUnavailable):
        return RedisFault.AWAY
    return RedisFault.OURS


def describe(error: BaseException) -> str:
    """What is wrong, without what to do and without the command that failed."""
    fault, text = classify(error), _text(error)
    if fault is RedisFault.FULL:
        return "Redis is full (its maxmemory is reached)"
    if fault is RedisFault.FAILING_OVER:
        return _FAILING_OVER[_code(error)]
    if fault is RedisFault.REFUSED:
        return f"Redis refuses this process: {text}"
    if fault is RedisFault.AWAY:
        return f"Redis is away: {text or 'no answer in time'}"
    return f"Redis rejects a request: {text or type(error).__name__}"


def explain(error: BaseException) -> str:
    """A sentence for people: what is wrong and what to do."""
    return f"{describe(error)}: {_ADVICE[classify(error)]}"


def is_failover(error: BaseException) -> bool:
    """Whether the connection leads to a server that takes no writes, so that a new one may lead to another."""
    return isinstance(error, RedisError) and _code(error) in _FAILING_OVER.keys() - {"MISCONF"}


def _code(error: BaseException) -> str:
    """The code with which Redis began its answer, such as `OOM`; empty if it did not answer."""
    # redis-py takes the code out of the text of the errors that it knows, and keeps it in an attribute since version 8.
    by_class = _CODES_OF_CLASSES.get(type(error).__name__)
    if by_class is not None:
        return by_class
    if not isinstance(error, ResponseError):
        return ""
    text = _text(error)
    found = _CODE.match(text)
    return found[1] if found else ""


_CODES_OF_CLASSES: Final = {
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "MasterDownError": "MASTERDOWN",
    "BusyLoadingError": "LOADING",
    "ClusterDownError": "CLUSTERDOWN",
    "MovedError": "MOVED",
    "AskError": "ASK",
    "TryAgainError": "TRYAGAIN",
    "NoPermissionError": "NOPERM",
}


def _text(error: BaseException) -> str:
    """Redis's own words, or the socket's: without the command that redis-py puts before them."""
    text = str(error)
    if isinstance(error, RedisError) and _PIPELINE_MARK in text:
        text = text.rpartition(_PIPELINE_MARK)[2]
        try:
            args = ast.literal_eval(text)
            text = str(args[0]) if isinstance(args, tuple) and args else ""
        except (ValueError, SyntaxError):
            pass
    if (aborted := _ABORT_REASON.search(text)) is not None:
        text = aborted[1]
    if (in_script := _IN_SCRIPT.search(text)) is not None:
        text = f"{in_script[1]} {in_script[2]}"
    return text


class OutageLog:
    """The log lines of one loop about Redis: one at each change of the kind of trouble, one when it is over."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger, consequence: str) -> None:
        """Begin without trouble.

        Args:
            log: the loop's.
            consequence: what the loop does meanwhile: `frames are dropped until it is over`.
        """
        self._log = log
        self._consequence = consequence
        self._told: RedisFault | None = None
        self._failed_s = 0.0

    def failed(self, error: BaseException) -> RedisFault:
        """A round has failed; returns the kind of trouble."""
        fault = classify(error)
        self._failed_s = time.monotonic()
        if fault is not self._told:
            self._told = fault
            serious = fault in (RedisFault.REFUSED, RedisFault.OURS)
            say = self._log.error if serious else self._log.warning
            say(
                f"{describe(error)}; {self._consequence}",
                redis=fault.value,
                advice=_ADVICE[fault],
                exc_info=error if fault is RedisFault.OURS else None,
            )
        return fault

    def worked(self) -> None:
        """A round has succeeded."""
        if self._told is None:
            return
        if self._told is RedisFault.FULL and time.monotonic() - self._failed_s < FULL_SETTLED_AFTER_S:
            return
        self._log.info("redis is no longer full" if self._told is RedisFault.FULL else "redis is back")
        self._told = None
