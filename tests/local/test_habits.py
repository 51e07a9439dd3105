"""What is written in two places agrees."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from libs.common.version import VERSION

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def commands_of(target: str) -> list[str]:
    """The commands of a make target, as a shell gets them."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found is not None
    lines = [line.strip().lstrip("@") for line in found[1].splitlines()]
    return [line.replace("$(BIN)", ".venv/bin").replace("$(MAKE) --no-print-directory", "make") for line in lines]


def test_pre_commit_checks_what_make_check_does() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]] == commands_of("check")


def test_the_forge_runs_what_decides_a_landing_on_every_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    job = workflow["jobs"]["run"]
    assert ".ci/run" in [step.get("run") for step in job["steps"]]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_every_target_is_phony_and_known() -> None:
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    named = set(phony[1].replace("\\\n", " ").split())
    assert named == set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", MAKEFILE, re.MULTILINE))


def test_the_changelog_knows_the_version() -> None:
    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_links_of_the_front_pages_lead_somewhere() -> None:
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/releasing.md")]
    for page in [*pages, *(ROOT / "docs/benchmarks").glob("*.md"), *(ROOT / "docs/decisions").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            if "://" not in target and target != "docs/architecture.md":
                assert (page.parent / target).exists(), f"{page.name}: {target}"
