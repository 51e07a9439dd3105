"""Why an RTSP camera could not be read, where libav only says that something went wrong. Blocking."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from services.ingest.sources.guarded_sockets import make_socket
from services.ingest.sources.http_auth import describe_challenges, parse_challenges
from services.ingest.sources.tls import describe_tls_error, tls_context

_PORTS: Final = {"rtsp": 554, "rtsps": 322}
_ANSWER_MAX_BYTES: Final = 8192
_TLS_RECORD: Final = (b"\x15\x03", b"\x16\x03")
KNOWN_DIGESTS: Final = frozenset({"MD5", "MD5-SESS"})
"""The algorithms that libav computes for RTSP."""


def explain(url: str, *, insecure: bool, timeout_s: float) -> str | None:
    """Ask a camera once more, by hand, and read what its answer says.

    Args:
        url: an `rtsp://` or `rtsps://` URL, perhaps with a login, without options.
        insecure: accept any certificate.
        timeout_s: for each wait.

    Returns:
        A sentence for an operator; None if the answer explains nothing.
    """
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "rtsps"
    port = parts.port or _PORTS[parts.scheme]
    try:
        with _connected(host, port, timeout_s) as connection:
            answer = _ask(connection, host, url, is_tls=is_tls, insecure=insecure)
    except _TlsFailed as error:
        return describe_tls_error(error.cause, "rtsp")
    except (OSError, ValueError):  # a host that is no name is a ValueError
        return None
    if not is_tls and (not answer or answer.startswith(_TLS_RECORD)) and _speaks_tls(host, port, timeout_s):
        return "camera speaks TLS at this port: write rtsps:// instead of rtsp://"
    if answer.startswith(b"HTTP/"):
        return f"camera speaks HTTP at this port; RTSP is at another, as a rule {_PORTS['rtsp']}"
    if not answer:
        return "camera closed the connection without an answer: is this its RTSP port?"
    words = answer.partition(b"\r\n")[0].split()
    if len(words) > 1 and words[1] == b"401":
        return _explain_login(answer, has_login=parts.username is not None)
    return None


class _TlsFailed(Exception):
    def __init__(self, cause: BaseException) -> None:
        self.cause = cause


@contextmanager
def _connected(host: str, port: int, timeout_s: float) -> Iterator[socket.socket]:
    for info in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[:1]:
        with make_socket(info, host) as made:
            made.settimeout(timeout_s)
            made.connect(info[4])
            yield made


def _ask(connection: socket.socket, host: str, url: str, *, is_tls: bool, insecure: bool) -> bytes:
    """The head of the camera's answer; empty if it hangs up.

    Raises:
        _TlsFailed: there is no TLS with it.
        OSError: it does not answer.
    """
    if is_tls:
        try:
            connection = tls_context(insecure=insecure).wrap_socket(connection, server_hostname=host)
        except OSError as error:
            raise _TlsFailed(error) from error
    with connection:
        target = url.partition("://")[2].rpartition("@")[2]
        request = f"DESCRIBE {urlsplit(url).scheme}://{target} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
        connection.sendall(request.encode("latin-1", "replace"))
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < _ANSWER_MAX_BYTES:
            try:
                data = connection.recv(_ANSWER_MAX_BYTES)
            except ConnectionError:
                break
            if not data:
                break
            answer += data
        return answer


def _speaks_tls(host: str, port: int, timeout_s: float) -> bool:
    try:
        with (
            _connected(host, port, timeout_s) as connection,
            tls_context(insecure=True).wrap_socket(connection, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _explain_login(answer: bytes, *, has_login: bool) -> str | None:
    lines = answer.decode("latin-1").split("\r\n")
    values = [value for name, _, value in (line.partition(":") for line in lines) if name.lower() == "www-authenticate"]
    challenges = parse_challenges(values)
    digests = [one for one in challenges if one.scheme == "digest"]
    known = [one for one in challenges if one.scheme == "basic" or (one in digests and one.algorithm in KNOWN_DIGESTS)]
    if digests and digests[-1] not in known:  # libav answers the last one
        known, challenges = [], digests[-1:]
    if challenges and not known:
        offered = describe_challenges(challenges)
        return f"camera wants a login that Lotcast does not know over RTSP: {offered}; set it to Digest MD5 or Basic"
    if not has_login:
        return "camera answered 401: check user name and password; the URL has none: rtsp://user:password@host/path"
    return None
