"""Passwords in camera URLs: where they stand, that nobody sees them, and that an edit keeps them."""

from __future__ import annotations

import pytest

from libs.common.camera_urls import (
    NOT_A_URL,
    has_hidden_secret,
    hide_credentials,
    is_torn,
    keep_credentials,
    public_url,
    secrets_in,
)

SECRET = "hunter2"
WITH_SECRET = [
    "rtsp://user:hunter2@cam:554/main?x=1",
    "rtsp://user:p@hunter2@cam/main",
    "rtsp://:hunter2@cam/main",
    "rtsp://h/user=admin&password=hunter2&channel=1",
    "rtsp://h/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream",
    "rtsp://h/Streaming/user=admin&pwd=hun/hunter2&channel=1",
    "http://h/x;password=hunter2",
    "http://h/a;user=x;pwd=hunter2/b?c=1",
    "http://h/x#password=hunter2",
    "http://h/?pw=hunter2",
    "http://h/?u=a&p=hunter2&x=1",
    "http://h/?user=x,pwd=hunter2",
    "http://h/?PassWord=hunter2",
    "http://h/?pass%77ord=hunter2",
    "http://h/?loginuse=a&loginpas=hunter2",
    "http://h/?access_token=hunter2#x",
    "http://h/?url=http://a:hunter2@b/",
    "https://h/cgi?auth=hunter2",
]


@pytest.mark.parametrize("url", WITH_SECRET)
def test_it_is_hidden_from_all_and_kept_in_an_edit(url: str) -> None:
    hidden = hide_credentials(url)
    assert SECRET not in hidden
    assert "***" in hidden
    assert has_hidden_secret(hidden)
    assert not has_hidden_secret(url)
    assert keep_credentials(hidden, url) == url
    assert SECRET not in public_url(url)
    assert any(SECRET in value for value in secrets_in(url))


@pytest.mark.parametrize("url", WITH_SECRET)
def test_it_does_not_follow_to_another_host(url: str) -> None:
    elsewhere = hide_credentials(url).replace("@cam", "@evil").replace("//h/", "//evil/")
    assert SECRET not in keep_credentials(elsewhere, url)
    assert has_hidden_secret(keep_credentials(elsewhere, url)), "and so it is refused"


@pytest.mark.parametrize("url", ["rtsp://u:pa/hunter2@h/", "rtsp://u:12/hunter2@h/", "rtsp://u:pa?hunter2@h/", "//[x"])
def test_a_url_that_is_torn_apart_is_not_shown(url: str) -> None:
    assert is_torn(url)
    assert hide_credentials(url) == public_url(url) == NOT_A_URL


def test_viewers_see_neither_user_nor_query() -> None:
    assert public_url("rtsp://user:x@cam.local:554/main/1?profile=2#t") == "rtsp://cam.local:554/main/1"
    assert public_url("rtsp://h/live/user=admin&password=x") == "rtsp://h/live/"
    assert public_url("file:///srv/clips/a.mp4") == "file:///srv/clips/a.mp4"
    assert public_url("v4l2:///dev/video0") == "v4l2:///dev/video0"
    assert public_url("http://[::1]:80/x") == "http://[::1]:80/x"


@pytest.mark.parametrize("url", ["http://cam/stream", "rtsp://cam.local:80/a@b?channel=1", "file:///a=b/c.mp4"])
def test_what_has_no_password_stays(url: str) -> None:
    assert hide_credentials(url) == keep_credentials(url, url) == url


def test_an_edit_may_change_the_rest() -> None:
    stored = "rtsp://h/user=admin&password=hunter2&channel=1"
    assert keep_credentials("rtsp://h/user=admin&password=***&channel=2", stored).endswith("password=hunter2&channel=2")
    assert keep_credentials("rtsp://h/user=admin&password=new&channel=2", stored).endswith("password=new&channel=2")
