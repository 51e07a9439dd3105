"""What asks for a password, as a camera does (RFC 9110, section 11; RFC 7616, 7617)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
NONCE = "abc,123="
REALM = 'Camera "one", ground floor'
SENT_REALM = REALM.replace('"', '\\"')


def digest(algorithm: str = "MD5", qop: str = "auth", more: str = "") -> str:
    """A challenge for a digest; `algorithm` and `qop` may be empty."""
    told = [f'realm="{SENT_REALM}"', f'nonce="{NONCE}"']
    told += [f'qop="{qop}"'] if qop else []
    told += [f"algorithm={algorithm}"] if algorithm else []
    return f"Digest {', '.join(told)}{more}"


BASIC = f'Basic realm="{SENT_REALM}"'


@dataclass(slots=True)
class Guard:
    """Lets in who knows the password, in one of the ways that it accepts.

    Attributes:
        challenges: the values of its WWW-Authenticate headers.
        accepts: the ways that it lets through: `Basic`, or the algorithm of a digest.
        user: who may come in.
        password: of the user.
        seen: every Authorization header that was sent.
    """

    challenges: Sequence[str]
    accepts: Sequence[str]
    user: str = "viewer"
    password: str = "s3cret:with colon"
    seen: list[str] = field(default_factory=list)

    def lets_in(self, method: str, target: str, authorization: str) -> bool:
        """Whether a request may pass.

        Args:
            method: of the request.
            target: of the request, as it was sent.
            authorization: its header's value; empty if it has none.
        """
        self.seen.append(authorization)
        if authorization.startswith("Basic "):
            told = b64encode(f"{self.user}:{self.password}".encode()).decode()
            return "Basic" in self.accepts and authorization == f"Basic {told}"
        return authorization.startswith("Digest ") and self._is_right(method, target, _fields(authorization))

    def _is_right(self, method: str, target: str, told: dict[str, str]) -> bool:
        algorithm = told.get("algorithm", "MD5").upper()
        if algorithm not in self.accepts:
            return False
        name = _HASHES[algorithm.removesuffix("-SESS")]

        def hashed(*parts: str) -> str:
            return hashlib.new(name, ":".join(parts).encode()).hexdigest()

        one = hashed(self.user, REALM, self.password)
        if algorithm.endswith("-SESS"):
            one = hashed(one, NONCE, told["cnonce"])
        two = [method, told["uri"]] + ([hashed("")] if told.get("qop") == "auth-int" else [])
        middle = [told["nc"], told["cnonce"], told["qop"]] if "qop" in told else []
        user = hashed(self.user, REALM) if told.get("userhash") == "true" else self.user
        expected = hashed(one, NONCE, *middle, hashed(*two))
        return (
            told["username"] == user
            and told["uri"] == target
            and told["nonce"] == NONCE
            and told["response"] == expected
        )


def _fields(authorization: str) -> dict[str, str]:
    found = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', authorization)
    return {name: re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in found}
