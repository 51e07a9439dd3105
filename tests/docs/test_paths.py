"""Documents name files and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("[a-z]*/**/README.md")]
    if not {"node_modules", "dist", "decisions"} & set(path.relative_to(ROOT).parts)
)
TOP_FOLDERS = ("bench", "deploy", "docs", "libs", "lotcast", "services", "tests", "tools", "web")
CODE_PATH = re.compile(rf"`((?:{'|'.join(TOP_FOLDERS)})/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
MADE_LATER = re.compile(r"^(web/dist|deploy/models/|docs/images/|web/node_modules|tests/artifacts)")
"""What a build or a user puts there."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_and_link_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    named = {(ROOT / path, path) for path in CODE_PATH.findall(text) if not MADE_LATER.match(path)}
    linked = {(document.parent / link, link) for link in LINK.findall(text)}
    missing = sorted(path for target, path in named | linked if not target.exists())
    assert not missing, f"{document.relative_to(ROOT)} names what does not exist: {missing}"


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs/decisions").glob("[0-9]*.md")]
    assert sorted(numbers) == sorted(set(numbers))
