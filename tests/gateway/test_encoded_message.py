from __future__ import annotations

import base64
import json

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from libs.common.errors import MessageError
from libs.common.messages import pack_viewer_message
from services.gateway.hub.encoded_message import EncodedMessage, websocket_frame
from services.ingest.picture_stream import PictureStream


def parse(data: bytes) -> Frame:
    """What another implementation reads in a frame."""
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False, max_size=None)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame: Frame = done.value.value
    return frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_frames_of_every_length_are_read_by_others(length: int) -> None:
    frame = parse(websocket_frame(2, bytes(length)))
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.BINARY, True, bytes(length))


@given(
    st.binary(min_size=1, max_size=2000),
    st.dictionaries(st.text(), st.integers(-(2**63), 2**63 - 1) | st.text() | st.none()),
)
def test_every_form_holds_the_same_picture_and_metadata(jpeg: bytes, metadata: dict[str, object]) -> None:
    packed = pack_viewer_message("CAM1", jpeg, metadata, 7, 1.5)
    message = EncodedMessage(packed)
    assert parse(message.wire("binary")).data == packed
    text = parse(message.wire("json"))
    assert text.opcode == Opcode.TEXT
    told = json.loads(bytes(text.data))
    assert base64.b64decode(told.pop("frame").removeprefix("data:image/jpeg;base64,")) == jpeg
    whole = msgpack.unpackb(packed)
    del whole["frame"]
    assert told == whole
    size, _, chunk = message.wire("mjpeg").partition(b"\r\n")
    assert chunk[int(size, 16) :] == b"\r\n", "one chunk of HTTP's chunked coding"
    (part,) = PictureStream(b"lotcast-frame", 10_000).feed(chunk[: int(size, 16)] + b"--lotcast-frame\r\n", 0)
    assert part.payload == jpeg


def test_a_form_is_made_once() -> None:
    message = EncodedMessage(pack_viewer_message("CAM1", b"\xff\xd8", {}, 1, 1.0))
    for form in ("binary", "json", "mjpeg"):
        assert message.wire(form) is message.wire(form)


def test_what_is_no_viewer_message_is_refused() -> None:
    with pytest.raises(MessageError):
        EncodedMessage(b"nonsense").wire("json")
