"""Files and parts of files that are made from the code: `--check` fails where one is stale.

- web/src/api/openapi.json, from the gateway; the dashboard's TypeScript is generated from it
- docs/asyncapi.json, the live viewers' messages
- the tables in docs/settings.md, from the services' settings
- the tables in docs/metrics.md, from the services' metrics
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from libs.common.settings import ServiceSettings, describe_default, renamed_from
from services.detector.settings import DetectorSettings
from services.gateway.asyncapi import asyncapi_json
from services.gateway.openapi import openapi_json
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from tools.metrics_tables import metrics_tables

ROOT = Path(__file__).parents[1]
SERVICES: dict[str, type[ServiceSettings]] = {
    "ingest": IngestSettings,
    "detector": DetectorSettings,
    "gateway": GatewaySettings,
}


def settings_table() -> str:
    """A table for all services and one for each: every variable, its default, what it is, and its earlier name."""
    shared = dict(ServiceSettings.variables())
    groups = [("All services", list(shared.items()))]
    groups += [
        (name.capitalize(), [pair for pair in settings.variables() if pair[0] not in shared])
        for name, settings in SERVICES.items()
    ]
    rows: list[str] = []
    for heading, variables in groups:
        rows += ["", f"## {heading}", "", "| variable | default | what it is |", "|---|---|---|"]
        for variable, field in variables:
            default = describe_default(field)
            shown = f"`{default}`" if default else ""
            old = renamed_from(field)
            once = f" (once `{old}`)" if old else ""
            rows.append(f"| `{variable}` | {shown} | {field.description}{once} |")
    return "\n".join([*rows, ""])


def expected_files() -> dict[Path, str]:
    """Every generated file with the text that it should have."""
    return {
        ROOT / "docs/settings.md": _with_part(ROOT / "docs/settings.md", "settings", settings_table()),
        ROOT / "docs/metrics.md": _with_part(ROOT / "docs/metrics.md", "metrics", metrics_tables()),
        ROOT / "web/src/api/openapi.json": openapi_json(),
        ROOT / "docs/asyncapi.json": asyncapi_json(),
    }


def _with_part(file: Path, name: str, part: str) -> str:
    """The file's text with what stands between the part's marks made anew.

    Raises:
        ValueError: the file has no such marks.
    """
    begin, end = f"<!-- {name}: made by `make format` -->", f"<!-- /{name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    text, places = pattern.subn(lambda _: f"{begin}\n{part}\n{end}", file.read_text("utf-8"))
    if places != 1:
        raise ValueError(f"{file.relative_to(ROOT)}: {begin} and {end} must stand in it, once")
    return text


def main() -> int:
    """Write the stale files, or with `--check` name them and fail."""
    parser = argparse.ArgumentParser(prog="python -m tools.generated", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something is stale")
    check = parser.parse_args().check
    stale = [file for file, text in expected_files().items() if not file.exists() or file.read_text("utf-8") != text]
    for file in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: {file.relative_to(ROOT)}\n")
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(expected_files()[file], "utf-8")
    if stale and check:
        sys.stdout.write("run `make format`\n")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
