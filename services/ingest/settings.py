"""Ingest's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.leases import DEFAULT_TIMEOUT_S
from libs.common.monitoring.server import MonitoringSettings


class IngestSettings(MonitoringSettings):
    """Reads cameras and puts their frames, undecoded where they are JPEG, on the bus."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    cameras_file: Annotated[
        Path | None, Field(description="YAML file of cameras and spaces; seeds those that Redis does not know yet")
    ] = None
    cameras: Annotated[
        str, Field(description="cameras as `NAME=URL,NAME=URL`; seeds those that Redis does not know yet")
    ] = ""
    stall_after_s: Annotated[
        float, Field(gt=0, le=600, description="a camera that sends nothing for this long is reconnected")
    ] = 10.0
    connect_timeout_s: Annotated[float, Field(gt=0, le=120, description="to reach a camera")] = 5.0
    backoff_max_s: Annotated[float, Field(gt=0, le=600, description="longest wait between tries to reconnect")] = 30.0
    frame_max_bytes: Annotated[
        int, Field(ge=1024, description="a longer frame is garbage; the camera is reconnected")
    ] = 10_000_000
    frame_max_pixels: Annotated[
        int, Field(ge=10_000, description="a larger picture is refused by its header; 8K video has 33 million pixels")
    ] = 36_000_000
    camera_max_bytes_per_s: Annotated[
        int, Field(ge=100_000, description="of one MJPEG camera; one that sends more is read more slowly")
    ] = 40_000_000
    camera_clock_max_age_s: Annotated[
        float,
        Field(ge=0, le=60, description="a camera's own time is believed up to this age, one second at most; 0 never"),
    ] = 1.0
    hwaccel: Annotated[
        str, Field(pattern="^[a-z0-9_]+$", description="video decoding: `auto`, `off`, or a device such as `vaapi`")
    ] = "auto"
    lease_timeout_s: Annotated[
        float, Field(ge=0.5, le=60, description="an ingest that is silent for this long has lost its cameras")
    ] = DEFAULT_TIMEOUT_S
    jpeg_quality: Annotated[int, Field(ge=1, le=100, description="of frames that did not come as JPEG")] = 85
