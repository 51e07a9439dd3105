"""Where Redis is and how it lets a process in: address, user, password and certificate authority."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, NoPermissionError

from libs.common.cameras import hide_credentials
from libs.common.secrets import register_secret

SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
_OTHER_HOST_CODES: Final = (62, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is and how it lets this process in.

    Attributes:
        url: `redis://`, `rediss://` or `unix://`; names the ACL user, where there is one.
        password_file: holds the user's password; read at every connection, so that a changed one needs no restart.
        ca_file: PEM of the authorities that may have signed the server's certificate; the system's own by default.
    """

    url: str
    password_file: Path | None = None
    ca_file: Path | None = None

    def __str__(self) -> str:
        return hide_credentials(self.url)

    @property
    def user(self) -> str | None:
        """The ACL user; None is Redis's `default`."""
        name = urlsplit(self.url).username
        return unquote(name) if name else None

    @property
    def url_without_user(self) -> str:
        """The URL for a client that asks a credential provider who it is."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def read_password(file: Path) -> str:
    """The password in a file, without the line's end.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no password.
    """
    password = file.read_text("utf-8").rstrip("\r\n")
    if not password or "\n" in password:
        raise ValueError(f"{file} must hold the password in one line, and nothing else")
    register_secret(password)
    return password


class PasswordFile(CredentialProvider):
    """Tells redis-py the user and what the password file holds now."""

    def __init__(self, user: str | None, file: Path) -> None:
        self._user = user
        self._file = file

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """User and password, or the password alone.

        Raises:
            AuthenticationError: the file cannot be read any more.
        """
        try:
            password = read_password(self._file)
        except (OSError, ValueError) as error:
            raise AuthenticationError(f"REDIS_PASSWORD_FILE: {error}") from None
        return (password,) if self._user is None else (self._user, password)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """The same; the file is a line in the kernel's cache."""
        return self.get_credentials()


def refusal(error: BaseException, address: RedisAddress) -> str | None:
    """Why Redis does not let this process in, and which variable to look at; None if it may just be away.

    Args:
        error: what the client raised.
        address: where it wanted to go.
    """
    certificate = find_cause(error, ssl.SSLCertVerificationError)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        problem = f"{address} shows a certificate that is not to be trusted ({certificate.verify_message})"
        if certificate.verify_code in _OTHER_HOST_CODES:
            return f"{problem}: REDIS_URL must name the host as the certificate does"
        return f"{problem}: REDIS_CA_FILE must name a file with the authority that signed it"
    tls = find_cause(error, ssl.SSLError)
    if isinstance(tls, ssl.SSLError) and "CERTIFICATE_REQUIRED" in (tls.reason or ""):
        return f"{address} wants a certificate of its clients, and Lotcast has none: Redis needs `tls-auth-clients no`"
    if isinstance(error, AuthenticationError):
        who = "without a user" if address.user is None else f"user {address.user!r}"
        return f"{address} refuses {who}: {error}; look at the user in REDIS_URL and at REDIS_PASSWORD_FILE"
    if isinstance(error, NoPermissionError):
        return f"{address} refuses user {address.user or 'default'!r} something: {error}; look at its ACL"
    return None


def find_cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first of this kind along the chain of causes; redis-py wraps what the socket raised."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None
