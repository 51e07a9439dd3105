"""Tokens and the roles that they give; in memory there are only their hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast, get_args

from libs.common.errors import ConfigurationError
from libs.common.secrets import register_secret

Role = Literal["viewer", "kiosk", "worker", "admin"]
"""viewer: may watch; kiosk: the same for a screen on a wall, which never logs in again and sees no camera's address;
worker: may broadcast; admin: may do everything, also change cameras and spaces."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}\Z")
_FORM: Final = "write role:token with a role of viewer, kiosk, worker or admin"


class Grant(NamedTuple):
    """What one token gives.

    Attributes:
        role: what its bearer may do.
        digest: of the token.
        session_key: signs the sessions that the token was traded for. Everyone who holds the token makes the same key,
            so a session is good at every gateway that knows the token, and ends with it; other tokens do not matter.
    """

    role: Role
    digest: bytes
    session_key: bytes


class TokenSet:
    """The tokens that are configured; without any, nobody has to show one."""

    def __init__(self, tokens: Sequence[tuple[Role, str]]) -> None:
        """Keep the hashes of `(role, token)` pairs."""
        digests = [(role, _digest(token)) for role, token in tokens]
        self.grants = [
            Grant(role, digest, hashlib.sha256(b"lotcast session" + digest).digest()) for role, digest in digests
        ]

    def __bool__(self) -> bool:
        return bool(self.grants)

    @property
    def roles(self) -> list[Role]:
        """The roles for which there is a token."""
        return sorted({grant.role for grant in self.grants})

    def grant_of(self, token: str) -> Grant | None:
        """What a token gives; takes as long for a wrong one as for a right one."""
        shown = _digest(token)
        found: Grant | None = None
        for grant in self.grants:
            if hmac.compare_digest(shown, grant.digest):
                found = grant
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
        ConfigurationError: an entry is not of that form, two roles have the same token, or the file cannot be read;
            the text never holds a token.
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
    roles: dict[str, Role] = {}
    for where, entry in entries:
        role, token = _parse(where, entry.strip())
        register_secret(token)
        if roles.setdefault(token, role) != role:
            raise ConfigurationError(f"{where}: the {role}'s token is the {roles[token]}'s, too; give each its own")
    return TokenSet([(role, token) for token, role in roles.items()])


def _parse(where: str, entry: str) -> tuple[Role, str]:
    role, colon, token = entry.partition(":")
    if not colon or role not in get_args(Role):
        raise ConfigurationError(f"{where}: {_FORM}")
    if not _TOKEN.match(token):
        raise ConfigurationError(f"{where}: the {role}'s token must be 16 to 256 letters, digits or ._~+/=-")
    return cast(Role, role), token
