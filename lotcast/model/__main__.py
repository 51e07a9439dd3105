"""`python -m lotcast.model`: `lotcast model` by itself, as the image `models` has it."""

from __future__ import annotations

import sys

from libs.common.errors import LotcastError
from libs.common.logging import configure_logging
from libs.common.settings import ServiceSettings
from lotcast.model.command import app


def main() -> int:
    """Run the command; a known failure is one line on stderr and exit code 1."""
    try:
        configure_logging(ServiceSettings.from_environment(), "lotcast")
        app()
    except LotcastError as error:
        sys.stderr.write(f"lotcast: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
