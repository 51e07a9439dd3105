"""Whatever reads a camera's URL registers its secrets, so that no line shows them wherever they stand."""

from __future__ import annotations

import pytest

from libs.common.cameras import Camera
from libs.common.secrets import mask_secrets
from services.gateway.problems import problem_response
from services.ingest.directory import read_listing

URLS = {
    "before the host": "rtsp://admin:hunter2-{n}@host/stream",
    "in the path": "rtsp://host/user=admin&password=hunter2-{n}&channel=1",
    "after a semicolon": "http://host/video;password=hunter2-{n}",
    "in the fragment": "http://host/video#password=hunter2-{n}",
    "as pw": "http://host/video?user=admin&pw=hunter2-{n}",
    "as p": "http://host/video?u=admin&p=hunter2-{n}",
}


@pytest.mark.parametrize("where", URLS)
def test_a_cameras_password_is_masked_once_it_was_read(where: str) -> None:
    secret = f"hunter2-{list(URLS).index(where)}"
    url = URLS[where].format(n=list(URLS).index(where))
    Camera(id="CAM1", name="one", url=url)
    assert secret not in mask_secrets(f"libav says: cannot open {url}: 401 for {secret}")
    assert secret not in bytes(problem_response(400, f"{secret} in {url}").body).decode()


@pytest.mark.parametrize(
    "entry",
    [
        b'{"id": "CAM1", "url": "rtsp://u:swordfish-1@host/"}',
        b'{"id": "CAM1", "url": "rtsp://u:swordfish-1@host/", "name":',
        b'{"id": "CAM1", "name": {"url": "rtsp://u:swordfish-1@host/"}, "url": "rtsp://host/"}',
        b'"rtsp://u:swordfish-1@host/"',
        b'["rtsp://u:swordfish-1@host/"]',
        b'{"id": "CAM1", "name": "one", "url": ["rtsp://u:swordfish-1@host/"]}',
        b'{"id": "CAM1", "name": "one", "url": "rtsp://u:swordfish-1@ho st/"}',
        b'{"id": "CAM1", "name": "one", "url": "rtsp://u:sword/fish-1@host/"}',
        b"rtsp://u:swordfish-1@host/",
    ],
)
def test_a_bad_entry_in_redis_is_named_without_its_contents(entry: bytes) -> None:
    problem = read_listing({b"CAM1": entry}).bad["CAM1"]
    assert problem
    assert "fish" not in problem
    assert "sword/" not in problem
