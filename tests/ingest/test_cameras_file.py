from __future__ import annotations

from pathlib import Path

import pytest

from libs.common.errors import ConfigurationError
from services.ingest.cameras_file import parse_cameras_file, parse_cameras_variable, read_entries
from services.ingest.directory import read_listing

GOOD = """
cameras:
  - id: gate
    name: Main gate
    url: rtsp://user:secret@192.0.2.7/main
    fps: 5
    motion_threshold: 0
    spaces:
      - {space_id: A1, space_name: A 1, polygon: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]], min_overlap: 0.3}
  - {id: yard, url: "http://192.0.2.8:81/stream"}
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cameras: [{id: gate, url: 'ftp://h/x'}]", "c.yaml: camera gate: url: must start with one of .* 'ftp://h/x'"),
        ("cameras: [{id: gate}]", "camera gate: url: Field required"),
        ("cameras: [{id: 'a b', url: 'http://h/'}]", "camera a b: id: .*; it is 'a b'"),
        ("cameras: [{id: g, url: 'http://h/', fps: 0}]", "camera g: fps: Input should be greater than 0; it is 0"),
        ("cameras: [{id: g, url: 'http://h/', colour: red}]", "camera g: colour: "),
        ("cameras: [{id: g, url: 'http://h/'}, {id: g, url: 'http://i/'}]", "camera g: id: 'g' stands twice"),
        (
            "cameras: [{id: g, url: 'http://h', spaces: [{space_id: A, space_name: B, polygon: [[0,0],[1,2],[1,0]]}]}]",
            r"camera g: spaces.0.polygon.1.1: Input should be less than or equal to 1; it is 2",
        ),
        (
            "cameras: [{id: g, url: 'http://h', spaces: [{space_id: A, space_name: B, polygon: [[0,0],[1,1],[1,0]],"
            " min_overlap: 40}]}]",
            r"camera g: spaces.0.min_overlap: Input should be less than or equal to 1; it is 40",
        ),
        ("cameras: [{id: g, url: 'http://h/', motion_threshold: 300}]", "camera g: motion_threshold: .*; it is 300"),
        (
            "cameras: [{id: g, url: 'http://h', "
            "spaces: [&a {space_id: A, space_name: B, polygon: [[0,0],[1,1],[1,0]]}, *a]}]",
            "camera g: space_id 'A' stands twice$",
        ),
        (
            "cameras: [{id: g, url: 'http://h', "
            "spaces: [{space_id: A, space_name: B, polygon: [[0,0],[0.5,0.5],[1,1]]}]}]",
            r"camera g: spaces.0.polygon: encloses no area; it is \[\[0, 0\], \[0.5, 0.5\], \[1, 1\]\]",
        ),
        ("cameras: 7", "needs a list under `cameras:`"),
        ("cameras: [", "not YAML"),
        ("", "needs a list"),
    ],
)
def test_a_bad_entry_is_named_with_field_and_value(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_cameras_file(text, "c.yaml")


def test_cameras_from_the_environment() -> None:
    entries = parse_cameras_variable("gate=http://h:81/stream, yard=rtsp://i/main")
    assert [(entry.id, entry.url) for entry in entries] == [("gate", "http://h:81/stream"), ("yard", "rtsp://i/main")]
    with pytest.raises(ConfigurationError, match="INGEST_CAMERAS: entry 1 is not NAME=URL"):
        parse_cameras_variable("nonsense")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gate=ftp://h/", "INGEST_CAMERAS: camera gate: url: must start with one of .*; it is 'ftp://h/'"),
        ("a b=http://h/", "INGEST_CAMERAS: camera a b: id: .*; it is 'a b'"),
        ("gate=http://h/,gate=http://i/", "INGEST_CAMERAS: camera gate: id: 'gate' stands twice"),
    ],
)
def test_a_bad_entry_of_the_environment_is_named_with_field_and_value(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_cameras_variable(text)


def test_a_camera_stands_in_one_place(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(GOOD)
    assert len(read_entries(tmp_path / "c.yaml", "roof=http://h/")) == 3
    with pytest.raises(
        ConfigurationError, match=r"c\.yaml beside INGEST_CAMERAS: camera gate: id: 'gate' stands twice"
    ):
        read_entries(tmp_path / "c.yaml", "gate=http://h/")


def test_a_problem_never_shows_a_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_cameras_variable("gate=ftp://user:secret@h/x")
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"INGEST_CAMERAS_FILE: .*none\.yaml"):
        read_entries(Path("none.yaml"), "")


@pytest.mark.parametrize(
    "entry",
    [
        '{"id": "gate", "url": "rtsp://h/user=admin&password=hunter22"}',
        '{"id": "gate", "name": "x", "url": "rtsp://u:hunter22@h:x/"}',
        '{"id": "gate", "name": "x", "url": "rtsp//u:hunter22@h/"}',
        '{"id": "gate", "name": "x", "url": "rtsp://u:hun/ter22@h/"}',
        '{"id": "gate", "name": ["hunter22"], "url": "rtsp://h/"}',
        '{"id": "gate", "name": "x", "url": ["rtsp://u:hunter22@h/"]}',
        '{"id": "gate", "name": "x", "url": {"a": "rtsp://u:hunter22@h/"}}',
        '{"id": "gate", "name": "x", "url": "rtsp://u:hunter22@h/"',
        '["rtsp://u:hunter22@h/"]',
        '"rtsp://u:hunter22@h/"',
    ],
)
def test_a_bad_entry_in_redis_is_described_without_what_may_be_a_password(entry: str) -> None:
    problem = read_listing({b"gate": entry.encode()}).bad["gate"]
    assert "ter22" not in problem
    assert problem
