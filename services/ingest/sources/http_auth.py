"""How a camera wants user and password (RFC 9110, section 11; Basic RFC 7617, Digest RFC 7616 and 2617). Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.common.errors import SourceError

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SKIP: Final = re.compile(r"[\s,]*")
_PARAMETER: Final = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s,"]*))')
_SCHEME: Final = re.compile(rf"({_TOKEN})(?=[\s,]|$)")
_OTHER: Final = re.compile(r"[^\s,]+")
_HASHES: Final = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""The strongest first."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a camera offers.

    Attributes:
        scheme: in lower case: `basic`, `digest`, …
        parameters: names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]

    @property
    def algorithm(self) -> str:
        """Of a digest, in capitals; MD5 where none is named."""
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def strength(self) -> int:
        """More is stronger; 0 for a way that is not known here."""
        if self.scheme == "basic":
            return 1
        names = list(reversed(_HASHES))
        base = self.algorithm.removesuffix("-SESS")
        return 2 + names.index(base) if self.scheme == "digest" and base in names else 0


def parse_challenges(values: Sequence[str]) -> list[Challenge]:
    """The challenges of all WWW-Authenticate headers: in lines of their own, or several in one line.

    Args:
        values: the headers' values.
    """
    found: list[Challenge] = []
    for value in values:
        parameters: dict[str, str] | None = None
        at = 0
        while (at := _end(_SKIP, value, at)) < len(value):
            if (match := _PARAMETER.match(value, at)) is not None:
                if parameters is not None:
                    quoted = match[2]
                    text = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                    parameters.setdefault(match[1].lower(), text or "")
            elif (match := _SCHEME.match(value, at)) is not None:
                parameters = {}
                found.append(Challenge(match[1].lower(), parameters))
            else:
                match = _OTHER.match(value, at)
                assert match is not None
            at = match.end()
    return found


def describe_challenges(challenges: Sequence[Challenge]) -> str:
    """The ways that a camera offers, for a sentence."""
    offered = sorted({f"Digest {one.algorithm}" if one.scheme == "digest" else one.scheme for one in challenges})
    return ", ".join(offered)[:100]


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


class Login:
    """User and password of one camera. Learns from its answers how they are wanted.

    The strongest way that is offered is taken. The password never goes out in clear (Basic) to a camera that has
    offered a digest.
    """

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._chosen: Challenge | None = None
        self._count = 0
        self._digest_was_offered = False
        self._sent: Challenge | None = None

    def header(self, method: str, target: str) -> str | None:
        """The value of Authorization for the next request; None until the camera has asked.

        Args:
            method: of the request.
            target: the request's target, as it is sent.
        """
        self._sent = self._chosen
        if self._chosen is None:
            return None
        if self._chosen.scheme == "basic":
            return "Basic " + b64encode(f"{self._user}:{self._password}".encode()).decode()
        self._count += 1
        return self._digest(self._chosen, method, target)

    def learn(self, values: Sequence[str]) -> bool:
        """Take in the WWW-Authenticate headers of a 401.

        Returns:
            Whether asking again makes sense: nothing was sent yet, or the camera wants another nonce.

        Raises:
            SourceError: none of the ways that it offers is known here.
        """
        challenges = parse_challenges(values)
        digests = [one for one in challenges if one.scheme == "digest"]
        self._digest_was_offered = self._digest_was_offered or bool(digests)
        usable = [one for one in (digests if self._digest_was_offered else challenges) if one.strength]
        if not challenges and not self._digest_was_offered:
            usable = [Challenge("basic", {})]  # cameras that only say 401 mean Basic
        if not usable:
            self._refuse(challenges)
        best = max(usable, key=lambda one: one.strength)
        before, self._chosen = self._sent, best
        if before is None:
            self._count = 0
            return True
        is_stale = best.parameters.get("stale", "").lower() == "true"
        is_new = best.parameters.get("nonce") != before.parameters.get("nonce")
        self._count = 0
        return best.scheme == "digest" and (is_stale or is_new)

    def _refuse(self, challenges: Sequence[Challenge]) -> None:
        if self._digest_was_offered and not any(one.scheme == "digest" for one in challenges):
            raise SourceError(
                "camera offered a digest login before and now wants the password in clear; it is not sent"
            )
        raise SourceError(f"camera wants a login that Lotcast does not know: {describe_challenges(challenges)}")

    def _digest(self, challenge: Challenge, method: str, target: str) -> str:
        parameters = challenge.parameters
        realm, nonce = parameters.get("realm", ""), parameters.get("nonce", "")
        offered = [one.strip().lower() for one in parameters.get("qop", "").split(",") if one.strip()]
        qop = next((one for one in ("auth", "auth-int") if one in offered), None)
        count, cnonce = f"{self._count:08x}", secrets.token_hex(8)
        name = _HASHES[challenge.algorithm.removesuffix("-SESS")]

        def digest(text: str) -> str:
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        one = digest(f"{self._user}:{realm}:{self._password}")
        if challenge.algorithm.endswith("-SESS"):
            one = digest(f"{one}:{nonce}:{cnonce}")
        two = digest(f"{method}:{target}" + (f":{digest('')}" if qop == "auth-int" else ""))
        middle = f"{nonce}:{count}:{cnonce}:{qop}" if qop else nonce
        is_hashed = parameters.get("userhash", "").lower() == "true"
        user = digest(f"{self._user}:{realm}") if is_hashed else self._user
        fields = [
            f'username="{_quoted(user)}"', f'realm="{_quoted(realm)}"', f'nonce="{_quoted(nonce)}"',
            f'uri="{_quoted(target)}"', f'response="{digest(f"{one}:{middle}:{two}")}"',
        ]  # fmt: skip
        if "algorithm" in parameters:
            fields.append(f"algorithm={parameters['algorithm']}")
        if "opaque" in parameters:
            fields.append(f'opaque="{_quoted(parameters["opaque"])}"')
        if qop:
            fields += [f"qop={qop}", f"nc={count}", f'cnonce="{cnonce}"']
        if is_hashed:
            fields.append("userhash=true")
        return "Digest " + ", ".join(fields)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
