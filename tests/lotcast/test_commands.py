from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from libs.common.errors import ConfigurationError, EngineError
from lotcast.up import parse_camera
from services.detector.engines.model_file import check_model
from services.detector.settings import DEMO_MODEL
from tests.support.forked import run_forked
from tests.support.real_data import PKLOT, YOLO11N, needs_real_data


def lotcast(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_forked("lotcast", *arguments)


def test_help_lists_the_commands_and_each_has_its_own() -> None:
    shown = lotcast("--help")
    assert shown.returncode == 0
    for command in ("demo", "up", "evaluate", "probe"):
        assert command in shown.stdout
        assert lotcast(command, "--help").returncode == 0
    assert "GATEWAY_PORT" in lotcast("demo", "--help").stdout


def test_the_version_is_the_projects() -> None:
    done = lotcast("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("lotcast 0.")


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["up", "--camera", "a=http://h/", "--fps", "0"]])
def test_what_cannot_be_understood_is_exit_code_2(arguments: list[str]) -> None:
    done = lotcast(*arguments)
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["up"], 1), (["nonsense"], 2)])
def test_the_command_ends_while_a_library_still_waits_for_a_camera(arguments: list[str], code: int) -> None:
    waits = "import sys, threading, time; threading.Thread(target=time.sleep, args=(300,)).start()"
    runs = f"sys.argv = ['lotcast', *{arguments}]; from lotcast.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", f"{waits}; {runs}"], capture_output=True, timeout=60, check=False)
    assert done.returncode == code
    assert done.stdout or done.stderr


@needs_real_data
@pytest.mark.long
def test_evaluate_prints_accuracy_misses_and_false_alarms() -> None:
    done = lotcast("evaluate", "--dataset", str(PKLOT), "--model", str(YOLO11N), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["spaces"] == 800
    assert result["occupied"] == 225
    assert result["accuracy"] == pytest.approx(1 - (result["false_occupied"] + result["missed_occupied"]) / 800)
    assert result["accuracy"] >= 0.996
    assert result["unknown"] <= 8
    assert result["accuracy_decided"] >= 0.997
    assert result["calibration_error"] <= 0.01
    assert sum(row["spaces"] for row in result["by_size"]) == 800
    assert sum(row["spaces"] for row in result["by_confidence"]) == 800
    assert result["judge"].startswith("heads on the trunk of")


@needs_real_data
def test_evaluate_tells_people_what_it_tells_programs(tmp_path: Path) -> None:
    described = json.loads((PKLOT / "annotations.json").read_text("utf-8"))
    described["images"] = described["images"][:2]
    (tmp_path / "annotations.json").write_text(json.dumps(described))
    for one in described["images"]:
        (tmp_path / one["image"]).symlink_to(PKLOT / one["image"])
    command = ("evaluate", "--dataset", str(tmp_path), "--model", str(YOLO11N))
    result = json.loads(lotcast(*command, "--json").stdout)
    assert result["spaces"] == 80
    assert f"accuracy {result['accuracy']:.4f} of 80 spaces" in lotcast(*command).stdout


@needs_real_data
def test_evaluate_refuses_a_judge_that_is_none() -> None:
    done = lotcast("evaluate", "--dataset", str(PKLOT), "--model", str(YOLO11N), "--judge", "dice")
    assert done.returncode == 1
    assert "--judge: one of auto, heads, network, vehicles; it is 'dice'" in done.stderr


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
    (tmp_path / "1.jpg").touch()
    assert parse_camera(f"lot={tmp_path}", 5)["url"] == tmp_path.as_uri(), "a folder of pictures"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gate", "write NAME=URL, for example gate=rtsp://192.0.2.7/stream; 'gate' has no ="),
        ("", "write NAME=URL"),
        ("gate=", "gate=…: the URL is empty"),
        ("gate= ", "gate=…: the URL is empty"),
        ("=http://h/", "'' cannot name a camera: a NAME is 1 to 64 letters"),
        ("my gate=http://h/", "'my gate' cannot name a camera: a NAME is 1 to 64 letters"),
        ("gåte=http://h/", "'gåte' cannot name a camera"),
        ("rtsp://u:hunter22@h/", "write NAME=URL, for example gate=rtsp://192.0.2.7/stream"),
        ("rtsp://u:hunter22@h/?a=b", "write NAME=URL, for example gate=rtsp://192.0.2.7/stream"),
        ("gate=/no/such/file.mp4", "gate=…: '/no/such/file.mp4': no such file, and no URL either"),
        ("gate=192.0.2.7:81/stream", "no URL either; an address begins with http:// or rtsp://"),
        ("gate=camera:81/stream", "no URL either; an address begins with http:// or rtsp://"),
        ("gate=u:hunter22@camera/stream", "gate=…: what is given: no such file"),
        ("gate=deploy/local", "there is no picture in the folder deploy/local"),
        ("gate=ftp://u:hunter22@h/", "gate=…: URL: must start with one of"),
        ("gate=rtsp://u:hunter22@h:port/", "gate=…: URL: is not a URL: host or port cannot be read"),
        ("gate=rtsp:///stream", "gate=…: URL: names no host"),
    ],
)
def test_a_bad_camera_is_explained_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_camera(text, 5)
    told = str(caught.value)
    assert told.startswith("--camera")
    assert problem in told
    assert not {"\n", "hunter22", "[A-Z"} & {part for part in ("\n", "hunter22", "[A-Z") if part in told}


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed at once has said, without its name."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == "", "nothing was started"
    assert done.stderr.startswith("lotcast: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("lotcast: ").rstrip("\n")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are no models, whatever their names say."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "notes.txt").write_text("a list of things\n")
    for name in ("text.onnx", "text.pt", "text.xml", "text.engine"):
        (folder / name).write_text("this is a text, and a rather long one at that\n" * 5)
    (folder / "empty.onnx").touch()
    (folder / "empty").mkdir()
    (folder / "other").mkdir()
    (folder / "other/readme.md").touch()
    (folder / "alone.xml").write_text('<?xml version="1.0"?><net name="x" version="11"></net>')
    shutil.copy(DEMO_MODEL, folder / "good.onnx")
    return folder


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("goood.onnx", "goood.onnx does not exist; did you mean "),
        ("no/such/model.onnx", "no/such/model.onnx does not exist; known are .xml and .onnx files"),
        ("yollo11n.pt", "yollo11n.pt does not exist; did you mean "),
        ("nonsense", "nonsense is no file and no model that we know"),
        ("notes.txt", "notes.txt is no model by its name; known are"),
        ("text.onnx", "text.onnx is not what its name says: its content is no .onnx model"),
        ("text.pt", "text.pt is not what its name says"),
        ("text.xml", "text.xml is not what its name says"),
        ("text.engine", "text.engine is not what its name says"),
        ("empty.onnx", "empty.onnx is empty"),
        ("empty", "there is nothing in the folder"),
        ("other", "there is no model in the folder"),
        ("alone.xml", "alone.bin is missing beside"),
        ("", "is empty; name a model file or folder, or `demo`"),
    ],
)
def test_a_model_that_is_none_is_one_line_before_anything_starts(models: Path, model: str, problem: str) -> None:
    given = str(models / model) if (model and (models / model).exists()) or model == "goood.onnx" else model
    told = one_line(lotcast("up", "--camera", "gate=http://127.0.0.1:9/", "--model", given))
    assert told.startswith("--model: ")
    assert problem in told
    with pytest.raises(EngineError, match=r"^DETECTOR_MODEL: "):
        check_model(given)


