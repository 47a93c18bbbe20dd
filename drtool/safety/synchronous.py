"""Whether a primary that waits for standbys would find them, or hang every commit."""

from __future__ import annotations

import re
from collections.abc import Iterable

# PostgreSQL, "synchronous_standby_names": [FIRST | ANY] NUMBER (NAMES), or NAMES for FIRST 1.
_COUNTED = re.compile(r"\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')


def finds_standbys(names: str, standbys: Iterable[str]) -> bool:
    """Whether as many standbys as ``names`` wants are called as it wants them to be called.

    ``names`` is a value of synchronous_standby_names, ``standbys`` are application names. Case
    does not count, and ``*`` is any name.
    """
    counted = _COUNTED.fullmatch(names)
    count, listed = (int(counted[1]), counted[2]) if counted else (1, names)
    wanted = {
        (quoted.replace('""', '"') or plain).lower() for quoted, plain in _NAME.findall(listed)
    }
    return sum("*" in wanted or name.lower() in wanted for name in standbys) >= count
