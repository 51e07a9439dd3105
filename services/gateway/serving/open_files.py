"""How many files and sockets the process may have open: a viewer needs one, and shells commonly allow 1,024."""

from __future__ import annotations

import resource
from typing import Final

from libs.common.logging import get_logger

_log = get_logger("server")

OTHERS: Final = 300
"""What is open beside viewers: Redis's connections, requests under way, files of the dashboard, the log."""


def soft_limit(soft: int, hard: int, viewers_max: int) -> int:
    """The limit that lets so many viewers in, as far as the hard one allows; never lower than it is.

    Args:
        soft: the limit now.
        hard: what it may be raised to; `resource.RLIM_INFINITY` for any.
        viewers_max: at once, in this process.
    """
    if soft == resource.RLIM_INFINITY:
        return soft
    wanted = viewers_max + OTHERS
    return max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))


def allow_viewers(viewers_max: int) -> None:
    """Raise the process's limit so that so many viewers find room, and log where the hard limit is in the way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = soft_limit(soft, hard, viewers_max)
    if limit != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit != resource.RLIM_INFINITY and limit < viewers_max + OTHERS:
        _log.warning(
            f"the limit of open files leaves room for {max(0, limit - OTHERS)} of {viewers_max} viewers "
            f"(GATEWAY_VIEWERS_MAX); raise it to {viewers_max + OTHERS} (ulimit -Hn)"
        )
