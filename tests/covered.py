"""Where coverage is measured: what a test's own environment must keep, and where it is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from coverage import Coverage


def covered() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


@contextmanager
def unmeasured() -> Iterator[None]:
    """Measure neither this process nor those that it starts: that doubles their time."""
    measuring = Coverage.current()
    with pytest.MonkeyPatch.context() as changed:
        for name in covered():
            changed.delenv(name)
        if measuring is not None:
            measuring.stop()
        try:
            yield
        finally:
            if measuring is not None:
                measuring.start()
