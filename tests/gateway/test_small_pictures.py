"""`snapshot.jpg?width=480`: the picture that `small` viewers see, for those who ask by HTTP."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence

import httpx
import numpy as np
import pytest
from PIL import Image
from redis.asyncio import Redis

from libs.common import keys
from libs.common.errors import MessageError
from libs.common.messages import RawFrame, pack_viewer_message
from services.gateway import shrinking, small_pictures
from services.gateway.shrinking import shrink
from tests.support.pictures import make_jpeg

SMALL = "/api/cameras/CAM1/snapshot.jpg?width=480"
RED, BLUE = (220, 30, 30), (30, 30, 220)


def two_halves(size: tuple[int, int], **options: object) -> bytes:
    """Red on the left, blue on the right, as it is stored."""
    picture = np.full((size[1], size[0], 3), RED, np.uint8)
    picture[:, size[0] // 2 :] = BLUE
    return saved(Image.fromarray(picture), **options)


def saved(image: Image.Image, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG", **options)
    return data.getvalue()


def shown(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def is_near(pixel: object, colour: Sequence[int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=True))


async def add_raw_frame(redis: Redis, jpeg: bytes, size: tuple[int, int], entry_id: str = "*") -> None:
    fields = RawFrame(1, 1, *size, jpeg).to_fields()
    await redis.xadd(keys.frames("CAM1"), fields, id=entry_id)  # type: ignore[arg-type] # redis-py wants an invariant dict


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (3840, 2160), (481, 900)])
def test_it_is_480_wide_and_shows_the_same(size: tuple[int, int]) -> None:
    small = shown(shrink(two_halves(size)))
    assert small.size == (480, round(size[1] * 480 / size[0]))
    assert is_near(small.getpixel((100, small.height // 2)), RED)
    assert is_near(small.getpixel((380, small.height // 2)), BLUE)


def test_what_is_small_already_keeps_its_bytes() -> None:
    jpeg = two_halves((480, 270))
    assert shrink(jpeg) is jpeg


def test_it_is_upright_and_as_wide_as_it_is_shown() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what is stored on the left is shown at the top
    small = shown(shrink(two_halves((1280, 720), exif=exif)))
    assert small.size == (480, 853)
    assert is_near(small.getpixel((240, 100)), RED)
    assert is_near(small.getpixel((240, 750)), BLUE)
    assert 0x0112 not in small.getexif()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printers_colours_become_what_browsers_show(mode: str) -> None:
    small = shown(shrink(saved(shown(two_halves((960, 540))).convert(mode))))
    assert (small.size, small.mode) == ((480, 270), "RGB")


@pytest.mark.parametrize("jpeg", [b"", b"\xff\xd8\xff", b"<html>", make_jpeg(640, 360)[:3000]])
def test_what_cannot_be_decoded_is_an_error(jpeg: bytes) -> None:
    with pytest.raises(MessageError):
        shrink(jpeg)


def test_a_picture_with_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "PIXELS_MAX", 640 * 360 - 1)
    with pytest.raises(MessageError, match="pixels"):
        shrink(make_jpeg(640, 360))


async def test_it_is_made_of_the_newest_raw_frame(api: httpx.AsyncClient, redis: Redis) -> None:
    await redis.set(keys.latest("CAM1"), pack_viewer_message("CAM1", make_jpeg(640, 360), {}, 1, time.time()))
    await add_raw_frame(redis, two_halves((1280, 720)), (1280, 720))
    answer = await api.get(SMALL)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert shown(answer.content).size == (480, 270)
    assert is_near(shown(answer.content).getpixel((100, 100)), RED)


async def test_without_a_raw_frame_that_is_of_use_it_is_made_of_the_last_picture(
    api: httpx.AsyncClient, redis: Redis
) -> None:
    assert (await api.get(SMALL)).status_code == 404
    await add_raw_frame(redis, two_halves((1280, 720)), (1280, 720), "1000-1")  # from long ago
    assert (await api.get(SMALL)).status_code == 404
    await add_raw_frame(redis, two_halves((1280, 720))[:900], (1280, 720))  # broken off
    assert (await api.get(SMALL)).status_code == 404
    await redis.set(keys.latest("CAM1"), pack_viewer_message("CAM1", two_halves((960, 540)), {}, 1, time.time()))
    assert shown((await api.get(SMALL)).content).size == (480, 270)


async def test_it_is_made_once_for_all_who_ask(
    api: httpx.AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []

    def noted(jpeg: bytes) -> bytes:
        made.append(jpeg)
        return shrink(jpeg)

    monkeypatch.setattr(shrinking, "shrink", noted)
    await add_raw_frame(redis, two_halves((1280, 720)), (1280, 720))
    answers = await asyncio.gather(*(api.get(SMALL) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(made) == 1


async def test_more_than_can_be_made_are_refused(
    api: httpx.AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_pictures, "MAKING_MAX", 0)
    await add_raw_frame(redis, two_halves((1280, 720)), (1280, 720))
    answer = await api.get(SMALL)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"


async def test_a_deleted_cameras_picture_is_not_shown_again(api: httpx.AsyncClient, redis: Redis) -> None:
    camera = {"id": "CAM1", "name": "North", "url": "http://192.0.2.7/"}
    assert (await api.post("/api/cameras", json=camera)).status_code == 201
    await add_raw_frame(redis, two_halves((1280, 720)), (1280, 720))
    assert (await api.get(SMALL)).status_code == 200
    assert (await api.delete("/api/cameras/CAM1")).status_code == 204
    assert (await api.get(SMALL)).status_code == 404


@pytest.mark.parametrize(
    ("query", "about"), [("width=481", "480"), ("width=0", "480"), ("width=480&picture=annotated", "plain")]
)
async def test_other_widths_are_refused_in_words(api: httpx.AsyncClient, query: str, about: str) -> None:
    answer = await api.get(f"/api/cameras/CAM1/snapshot.jpg?{query}")
    assert answer.status_code == 422
    assert about in answer.json()["detail"]
