"""Which version of Lotcast this is; the package's own comes from here."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.2.0"
