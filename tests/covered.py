"""What a test's own environment must keep, so that coverage follows into child processes."""

from __future__ import annotations

import os


def covered() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
