"""User and password of an HTTP camera's URL: sent when the camera asks, in the way it asks for (basic or digest)."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from yarl import URL

from libs.common.errors import SourceError

REDIRECTS_MAX: Final = 5
_ACCEPT: Final = {"Accept": "multipart/x-mixed-replace, image/jpeg"}


class AnswerTimeout(Exception):
    """The head of an answer did not come in time, looking up the host's name and redirects included."""


class LoginSession:
    """GET requests to one camera. What it asked for the first time is sent at once from then on."""

    def __init__(self, session: aiohttp.ClientSession, url: str, answer_within_s: float) -> None:
        """Prepare.

        Args:
            session: carries the deadlines for connecting and for silence.
            url: of the camera, perhaps with user and password.
            answer_within_s: for the whole head of an answer, which could come byte by byte.

        Raises:
            SourceError: it is no URL of a request.
        """
        try:
            address = URL(url, encoded=False)
        except ValueError as error:
            raise SourceError("the URL cannot be used for a request") from error
        if address.user is not None and ":" in address.user:
            raise SourceError("the URL's user name has a colon, which HTTP does not allow")
        self._session = session
        self._answer_within_s = answer_within_s
        self._url = address.with_user(None)
        self._user, self._password = address.user, address.password or ""
        self._headers = _ACCEPT
        self._digest: aiohttp.DigestAuthMiddleware | None = None

    @property
    def has_login(self) -> bool:
        """Whether the URL has a user."""
        return self._user is not None

    @asynccontextmanager
    async def get(self) -> AsyncIterator[aiohttp.ClientResponse]:
        """The camera's answer, whatever its status; redirects followed, which never take the password elsewhere.

        Raises:
            AnswerTimeout: it does not begin in time.
        """
        try:
            async with asyncio.timeout(self._answer_within_s) as deadline:
                answer = await self._get()
                if answer.status == 401 and self._learn_scheme(answer):
                    answer.release()
                    answer = await self._get()
        except TimeoutError as error:
            if deadline.expired():
                raise AnswerTimeout from error
            raise
        async with answer:
            yield answer

    async def _get(self) -> aiohttp.ClientResponse:
        return await self._session.get(
            self._url,
            headers=self._headers,
            max_redirects=REDIRECTS_MAX,
            middlewares=() if self._digest is None else (self._digest,),
        )

    def _learn_scheme(self, answer: aiohttp.ClientResponse) -> bool:
        """How the camera wants the password; False if there is none, or it was sent already."""
        if self._user is None or self._headers is not _ACCEPT or self._digest is not None:
            return False
        if answer.url.origin() != self._url.origin():
            return False
        asked = [value.strip().lower() for value in answer.headers.getall("WWW-Authenticate", [])]
        if any(value.startswith("digest") for value in asked):
            self._digest = aiohttp.DigestAuthMiddleware(self._user, self._password)
        else:  # cameras that only say 401 mean basic
            token = b64encode(f"{self._user}:{self._password}".encode()).decode()
            self._headers = {**_ACCEPT, "Authorization": f"Basic {token}"}
        return True