@pytest.mark.parametrize("model", ["yolo11n.pt", "yolo11n", "yolov8s-seg.pt", "rtdetr-l.pt", "https://h/best.pt"])
def test_without_ultralytics_its_models_say_what_to_install(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setattr("services.detector.engines.model_file.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"needs Ultralytics, which is not installed: run `make ultralytics`"):
        check_model(model)


def test_models_that_are_some_are_taken(models: Path) -> None:
    for model in ("demo", str(models / "good.onnx"), str(DEMO_MODEL)):
        check_model(model)


def test_evaluate_and_the_detector_check_their_model_too(models: Path) -> None:
    told = one_line(lotcast("evaluate", "--dataset", str(models), "--model", str(models / "notes.txt")))
    assert "notes.txt is no model by its name" in told
    environment = {
        **os.environ,
        "DETECTOR_MODEL": "nonsense",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "LOG_FORMAT": "json",
    }
    done = run_forked("services.detector", environment=environment)
    assert done.returncode == 2
    assert "DETECTOR_MODEL: nonsense is no file and no model that we know" in done.stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file or directory"),
        ("", "needs a list under `cameras:`"),
        ("cameras: []", "names none"),
        ("cameras: [", "not YAML"),
        ("cameras: [{id: gate}]", "camera gate: url: Field required"),
        ("cameras: [{id: a b, url: http://h/}]", "camera a b: id: "),
        (b"\xff\xfe\x00", "--cameras-file"),
    ],
)
def test_a_bad_cameras_file_is_one_line(tmp_path: Path, content: str | bytes | None, problem: str) -> None:
    file = tmp_path / "cameras.yaml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = one_line(lotcast("up", "--cameras-file", str(file)))
    assert problem in told
    assert "--cameras-file" in told


def test_a_folder_for_data_has_to_be_named() -> None:
    assert one_line(lotcast("up", "--camera", "a=http://127.0.0.1:9/", "--data", "")).startswith(
        "--data: name a folder"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([""], "probe: the URL is empty"),
        (["nonsense"], "probe: 'nonsense': no such file, and no URL either"),
        (["deploy/local"], "probe: there is no picture in the folder deploy/local"),
        (["ftp://u:hunter22@h/"], "probe: URL: must start with one of"),
        (["http://127.0.0.1:9/", "--picture", "/no/such/folder/a.jpg"], "the folder /no/such/folder does not exist"),
        (["http://127.0.0.1:9/", "--picture", "/tmp"], "--picture /tmp: is a folder"),
    ],
)
def test_what_cannot_be_probed_is_one_line(arguments: list[str], problem: str) -> None:
    told = one_line(lotcast("probe", *arguments))
    assert problem in told
    assert "hunter22" not in told
