"""SOAP as ONVIF devices speak it: envelopes with a WS-Security login, and XML that is read without trusting it."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from libs.common.errors import SourceError

XML_MAX_BYTES: Final = 1_000_000
_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema">'
    "<s:Header>{security}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_SECURITY: Final = (
    f'<Security s:mustUnderstand="1" xmlns="{_WSS}-wssecurity-secext-1.0.xsd"><UsernameToken>'
    "<Username>{user}</Username>"
    f'<Password Type="{_WSS}-username-token-profile-1.0#PasswordDigest">{{digest}}</Password>'
    f'<Nonce EncodingType="{_WSS}-soap-message-security-1.0#Base64Binary">{{nonce}}</Nonce>'
    f'<Created xmlns="{_WSS}-wssecurity-utility-1.0.xsd">{{created}}</Created>'
    "</UsernameToken></Security>"
)


def envelope(body: str, user: str = "", password: str = "", now: datetime | None = None) -> bytes:
    """A request, with the password as a digest (WS-Security UsernameToken profile 1.0).

    Args:
        body: XML with the prefixes `tds`, `trt`, `tt`.
        user: empty for a request without a login.
        password: that user's.
        now: the device's own time, in which the digest must be made.
    """
    security = ""
    if user:
        created = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        nonce = secrets.token_bytes(16)
        digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
        security = _SECURITY.format(
            user=escape(user), digest=b64encode(digest).decode(), nonce=b64encode(nonce).decode(), created=created
        )
    return _ENVELOPE.format(security=security, body=body).encode()


def parse_xml(data: bytes) -> ElementTree.Element:
    """Read XML from the network.

    Raises:
        SourceError: it is none, too long, or declares entities.
    """
    if len(data) > XML_MAX_BYTES or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise SourceError("device sends XML that is not accepted")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise SourceError("device does not answer with XML") from error


def elements(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """All elements of a name, whatever namespace they are in: devices differ."""
    return (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


def texts(root: ElementTree.Element, name: str) -> list[str]:
    """The texts of all elements of a name that have one."""
    return [text for element in elements(root, name) if (text := (element.text or "").strip())]


def first_text(root: ElementTree.Element, *names: str) -> str:
    """The text of the first element at the end of a path of names; empty if there is none."""
    found: list[ElementTree.Element] = [root]
    for name in names:
        found = [inner for outer in found for inner in elements(outer, name)][:1]
    return (found[0].text or "").strip() if found else ""
