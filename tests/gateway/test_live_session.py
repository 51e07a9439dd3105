"""What a live viewer gets next: fair, newest first, one picture on its way, nothing where nothing changes."""

from __future__ import annotations

from libs.common.live_messages import PictureKind
from services.gateway.live.compact import LiveFrame, SpaceTable
from services.gateway.live.session import LiveSession

TABLE = SpaceTable("v1", [], b"<spaces v1>")


def frame(
    camera: str,
    number: int,
    *,
    still_since: int | None = None,
    spaces: SpaceTable = TABLE,
    picture: bool = True,
    shows: PictureKind = "plain",
) -> LiveFrame:
    made = LiveFrame(number, still_since, spaces, picture, shows, {})
    made.wire = f"<{camera}{number}>".encode()
    made.still_wire = f"<still {camera}{still_since}>".encode()
    return made


def watching(*cameras: str, fps: float | None = None) -> LiveSession:
    session = LiveSession(picture_every_s=15.0)
    for camera in cameras:
        session.watch(camera, "plain", fps)
    return session


def test_spaces_come_with_the_first_frame_and_when_they_change() -> None:
    session = watching("A")
    session.offer("A", frame("A", 1), 0.0)
    assert session.take(0.0) == b"<spaces v1><A1>"
    session.acknowledge()
    session.offer("A", frame("A", 2), 0.1)
    assert session.take(0.1) == b"<A2>"
    session.acknowledge()
    session.offer("A", frame("A", 3, spaces=SpaceTable("v2", [], b"<spaces v2>")), 0.2)
    assert session.take(0.2) == b"<spaces v2><A3>"


def test_one_picture_is_on_its_way_and_only_the_newest_waits() -> None:
    session = watching("A")
    session.offer("A", frame("A", 1), 0.0)
    session.take(0.0)
    for number in range(2, 6):
        session.offer("A", frame("A", number), 0.1 * number)
        assert session.take(0.1 * number) is None
    session.acknowledge()
    assert session.take(1.0) == b"<A5>"
    assert session.skipped == 3


def test_cameras_take_turns_though_one_sends_more() -> None:
    session = watching("A", "B", "C")
    for camera in "ABC":
        session.offer(camera, frame(camera, 1), 0.0)
    sent = []
    for step in range(9):
        session.offer("A", frame("A", 2 + step), float(step))
        session.offer("B", frame("B", 2 + step), float(step))
        session.offer("C", frame("C", 2 + step), float(step))
        wire = session.take(float(step))
        assert wire is not None
        sent.append(wire.replace(b"<spaces v1>", b"")[1:2].decode())
        session.acknowledge()
    assert sent == list("ABCABCABC")


def test_frames_come_no_faster_than_asked_for() -> None:
    session = watching("A", fps=2.0)
    sent = 0
    for tick in range(100):  # ten frames a second, ten seconds
        now_s = tick / 10
        session.offer("A", frame("A", tick), now_s)
        if session.take(now_s) is not None:
            sent += 1
            session.acknowledge()
    assert sent == 20
    session.offer("A", frame("A", 100), 10.0)
    assert session.take(10.0) is not None
    session.acknowledge()
    session.offer("A", frame("A", 101), 10.1)
    assert session.take(10.1) is None
    assert session.next_due_s(10.1) == 10.5


def test_a_still_lot_gets_a_word_a_second_and_a_picture_every_fifteen() -> None:
    session = watching("A")
    pictures: list[float] = []
    stills: list[float] = []
    for tick in range(400):  # forty seconds
        now_s = tick / 10
        session.offer("A", frame("A", tick, still_since=None if tick == 0 else 0), now_s)
        while (wire := session.take(now_s)) is not None:
            (stills if b"still" in wire else pictures).append(now_s)
            session.acknowledge()
    assert pictures == [0.0, 15.0, 30.0]
    assert 35 <= len(stills) <= 40


def test_a_change_ends_the_stillness() -> None:
    session = watching("A")
    session.offer("A", frame("A", 1), 0.0)
    session.take(0.0)
    session.acknowledge()
    session.offer("A", frame("A", 2, still_since=1), 5.0)
    session.offer("A", frame("A", 3), 5.1)
    assert session.take(5.1) == b"<A3>", "what was still before is not worth a word any more"
    session.acknowledge()
    # Frame 4 shows what frame 3 showed, and the viewer has that.
    session.offer("A", frame("A", 4, still_since=3), 7.0)
    assert session.take(7.0) == b"<still A3>"


def test_a_viewer_that_missed_the_change_gets_the_picture() -> None:
    session = watching("A", "B")
    session.offer("A", frame("A", 1), 0.0)
    session.take(0.0)
    session.offer("B", frame("B", 1), 0.0)  # cannot be sent: A's picture is on its way
    session.offer("B", frame("B", 9, still_since=5), 0.5)
    session.acknowledge()
    wire = session.take(0.6)
    assert wire is not None
    assert wire.endswith(b"<B9>")


def test_the_last_picture_that_a_newcomer_gets_does_not_stand_for_the_kind_that_it_wants() -> None:
    session = watching("A")
    session.offer("A", frame("A", 7, still_since=5, shows="annotated"), 0.0)
    assert session.take(0.0) == b"<spaces v1><A7>"
    session.acknowledge()
    session.offer("A", frame("A", 8, still_since=5), 0.2)
    assert session.take(0.2) == b"<A8>", "nothing has changed, but this is the picture without drawings"
    session.acknowledge()
    session.offer("A", frame("A", 9, still_since=5), 1.4)
    assert session.take(1.4) == b"<still A5>"


def test_frames_without_pictures_need_no_acknowledgement() -> None:
    session = watching("A")
    session.watch("A", "none", None)
    for number in range(3):
        session.offer("A", frame("A", number, picture=False), float(number))
        assert session.take(float(number)) is not None
    assert not session.in_flight


def test_a_frozen_page_gets_nothing_at_all_after_three_seconds_and_the_newest_when_it_is_back() -> None:
    session = watching("A", "B")
    session.watch("C", "none", None)
    session.offer("A", frame("A", 1), 0.0)
    assert session.take(0.0) is not None
    sent: list[float] = []
    for tick in range(1, 200):
        now_s = tick / 10
        session.offer("A", frame("A", 1 + tick), now_s)
        session.offer("C", frame("C", tick, picture=False, shows="none"), now_s)
        session.notice("status", "A", b"<status>")
        while session.take(now_s) is not None:
            sent.append(now_s)
        if now_s > 3:
            assert session.next_due_s(now_s) is None
    assert max(sent) < 3.0
    session.acknowledge()
    assert session.take(20.0) == b"<status>"
    assert session.take(20.0) == b"<A200>"
    assert session.take(20.0) == b"<C199>"


def test_notices_come_first_and_the_newer_takes_the_place_of_the_older() -> None:
    session = watching("A")
    session.offer("A", frame("A", 1), 0.0)
    session.notice("status", "A", b"<status 1>")
    session.notice("status", "A", b"<status 2>")
    assert session.take(0.0) == b"<status 2>"
    assert session.take(0.0) == b"<spaces v1><A1>"


def test_what_is_not_watched_any_more_is_not_sent() -> None:
    session = watching("A")
    session.offer("A", frame("A", 1), 0.0)
    session.notice("status", "A", b"<status>")
    session.unwatch("A")
    session.offer("A", frame("A", 2), 0.1)
    assert session.take(0.1) is None
