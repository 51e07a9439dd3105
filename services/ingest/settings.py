"""Ingest's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Reads cameras and puts their frames, undecoded where they are JPEG, on the bus."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    cameras_file: Annotated[
        Path | None, Field(description="YAML file of cameras and their spaces, written to Redis at the start")
    ] = None
    cameras: Annotated[str, Field(description="cameras as `NAME=URL,NAME=URL`, written to Redis at the start")] = ""
    stall_after_s: Annotated[
        float, Field(gt=0, le=600, description="a camera that sends nothing for this long is reconnected")
    ] = 10.0
    connect_timeout_s: Annotated[float, Field(gt=0, le=120, description="to reach a camera")] = 5.0
    backoff_max_s: Annotated[float, Field(gt=0, le=600, description="longest wait between tries to reconnect")] = 30.0
    frame_max_bytes: Annotated[
        int, Field(ge=1024, description="a longer frame is garbage; the camera is reconnected")
    ] = 10_000_000
    jpeg_quality: Annotated[int, Field(ge=1, le=100, description="of frames that did not come as JPEG")] = 85
