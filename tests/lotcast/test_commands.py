from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from libs.common.errors import ConfigurationError
from lotcast.up import parse_camera
from tests.support.real_data import PKLOT, YOLO11N, needs_real_data


def lotcast(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lotcast", *arguments], capture_output=True, text=True, check=False)


def test_help_lists_the_commands_and_each_has_its_own() -> None:
    shown = lotcast("--help")
    assert shown.returncode == 0
    for command in ("demo", "up", "evaluate", "probe"):
        assert command in shown.stdout
        assert lotcast(command, "--help").returncode == 0
    assert "GATEWAY_PORT" in lotcast("demo", "--help").stdout


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["up", "--camera", "a=http://h/", "--fps", "0"]])
def test_what_cannot_be_understood_is_exit_code_2(arguments: list[str]) -> None:
    done = lotcast(*arguments)
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr


@needs_real_data
def test_evaluate_prints_accuracy_misses_and_false_alarms() -> None:
    done = lotcast("evaluate", "--dataset", str(PKLOT), "--model", str(YOLO11N), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["spaces"] == 800
    assert result["occupied"] == 225
    assert result["accuracy"] == pytest.approx(1 - (result["false_occupied"] + result["missed_occupied"]) / 800)
    assert result["accuracy"] >= 0.995
    for_people = lotcast("evaluate", "--dataset", str(PKLOT), "--model", str(YOLO11N))
    assert f"accuracy {result['accuracy']:.4f} of 800 spaces" in for_people.stdout


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "annotations.json: No such file"),
        ('{"name": "x", "images": [{"image": "a.jpg"}]}', "images.0.spaces: Field required"),
        ('{"name": "x", "images": []}', "the data set has no pictures"),
        ('{"name": "x", "images": [{"image": "none.jpg", "spaces": []}]}', "none.jpg: No such file"),
    ],
)
def test_a_bad_data_set_is_one_line_and_exit_code_1(tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "annotations.json").write_text(content)
    done = lotcast("evaluate", "--dataset", str(tmp_path))
    assert done.returncode == 1
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_camera_there_is_nothing_to_run(tmp_path: Path) -> None:
    done = lotcast("up")
    assert (done.returncode, done.stderr[:24]) == (1, "lotcast: which cameras? ")
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras: [{id: gate, url: 'ftp://h/x'}]")
    done = lotcast("up", "--cameras-file", str(file))
    assert done.returncode == 1
    assert f"{file}: camera gate: url: must start with one of" in done.stderr


def test_a_camera_given_twice_is_one_line_and_exit_code_1() -> None:
    done = lotcast("up", "--camera", "gate=http://h/a", "--camera", "gate=http://h/b")
    assert (done.returncode, done.stderr) == (1, "lotcast: --camera gate=…: this name is given twice\n")


def test_a_camera_is_named_by_url_or_file(tmp_path: Path) -> None:
    clip = tmp_path / "a clip.mp4"
    clip.touch()
    assert parse_camera("gate=rtsp://h:554/x?a=b", 5)["url"] == "rtsp://h:554/x?a=b"
    entry = parse_camera(f"yard={clip}", 5)
    assert entry.items() >= {"id": "yard", "name": "yard", "url": clip.as_uri(), "fps": 5, "enabled": True}.items()
    assert parse_camera(f"lot={tmp_path}", 5)["url"] == tmp_path.as_uri(), "a folder of pictures"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gate", "write NAME=URL"),
        ("gate=/no/such/file.mp4", "no such file"),
        ("a b=http://h/", "NAME: .*; it is 'a b'"),
        ("gate=ftp://u:secret@h/", "gate=…: URL: must start with one of .*; it is 'ftp://u:\\*\\*\\*@h/'"),
    ],
)
def test_a_bad_camera_is_explained(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_camera(text, 5)
