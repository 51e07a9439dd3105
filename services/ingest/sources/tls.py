"""TLS with cameras: contexts, and each way in which it fails as a sentence that says what to do."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Final

from services.ingest.sources.address import ACCEPT_ANY

# OpenSSL's X509_V_ERR_* numbers (openssl/x509_vfy.h).
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED: Final = frozenset({18, 19})
_OTHER_NAME: Final = frozenset({62, 63, 64})
_OLD_TLS: Final = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE", "WRONG_SSL_VERSION")
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE",
                   "UNEXPECTED_MESSAGE", "BAD_PROTOCOL_VERSION_NUMBER")  # fmt: skip


@cache
def tls_context(*, insecure: bool) -> ssl.SSLContext:
    """The context for cameras; made once, since reading the system's authorities takes time.

    Args:
        insecure: accept any certificate, and TLS of any age.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


def describe_tls_error(error: BaseException, plain_scheme: str = "http") -> str:
    """Why there is no TLS with a camera.

    Args:
        error: what the handshake raised.
        plain_scheme: the scheme without TLS, for the advice.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _describe_certificate(error.verify_code)
    reason = (getattr(error, "reason", None) or str(error)).upper().replace(" ", "_")
    if any(name in reason for name in _OLD_TLS):
        return f"camera speaks only old TLS (1.0 or 1.1), which is not safe: update its firmware; {ACCEPT_ANY}"
    if any(name in reason for name in _NOT_TLS):
        return f"camera speaks no TLS at this port: write {plain_scheme}:// instead of {plain_scheme}s://"
    if "HANDSHAKE_FAILURE" in reason or "NO_SHARED_CIPHER" in reason:
        return f"camera and Lotcast know no common TLS cipher: update its firmware; {ACCEPT_ANY}"
    if "DH_KEY_TOO_SMALL" in reason or "EE_KEY_TOO_SMALL" in reason or "KEY_TOO_SMALL" in reason:
        return f"camera's TLS key is too short to be safe: give it another certificate; {ACCEPT_ANY}"
    if not isinstance(error, ssl.SSLError):
        return "camera closed the connection during the TLS handshake: is this its TLS port?"
    return f"no TLS with the camera: {reason.lower().replace('_', ' ')[:80]}"


def _describe_certificate(code: int) -> str:
    if code == _EXPIRED:
        return f"camera's TLS certificate has expired: renew it; {ACCEPT_ANY}"
    if code == _NOT_YET_VALID:
        return f"camera's TLS certificate is not valid yet: check the clocks of camera and host; {ACCEPT_ANY}"
    if code in _OTHER_NAME:
        return f"camera's TLS certificate is for another name than the URL's: write that name; {ACCEPT_ANY}"
    if code in _SELF_SIGNED:
        return f"camera's TLS certificate is not trusted, since the camera signed it itself; {ACCEPT_ANY}"
    return f"camera's TLS certificate is not trusted; {ACCEPT_ANY}"
