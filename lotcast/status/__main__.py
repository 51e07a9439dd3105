"""`python -m lotcast.status`: `lotcast status` alone, for containers that hold no other service."""

from __future__ import annotations

import sys

import typer

from libs.common.errors import LotcastError
from lotcast.status.command import status


def main() -> None:
    """Run the command; a known failure is one line on stderr and exit code 1."""
    try:
        typer.run(status)
    except LotcastError as error:
        sys.stderr.write(f"lotcast: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
