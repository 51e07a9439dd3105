from __future__ import annotations

import pytest
from pydantic import ValidationError

from libs.common.cameras import Camera, hide_credentials, is_camera_id, keep_credentials


@pytest.mark.parametrize("camera_id", ["CAM1", "a", "north-lot_2.b", "x" * 64])
def test_good_ids(camera_id: str) -> None:
    assert is_camera_id(camera_id)


@pytest.mark.parametrize("camera_id", ["", "a b", "a/b", "{a}", "x" * 65, "a\n", "ü"])
def test_bad_ids(camera_id: str) -> None:
    assert not is_camera_id(camera_id)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "host/stream",
        "http://",
        "rtsp://:554/x",
        "file://",
        "file:clip.mp4",
        "file:http://h/x",
        "file://host/clip.mp4",
        "http://h:99999/",
        "http://169.254.169%2e254/",
        "http://h\\@i/",
        "http://a b/",
        "http://*/",
    ],
)
def test_a_bad_url_names_the_field(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Camera(id="CAM1", name="x", url=url)
    assert caught.value.errors()[0]["loc"] == ("url",)
    assert caught.value.errors()[0]["input"] == url


@pytest.mark.parametrize("host", ["cam_1.local", "kamera-süd.example", "[fe80::1%25eth0]", "[::ffff:192.0.2.1]"])
def test_every_form_of_a_host_is_taken(host: str) -> None:
    assert Camera(id="CAM1", name="x", url=f"http://user:p%23ss@{host}:8080/a%20b?c=d").url


@pytest.mark.parametrize("url", ["rtsp://me:hunter#2@cam/", "rtsp://me:hunter/2@cam/", "rtsp://me\u2100:hunter@cam/"])
def test_what_is_wrong_is_told_without_a_piece_of_the_password(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Camera(id="CAM1", name="x", url=url)
    assert "is not a URL" in caught.value.errors()[0]["msg"]
    assert "hunter" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("threshold", [-1, 256, float("nan"), "much"])
def test_a_motion_threshold_out_of_range_is_named(threshold: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Camera.model_validate({"id": "CAM1", "name": "x", "url": "http://h/", "motion_threshold": threshold})
    assert caught.value.errors()[0]["loc"] == ("motion_threshold",)


def test_only_what_concerns_reading_makes_a_camera_be_read_anew() -> None:
    camera = Camera(id="CAM1", name="x", url="http://h/")
    assert camera.is_read_like(camera.model_copy(update={"name": "y", "motion_threshold": 0.0}))
    assert not camera.is_read_like(camera.model_copy(update={"fps": 3.0}))
    assert not camera.is_read_like(camera.model_copy(update={"url": "http://i/"}))
    assert not camera.is_read_like(None)


def test_a_password_is_never_shown() -> None:
    shown = hide_credentials("rtsp://user:se%40cret@cam.local:554/main?x=1")
    assert shown == "rtsp://user:***@cam.local:554/main?x=1"
    assert hide_credentials("http://cam/stream") == "http://cam/stream"


def test_a_hidden_password_sent_back_keeps_the_stored_one() -> None:
    stored = "rtsp://user:secret@cam:554/main"
    assert keep_credentials("rtsp://user:***@cam:554/sub", stored) == "rtsp://user:secret@cam:554/sub"


def test_a_stored_password_never_follows_to_another_host() -> None:
    sent = "rtsp://user:***@elsewhere:554/main"
    assert keep_credentials(sent, "rtsp://user:secret@cam:554/main") == sent
