"""What an animal of the zoo is, and how it is put on show."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests.ingest.zoo.jpegs import JPEGS, SIZE
from tests.support.cameras import Handler, listening, one_request
from tests.support.logins import Guard


@dataclass(frozen=True, slots=True)
class Animal:
    """One odd camera.

    Attributes:
        handler: answers a request, or where `is_raw` a connection.
        size: of its upright pictures; None if it is refused.
        sentence: a part of what is said of one that is refused.
        pictures: what must come, byte for byte; None for video, which is encoded here.
        url: of the camera; `{host}` is where it listens.
        certificate: which certificate it shows, a name in `contexts_of`; empty for a camera without TLS.
        is_raw: whether the handler reads the request itself.
        guard: asks for a password.
    """

    handler: Handler
    size: tuple[int, int] | None = SIZE
    sentence: str = ""
    pictures: Sequence[bytes] | None = tuple(JPEGS)
    url: str = "http://{host}/camera"
    certificate: str = ""
    is_raw: bool = False
    guard: Guard | None = None


@asynccontextmanager
async def on_show(animal: Animal, contexts: Mapping[str, ssl.SSLContext]) -> AsyncIterator[str]:
    """The running camera; its URL."""
    handler = animal.handler if animal.is_raw else one_request(animal.handler)
    async with listening(handler, contexts[animal.certificate] if animal.certificate else None) as host:
        yield animal.url.format(host=host)


def contexts_of(ca: trustme.CA, folder: Path) -> Mapping[str, ssl.SSLContext]:
    """The certificates of the zoo; `ca` is the authority that is trusted.

    Args:
        ca: the authority.
        folder: for files that are needed for a moment.
    """
    selfish = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    alone = trustme.CA()
    alone.cert_pem.write_to_path(str(folder / "alone.pem"))
    alone.private_key_pem.write_to_path(str(folder / "alone.pem"), append=True)
    selfish.load_cert_chain(folder / "alone.pem")
    old = _context(ca)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    return {
        "good": _context(ca),
        "expired": _context(ca, not_after=datetime.now(UTC) - timedelta(days=1)),
        "other-name": _context(ca, "camera.example"),
        "self-signed": selfish,
        "unknown-authority": _context(trustme.CA()),
        "old": old,
    }


def _context(ca: trustme.CA, name: str = "127.0.0.1", not_after: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, not_after=not_after).configure_cert(context)
    return context


async def old_tls_refused(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a camera with TLS 1.0 only answers to a client that wants 1.2: an alert (RFC 5246, 7.2)."""
    await reader.read(1)
    writer.write(b"\x15\x03\x01\x00\x02\x02\x46")
    await writer.drain()
