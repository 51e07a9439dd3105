"""A client for one HTTP camera: repeated GETs with redirects, cookies, a login and a kept connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from libs.common.errors import CameraStalled, SourceCause, SourceError
from services.ingest.settings import IngestSettings
from services.ingest.sources.http_auth import Login
from services.ingest.sources.http_connection import Connection, connect, speaks_tls
from services.ingest.sources.http_head import SPEAKS_TLS, BodyReader, Head, parse_head
from services.ingest.sources.http_url import HttpUrl, parse_http_url, read_login

REDIRECTS_MAX: Final = 5
LOGIN_TRIES_MAX: Final = 3
"""Without a password, with it, and once more if the camera's nonce had expired."""
_CAUSES: Final[Mapping[int, SourceCause]] = {401: "login", 403: "login", 404: "not_found", 429: "busy", 503: "busy"}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_EMPTY: Final = frozenset({204, 205})
_DRAIN_MAX_BYTES: Final = 65_536
_COOKIES_MAX: Final = 50
_COOKIE_MAX_BYTES: Final = 4096


class CameraRefuses(SourceError):
    """A camera answered with an error.

    Attributes:
        status: its status code.
        retry_after_s: how long it asks to wait; None if it does not say.
        answer: its answer, whose body may say more; only until the connection is closed.
    """

    def __init__(self, text: str, status: int, retry_after_s: float | None, answer: Answer | None = None) -> None:
        super().__init__(text, _CAUSES.get(status, "other"))
        self.answer = answer
        self.status = status
        self.retry_after_s = retry_after_s


class Answer:
    """An answer whose head has come.

    Attributes:
        head: it.
        body: undoes the framing of what follows.
        at_s: when the head had come, monotonic seconds.
    """

    def __init__(self, head: Head, first: bytes, connection: Connection, max_bytes: int) -> None:
        self.head = head
        self.body = BodyReader(head, max_bytes)
        self.at_s = time.monotonic()
        self._first = first
        self._connection = connection

    async def read(self, timeout_s: float, at_least: int = 1) -> bytes | None:
        """The next bytes of the body; None at its end.

        Args:
            timeout_s: for the first byte.
            at_least: wait for this many bytes if possible, which saves waking up for each packet; what has come within
                `timeout_s` is returned even if it is less.

        Raises:
            TimeoutError: nothing came.
            SourceError: the body is garbled.
        """
        while True:
            data, self._first = self._first, b""
            data = data or await self._connection.read(timeout_s, 1 if self.body.is_compressed else at_least)
            if not data:
                return None
            if plain := self.body.feed(data):
                return plain
            if self.body.is_done:
                return None


