"""Which login is answered, in the forms of RFC 9110, and what is sent of a URL."""

from __future__ import annotations

import pytest

from libs.common.errors import SourceError
from services.ingest.sources.http_auth import Login
from services.ingest.sources.http_url import parse_http_url

BASIC = 'Basic realm="camera, with comma"'
MD5 = 'Digest realm="c", nonce="for-md5", algorithm=MD5, qop="auth,auth-int"'
SHA = 'Digest realm="c", nonce="for-sha", algorithm=SHA-256, qop="auth"'
OLD = 'Digest realm="c", nonce="for-old"'


@pytest.mark.parametrize(
    ("lines", "answered"),
    [
        ([BASIC], "Basic "),
        ([OLD], 'nonce="for-old"'),
        ([BASIC, MD5], 'nonce="for-md5"'),
        ([MD5, BASIC], 'nonce="for-md5"'),
        ([f"{BASIC}, {MD5}"], 'nonce="for-md5"'),
        ([f"{MD5}, {BASIC}"], 'nonce="for-md5"'),
        ([MD5, SHA], 'nonce="for-sha"'),
        ([f"{SHA}, {MD5}"], 'nonce="for-sha"'),
        ([f"{BASIC}, {MD5}, {SHA}"], 'nonce="for-sha"'),
        ([f"Negotiate, NTLM, {MD5}"], 'nonce="for-md5"'),
        ([MD5.replace("Digest", "DIGEST").replace("realm", "Realm")], 'nonce="for-md5"'),
        ([MD5.replace("=", " = ", 2)], 'nonce="for-md5"'),
    ],
)
def test_the_strongest_offer_is_answered_with_its_own_nonce(lines: list[str], answered: str) -> None:
    login = Login("viewer", "s3cret")
    assert login.header("GET", "/") is None, "nothing before the camera asks"
    assert login.learn(lines)
    header = login.header("GET", "/stream?a=1") or ""
    assert answered in header
    assert header.startswith("Basic") is (lines == [BASIC])


def test_the_password_never_goes_out_in_clear_once_a_digest_was_offered() -> None:
    login = Login("viewer", "s3cret")
    assert login.learn([f"{BASIC}, {MD5}"])
    assert (login.header("GET", "/") or "").startswith("Digest")
    with pytest.raises(SourceError, match="it is not sent"):
        login.learn([BASIC])


@pytest.mark.parametrize("target", ["/a^b|c%21d", "/cgi?x=[1]&y={2}", "/%7Euser/~user", "/stream?", '/"a"', "/a\\b"])
def test_what_is_typed_is_sent_as_typed(target: str) -> None:
    assert parse_http_url(f"http://host:81{target}").target == target
