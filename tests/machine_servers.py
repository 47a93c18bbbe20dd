"""The machine's own servers, for tests that want them."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

from drtool.lab.servers.kinds import Absent

T = TypeVar("T")


def needed(found: T | Absent) -> T:
    """What was found; a test whose server is missing is skipped, and fails where root runs it.

    Root's `make test` has installed it.
    """
    if not isinstance(found, Absent):
        return found
    if os.geteuid() == 0:
        pytest.fail(f"{found}; .ci/servers installs it")
    pytest.skip(str(found))
