"""Named places where a test can end the process as a power cut would."""

from __future__ import annotations

import os
import signal
from pathlib import Path

_AT = os.environ.get("DRTOOL_CRASH_AT", "")
_LIST = os.environ.get("DRTOOL_CRASH_LIST", "")


def crashpoint(name: str) -> None:
    """End the process with SIGKILL if ``DRTOOL_CRASH_AT`` names this place.

    With ``DRTOOL_CRASH_LIST`` set, each place passed is appended to that file, so that a test
    can list them all from a clean run.
    """
    if _LIST:
        with Path(_LIST).open("a", encoding="utf-8") as names:
            names.write(name + "\n")
    if name == _AT:
        os.kill(os.getpid(), signal.SIGKILL)