class HttpCamera:
    """Sends GET requests to one camera. A login that it asked for once is sent at once from then on."""

    def __init__(self, url: str, settings: IngestSettings, *, insecure: bool) -> None:
        """Prepare; nothing is sent before `get`.

        Args:
            url: of the camera, perhaps with user and password.
            settings: deadlines and limits.
            insecure: accept any certificate.

        Raises:
            SourceError: it is no URL of a request.
        """
        self._url = parse_http_url(url)
        login = read_login(url)
        self._login = None if login is None else Login(*login)
        self._settings = settings
        self._insecure = insecure
        self._cookies: dict[str, dict[str, str]] = {}
        self._payload: tuple[str, bytes] | None = None
        self._connection: Connection | None = None
        self._connected_to: HttpUrl | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def post(self, body: bytes, content_type: str, max_bytes: int) -> tuple[int, bytes]:
        """Send something to the camera's services.

        Args:
            body: what is sent.
            content_type: its type.
            max_bytes: of the answer's body that are read.

        Returns:
            The answer's status and body, whatever the status is.

        Raises:
            SourceError: there is no answer.
        """
        self._payload = content_type, body
        answer: Answer | None = None
        try:
            answer = await self.get()
            status = answer.head.status
        except CameraRefuses as error:
            if error.answer is None:
                raise
            answer, status = error.answer, error.status
        received = bytearray()
        try:
            async with asyncio.timeout(self._settings.stall_after_s):
                while len(received) < max_bytes and not answer.body.is_done:
                    if (data := await answer.read(self._settings.stall_after_s)) is None:
                        break
                    received += data
        except TimeoutError:
            pass  # what came is looked at
        self.close()
        return status, bytes(received[:max_bytes])

    async def get(self) -> Answer:
        """Ask; redirects are followed, and the password goes to the URL's own host only.

        Raises:
            SourceError: there is no answer that says yes, in words that an operator understands.
        """
        within_s = self._settings.connect_timeout_s + self._settings.stall_after_s
        try:
            async with asyncio.timeout(within_s) as deadline:
                return await self._get()
        except TimeoutError as error:
            self.close()
            if deadline.expired():
                raise CameraStalled("camera did not begin a whole answer in time: check address and network") from error
            raise CameraStalled(f"camera sent nothing for {self._settings.stall_after_s:g} s") from error
        except BaseException as error:
            if self._payload is None or not isinstance(error, CameraRefuses):
                self.close()
            raise

    def finish(self, answer: Answer) -> None:
        """Note that an answer has been read; its connection is kept for the next request where that is safe."""
        if not (answer.head.keeps_alive and answer.body.is_exact):
            self.close()

    async def _get(self) -> Answer:
        url = self._url
        redirects = tries = 0
        while True:
            answer = await self._ask(url)
            self._take_cookies(url, answer.head)
            status = answer.head.status
            if status in _REDIRECTS and (location := answer.head.get("location")):
                redirects += 1
                if redirects > REDIRECTS_MAX:
                    raise SourceError(f"camera redirects more than {REDIRECTS_MAX} times")
                url = url.join(location)
            elif status == 401 and self._login is not None and url.origin == self._url.origin:
                tries += 1
                asks_again = self._login.learn(answer.head.get_all("www-authenticate"))
                if not asks_again or tries >= LOGIN_TRIES_MAX:
                    raise self._refusal(answer, url)
            elif not 200 <= status < 300 or status in _EMPTY:
                raise self._refusal(answer, url)
            else:
                return answer
            await self._drain(answer)

    async def _ask(self, url: HttpUrl) -> Answer:
        """Send one request and read the head of its answer, on the connection that is open, or on a new one."""
        kept = self._connection if self._connected_to is not None and self._connected_to.origin == url.origin else None
        if kept is not None and not kept.is_ended:
            answer = await self._ask_on(kept, url)
            if answer is not None:
                return answer
        self.close()
        self._connection = await connect(url, self._url.host, self._settings.connect_timeout_s, insecure=self._insecure)
        self._connected_to = url
        answer = await self._ask_on(self._connection, url)
        if answer is not None:
            return answer
        if not url.is_tls and await speaks_tls(url, self._url.host, min(2.0, self._settings.connect_timeout_s)):
            raise SourceError(SPEAKS_TLS)
        raise SourceError("camera closed the connection without an answer")

    async def _ask_on(self, connection: Connection, url: HttpUrl) -> Answer | None:
        """None if the camera closes the connection before it says anything."""
        connection.write(self._request(url))
        buffer = b""
        while True:
            data = await connection.read(self._settings.stall_after_s)
            buffer += data
            if not data:
                if not buffer:
                    return None
                raise SourceError("camera broke off in the middle of its answer")
            while (parsed := parse_head(buffer)) is not None:
                head, body_at = parsed
                if not 100 <= head.status < 200:
                    self._refuse_tls_advice(head, buffer)
                    return Answer(head, buffer[body_at:], connection, self._settings.frame_max_bytes)
                buffer = buffer[body_at:]  # an interim answer

    def _refuse_tls_advice(self, head: Head, buffer: bytes) -> None:
        """A TLS server that is asked in plain text often says so in its answer."""
        if head.status == 400 and self._connected_to is not None and not self._connected_to.is_tls:
            text = buffer[:4096].lower()
            if b"https" in text or b"ssl" in text or b"tls" in text:
                raise SourceError(SPEAKS_TLS)

    def _request(self, url: HttpUrl) -> bytes:
        method, payload = ("GET", b"") if self._payload is None else ("POST", self._payload[1])
        lines = [
            f"{method} {url.target} HTTP/1.1",
            f"Host: {url.host_header}",
            "User-Agent: Lotcast",
            "Accept: multipart/x-mixed-replace, image/jpeg, */*",
        ]
        if self._login is not None and url.origin == self._url.origin:
            authorization = self._login.header(method, url.target)
            if authorization is not None:
                lines.append(f"Authorization: {authorization}")
        if cookies := self._cookies.get(url.host):
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()))
        if self._payload is not None:
            lines += [f"Content-Type: {self._payload[0]}", f"Content-Length: {len(payload)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + payload

    def _take_cookies(self, url: HttpUrl, head: Head) -> None:
        """Keep a camera's cookies for this host; some start a session before they send pictures."""
        for line in head.get_all("set-cookie"):
            pair, *attributes = line.split(";")
            name, equals, value = (part.strip() for part in pair.partition("="))
            jar = self._cookies.setdefault(url.host, {})
            if not equals or not name or len(pair) > _COOKIE_MAX_BYTES:
                continue
            if any(attribute.strip().lower() == "max-age=0" for attribute in attributes):
                jar.pop(name, None)
            elif len(jar) < _COOKIES_MAX or name in jar:
                jar[name] = value

    async def _drain(self, answer: Answer) -> None:
        """Read the rest of an answer that is not the last one, so that its connection can be used again."""
        size = 0
        while answer.head.keeps_alive and not answer.body.is_done and size < _DRAIN_MAX_BYTES:
            if answer.head.length is None and not answer.head.is_chunked:
                break
            data = await answer.read(self._settings.stall_after_s)
            if data is None:
                break
            size += len(data)
        self.finish(answer)

    def _refusal(self, answer: Answer, url: HttpUrl) -> CameraRefuses:
        head = answer.head
        advice = {
            403: "the camera refuses this user",
            404: "check the path in the URL",
            429: "the camera is asked too often; lower its fps",
            503: "the camera is busy; most serve one client at a time",
        }.get(head.status, head.reason[:100])
        if head.status == 401:
            advice = "check user name and password"
            if self._login is None:
                advice += "; the URL has none: http://user:password@host/path"
            elif url.origin != self._url.origin:
                advice = f"it redirects to {url}, where the password is not sent; write that address"
        text = f"camera answered {head.status}{': ' if advice else ''}{advice}"
        return CameraRefuses(text, head.status, _seconds(head.get("retry-after")), answer)


def _seconds(text: str) -> float | None:
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() else None
