"""Give back the shared memory that a killed PostgreSQL server leaves in the kernel."""

from __future__ import annotations

import ctypes
from pathlib import Path

_TABLE = Path("/proc/sysvipc/shm")
_IPC_RMID = 0
# postmaster.pid, line 7: LOCK_FILE_LINE_SHMEM_KEY of PostgreSQL's pidfile.h.
_MEMORY_LINE = 6


def free(data: Path, table: Path = _TABLE) -> None:
    """Remove the segment that the data directory's last server noted, if nobody uses it."""
    try:
        noted = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        key, segment = (int(word) for word in noted[_MEMORY_LINE].split())
        rows = table.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, IndexError, ValueError):
        return
    # key, id, permissions, size, two process ids, how many are attached (proc(5))
    for known_key, known, _, _, _, _, attached, *_ in (map(int, row.split()) for row in rows):
        if (known_key, known, attached) == (key, segment, 0):
            ctypes.CDLL(None, use_errno=True).shmctl(segment, _IPC_RMID, None)
