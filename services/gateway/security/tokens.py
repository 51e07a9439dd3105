"""Tokens and the roles that they give; in memory there are only their hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, cast, get_args

from libs.common.errors import ConfigurationError

Role = Literal["viewer", "worker", "admin"]
"""viewer: may watch; worker: may broadcast; admin: may do everything, also change cameras and spaces."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}\Z")
_FORM: Final = "write role:token with a role of viewer, worker or admin"


class TokenSet:
    """The tokens that are configured; without any, nobody has to show one."""

    def __init__(self, tokens: Sequence[tuple[Role, str]]) -> None:
        """Keep the hashes of `(role, token)` pairs."""
        self._known = [(role, _digest(token)) for role, token in tokens]
        # Everyone who holds the same tokens makes the same key, so that a session is good at every gateway; with any
        # change of the tokens all sessions end.
        joined = b"".join(sorted(role.encode() + digest for role, digest in self._known))
        self.session_key: bytes = hashlib.sha256(b"lotcast session" + joined).digest()

    def __bool__(self) -> bool:
        return bool(self._known)

    @property
    def roles(self) -> list[Role]:
        """The roles for which there is a token."""
        return sorted({role for role, _ in self._known})

    def role_of(self, token: str) -> Role | None:
        """The role that a token gives; takes as long for a wrong one as for a right one."""
        shown = _digest(token)
        found: Role | None = None
        for role, digest in self._known:
            if hmac.compare_digest(shown, digest):
                found = role
        return found


def _digest(token: str) -> bytes:
    # Tokens are long and random (16 characters at least), so a fast hash is enough.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def load_tokens(inline: str, file: Path | None) -> TokenSet:
    """Read the tokens from a setting and from a file.

    Args:
        inline: `role:token`, several separated by commas.
        file: one `role:token` a line; empty lines and those that begin with `#` are skipped.

    Raises:
        ConfigurationError: an entry is not of that form, or the file cannot be read; the text never holds a token.
    """
    entries = [("GATEWAY_TOKENS", entry) for entry in inline.split(",") if entry.strip()]
    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"GATEWAY_TOKENS_FILE: cannot read {file}: {error}") from None
        entries += [
            (f"GATEWAY_TOKENS_FILE: line {number}", line)
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
    return TokenSet([_parse(where, entry.strip()) for where, entry in entries])


def _parse(where: str, entry: str) -> tuple[Role, str]:
    role, colon, token = entry.partition(":")
    if not colon or role not in get_args(Role):
        raise ConfigurationError(f"{where}: {_FORM}")
    if not _TOKEN.match(token):
        raise ConfigurationError(f"{where}: the {role}'s token must be 16 to 256 letters, digits or ._~+/=-")
    return cast(Role, role), token
