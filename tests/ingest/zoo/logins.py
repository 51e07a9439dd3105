"""Cameras that ask for a password, in each form that RFC 9110, 7616 and 7617 allow, and some that they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.ingest.zoo.animal import Animal
from tests.ingest.zoo.answers import told_length
from tests.ingest.zoo.jpegs import JPEG, SIZE
from tests.support.logins import BASIC, NONCE, SENT_REALM, Guard, digest
from tests.support.rtsp_camera import SIZE as VIDEO_SIZE
from tests.support.rtsp_camera import RtspCamera

LOGIN = "viewer:s3cret%3Awith%20colon@"
NOT_OVER_RTSP = "a login that Lotcast does not know over RTSP: Digest SHA-256; set it to Digest MD5 or Basic"
WRONG = "camera answered 401: check user name and password"


def guarded(
    challenges: Sequence[str], *accepts: str, sentence: str = "", login: str = LOGIN, as_type: str = "http"
) -> Animal:
    """A camera behind a password.

    Args:
        challenges: the values of WWW-Authenticate.
        accepts: the ways that it lets through.
        sentence: what is said where it is refused.
        login: what the URL has.
        as_type: `http` or `rtsp`.
    """
    guard = Guard(challenges, accepts)
    url = f"{as_type}://{login}{{host}}/camera?a=b"
    if as_type == "rtsp":
        size = None if sentence else VIDEO_SIZE
        return Animal(RtspCamera(guard=guard), size, sentence, None, url, is_raw=True, guard=guard)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.split(" ", 2)
            _, is_sent, told = head.partition("\r\nAuthorization: ")
            if guard.lets_in(method, target, told.partition("\r\n")[0] if is_sent else ""):
                writer.write(b"HTTP/1.1 200 OK\r\n" + told_length(0) + b"\r\n\r\n" + JPEG)
            else:
                lines = "".join(f"WWW-Authenticate: {line}\r\n" for line in challenges)
                writer.write(f"HTTP/1.1 401 Unauthorized\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    return Animal(handler, None if sentence else SIZE, sentence, [JPEG], url, is_raw=True, guard=guard)


MD5, SHA = digest(), digest("SHA-256")
SPACED = f'Digest realm = "{SENT_REALM}" ,, nonce ="{NONCE}" , qop= "auth",'
UNKNOWN = digest("SHA3-512")

LOGINS: dict[str, Animal] = {
    "basic": guarded([BASIC], "Basic"),
    "basic-without-asking": guarded([], "Basic"),
    "basic-bare": guarded(["Basic"], "Basic"),
    "basic-lower-case-and-charset": guarded([BASIC.replace("Basic", "basic") + ', charset="UTF-8"'], "Basic"),
    "digest": guarded([MD5], "MD5"),
    "digest-without-qop": guarded([digest("", "")], "MD5"),
    "digest-two-qops": guarded([digest(qop="auth-int,auth")], "MD5"),
    "digest-integrity-only": guarded([digest(qop="auth-int")], "MD5"),
    "digest-session": guarded([digest("MD5-sess")], "MD5-SESS"),
    "digest-lower-case": guarded([digest("md5").replace("Digest", "digest")], "MD5"),
    "digest-quoted-algorithm": guarded([digest('"MD5"')], "MD5"),
    "digest-spaced": guarded([SPACED], "MD5"),
    "digest-sha-256": guarded([SHA], "SHA-256"),
    "digest-sha-256-session": guarded([digest("SHA-256-sess")], "SHA-256-SESS"),
    "digest-sha-512-256": guarded([digest("SHA-512-256")], "SHA-512-256"),
    "digest-hashed-user": guarded([digest("SHA-256", more=", userhash=true")], "SHA-256"),
    "digest-domain-and-opaque": guarded([digest(more=', domain="/a /b", opaque="x,y", stale=FALSE')], "MD5"),
    "two-lines-basic-first": guarded([BASIC, MD5], "Basic", "MD5"),
    "two-lines-digest-first": guarded([MD5, BASIC], "Basic", "MD5"),
    "one-line-basic-first": guarded([f"{BASIC}, {MD5}"], "Basic", "MD5"),
    "one-line-digest-first": guarded([f"{MD5}, {BASIC}"], "Basic", "MD5"),
    "several-algorithms": guarded([MD5, SHA], "MD5", "SHA-256"),
    "several-algorithms-one-line": guarded([f"{SHA}, {MD5}"], "SHA-256"),
    "several-algorithms-one-unknown": guarded([UNKNOWN, MD5], "MD5"),
    "token-and-basic": guarded([f"Negotiate abcd==, {BASIC}", "Bearer"], "Basic"),
    "basic-never-where-digest-is-offered": guarded([UNKNOWN, BASIC], "Basic", sentence="does not know"),
    "ntlm-only": guarded(["NTLM"], sentence="a login that Lotcast does not know: ntlm"),
    "wrong-password": guarded([MD5, BASIC], "MD5", "Basic", login="viewer:wrong@", sentence=WRONG),
    "no-password": guarded([BASIC], "Basic", login="", sentence=f"{WRONG}; the URL has none"),
    "rtsp-basic": guarded([BASIC], "Basic", as_type="rtsp"),
    "rtsp-digest": guarded([MD5], "MD5", as_type="rtsp"),
    "rtsp-digest-without-qop": guarded([digest("", "")], "MD5", as_type="rtsp"),
    "rtsp-two-lines-basic-first": guarded([BASIC, MD5], "MD5", as_type="rtsp"),
    "rtsp-two-lines-digest-first": guarded([MD5, BASIC], "MD5", as_type="rtsp"),
    "rtsp-several-algorithms": guarded([SHA, MD5], "MD5", "SHA-256", as_type="rtsp"),
    "rtsp-sha-256": guarded([SHA], "SHA-256", as_type="rtsp", sentence=NOT_OVER_RTSP),
    "rtsp-sha-256-last": guarded([BASIC, MD5, SHA], "MD5", "SHA-256", as_type="rtsp", sentence=NOT_OVER_RTSP),
    "rtsp-ntlm-only": guarded(["NTLM"], as_type="rtsp", sentence="a login that Lotcast does not know over RTSP: ntlm"),
    "rtsp-wrong-password": guarded([MD5, BASIC], "MD5", login="viewer:wrong@", as_type="rtsp", sentence=WRONG),
    "rtsp-no-password": guarded([BASIC], "Basic", login="", as_type="rtsp", sentence=f"{WRONG}; the URL has none"),
}
