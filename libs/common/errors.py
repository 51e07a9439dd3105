"""The exceptions of Lotcast: one base, a small tree, caught at loop boundaries only."""

from __future__ import annotations

from typing import Literal

SourceCause = Literal["login", "not_found", "busy", "refused", "no_host", "unreachable", "silent", "other"]
"""Why a camera cannot be read: log-in, path, it serves others, port, name, network, it sends nothing."""


class LotcastError(Exception):
    """Base of every error that Lotcast raises on purpose; its text is fit for an operator to read."""


class ConfigurationError(LotcastError):
    """A setting, a camera entry or a parking space is wrong; the text names the field and the value."""


class MessageError(LotcastError):
    """Bytes from the bus are not the message that was expected there."""


class BusUnavailable(LotcastError):
    """Redis cannot be reached or does not answer in time."""


class SourceError(LotcastError):
    """A camera cannot be read; the text says what to do about it.

    Attributes:
        cause: the kind of failure, for programs that have words of their own.
    """

    def __init__(self, text: str, cause: SourceCause = "other") -> None:
        super().__init__(text)
        self.cause = cause


class CameraStalled(SourceError):
    """A camera is connected but sends nothing, or nothing whole."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "silent")


class FrameError(LotcastError):
    """A picture cannot be decoded, or is not what it says it is."""


class EngineError(LotcastError):
    """A detection model cannot be loaded or run."""
