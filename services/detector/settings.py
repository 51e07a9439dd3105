"""The detector's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from libs.common.monitoring.server import MonitoringSettings
from libs.common.settings import RENAMED_FROM
from services.detector.engines.class_names import check_classes, read_classes
from services.detector.engines.model_file import MODELS_FOLDER
from services.detector.motion import USUAL_THRESHOLD

DEMO_MODEL: Final = Path(__file__).parents[2] / "deploy/demo/assets/lotcast-demo.onnx"


class DetectorSettings(MonitoringSettings):
    """Finds vehicles in the cameras' newest frames, tracks them, and judges which parking spaces are taken."""

    model_config = SettingsConfigDict(env_prefix="DETECTOR_")

    model: Annotated[
        str,
        Field(
            description="a model file or folder, the name of one that `lotcast model get` fetched, or `demo`: knows "
            "the rendered demo only"
        ),
    ] = "demo"
    models_folder: Annotated[Path, Field(description="where models lie that `lotcast model get` fetched")] = (
        MODELS_FOLDER
    )
    classes: Annotated[
        str,
        Field(
            description="vehicles that the model calls otherwise: `tram=bus,rickshaw=car`; `=none` does not count one; "
            "a model without names takes numbers: `2=car`"
        ),
        AfterValidator(check_classes),
    ] = ""
    engine: Annotated[
        Literal["auto", "openvino", "ultralytics"],
        Field(description="`auto`: openvino for .xml, .onnx and OpenVINO folders, ultralytics for the rest"),
    ] = "auto"
    device: Annotated[str, Field(description="`auto`, `cpu`, or what the engine calls a device (`cuda:0`, `GPU`)")] = (
        "auto"
    )
    confidence: Annotated[float, Field(gt=0, lt=1, description="least confidence of a vehicle that is counted")] = 0.25
    track_confidence: Annotated[
        float, Field(gt=0, lt=1, description="least confidence that keeps an existing track alive")
    ] = 0.1
    nms_iou: Annotated[float, Field(gt=0, lt=1, description="overlap (IoU) above which two boxes are one vehicle")] = (
        0.5
    )
    motion_threshold: Annotated[
        float,
        Field(
            ge=0,
            le=255,
            description="change of grey that counts as motion; where nothing moves the model rests; 0: never",
        ),
    ] = USUAL_THRESHOLD
    look_every_s: Annotated[
        float, Field(gt=0, le=3.5, description="the model looks at least this often, though nothing moves")
    ] = 3.0
    judge: Annotated[
        Literal["auto", "heads", "network", "vehicles"],
        Field(
            description="what decides that a space is occupied: `heads` on the trunk of a YOLO11n model, our own "
            "`network`, or only the `vehicles` found in tiles; `auto`: heads where they fit, else network"
        ),
    ] = "auto"
    inspect_every_s: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="spaces in doubt are looked at this often, quicker where something moves, twelve times rarer "
            "where nothing does; 0: never, the vehicles found in each frame decide",
        ),
    ] = 5.0
    inspect_confidence: Annotated[
        float, Field(gt=0, lt=1, description="least confidence of a vehicle in a look at tiles")
    ] = 0.1
    one_space_each: Annotated[
        bool,
        Field(
            description="a vehicle takes one space only; otherwise one that stands across two, such as a lorry, takes "
            "both"
        ),
    ] = False
    hold_s: Annotated[
        float,
        Field(
            ge=0,
            le=86_400,
            description="spaces that cannot be judged though frames come (fog, a lorry) are unknown after this long",
        ),
    ] = 300.0
    frozen_after_s: Annotated[
        float,
        Field(
            ge=0,
            le=86_400,
            description="a picture that stays the same for this long, but for a time stamp in it, is frozen, its "
            "spaces unknown; 0: never",
        ),
    ] = 180.0
    carry_shift: Annotated[
        float,
        Field(
            ge=0,
            le=0.5,
            description="spaces are carried along when the camera has moved by no more than this share of the "
            "picture's width; 0: never",
        ),
    ] = 0.05
    proposals_every_s: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="where vehicles stand is noted this often, to propose spaces there; 0: never",
        ),
    ] = 5.0
    workers: Annotated[
        int,
        Field(
            ge=0,
            le=64,
            description="frames worked on at once; 0: three more than cores; "
            "for a model that takes batches one batch more, two at least",
            json_schema_extra={RENAMED_FROM: "DETECTOR_LANES"},
        ),
    ] = 0
    batch_wait_ms: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="where the model takes batches, a frame waits this long at most for other cameras'; 0: never",
        ),
    ] = 5.0
    jpeg_quality: Annotated[int, Field(ge=1, le=100, description="of the annotated picture")] = 85
    frame_max_pixels: Annotated[
        int, Field(ge=10_000, description="a picture with more pixels is refused: decoding it takes too much memory")
    ] = 36_000_000
    frame_max_age_s: Annotated[float, Field(gt=0, le=60, description="older frames are dropped and counted")] = 2.0
    lease_timeout_s: Annotated[
        float,
        Field(ge=0.5, le=60, description="a detector that is silent for this long loses its cameras to the others"),
    ] = 2.0
    occupied_after_s: Annotated[
        float, Field(ge=0, le=600, description="a space is occupied once a vehicle stood in it this long")
    ] = 2.0
    free_after_s: Annotated[float, Field(ge=0, le=600, description="a space is free once seen empty this long")] = 4.0
    unknown_after_s: Annotated[
        float, Field(gt=0, le=3600, description="spaces are unknown when no picture came for this long")
    ] = 10.0
    log_interval_s: Annotated[
        float, Field(ge=0, le=3600, description="detection log: what was detected in one frame; 0 is off")
    ] = 1.0
    log_keep_s: Annotated[int, Field(gt=0, description="how long the detection log goes back")] = 3600
    log_max_bytes: Annotated[
        int, Field(ge=10_000, description="memory that a camera's detection log takes in Redis at most")
    ] = 4_800_000
    events_keep: Annotated[int, Field(gt=0, description="about how many occupancy changes a camera keeps")] = 70_000

    @property
    def class_map(self) -> dict[str, str]:
        """`classes` as the model's name or number → vehicle class or `none`."""
        return read_classes(self.classes)
