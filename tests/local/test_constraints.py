"""The versions that images are made of fit what the project asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
NOT_IN_IMAGES = ("dev", "redis", "run", "training")
"""Extras: developers' tools, the redis-server of machines without one, the name for several others, training."""


def test_the_images_versions_are_those_the_project_wants() -> None:
    lines = (ROOT / "deploy/image/constraints.txt").read_text("utf-8").split()
    pinned = dict(line.split("==") for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(text for name in extras if name not in NOT_IN_IMAGES for text in extras[name]),
    ]
    assert wanted
    for requirement in map(Requirement, wanted):
        version = pinned.get(requirement.name)
        assert version is not None, f"{requirement.name} has no version; run `make constraints`"
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}; run `make constraints`"
