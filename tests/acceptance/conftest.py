"""Stories are told at full speed: their processes are measured for coverage in other tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def unmeasured() -> Iterator[None]:
    """Have the processes that a story starts run without coverage, which doubles their time."""
    with pytest.MonkeyPatch.context() as changed:
        for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]:
            changed.delenv(name)
        yield
