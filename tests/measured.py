"""The last figures of the long suites, in measured.json beside this file; pages show them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")


def keep(suite: str, **figures: Any) -> None:
    """Put the figures of one suite in the place of its last ones, with today's date."""
    told = kept() | {suite: {"on": f"{datetime.now(UTC):%Y-%m-%d}", **figures}}
    FILE.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def kept() -> dict[str, Any]:
    """All that is kept, by suite; empty where nothing was measured."""
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return found
