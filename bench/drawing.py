"""Plots of what was measured, as SVG that is the same for the same figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def draw(results: Mapping[str, Any], into: Path) -> dict[str, dict[str, str]]:
    """Write them; by part, the title of each file."""
    return {}
