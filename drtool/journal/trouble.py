"""What a failing disk or database means to the person on call, and what cures it."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from drtool.errors import JournalUnusable

_ELSEWHERE = "or go on with another: export DRTOOL_HOME=/a/directory/on/another/disk"
_RESTORE = (
    "see what differs with drtool journal verify; keep it as evidence, then "
    "restore journal and anchor together from a backup, "
    "or go on with a new one: export DRTOOL_HOME=/a/new/directory; "
    "a new run observes every step and adopts what is done"
)
_WHO = "see which one with: fuser -v PATH"
_ERRNO = {
    errno.ENOSPC: ("the disk is full", f"free space there, {_ELSEWHERE}"),
    errno.EDQUOT: ("the disk quota is used up", f"free space there, {_ELSEWHERE}"),
    errno.EIO: ("the disk failed to write", f"check the disk (dmesg), {_ELSEWHERE}"),
    errno.EROFS: ("the file system is read-only", f"remount it for writing, {_ELSEWHERE}"),
    errno.EACCES: ("permission denied", f"chown it to the user who runs drtool, {_ELSEWHERE}"),
    errno.EPERM: ("permission denied", f"chown it to the user who runs drtool, {_ELSEWHERE}"),
    errno.ENOENT: ("it is gone", _RESTORE),
}
_SQLITE = {
    sqlite3.SQLITE_FULL: _ERRNO[errno.ENOSPC],
    sqlite3.SQLITE_IOERR: _ERRNO[errno.EIO],
    sqlite3.SQLITE_READONLY: (
        "it cannot be written",
        f"chmod or chown it and its directory, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_PERM: _ERRNO[errno.EACCES],
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        f"see that it and its directory belong to the user who runs drtool, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", _WHO),
    sqlite3.SQLITE_LOCKED: ("another process keeps it locked", _WHO),
    sqlite3.SQLITE_CORRUPT: ("the database is damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: ("it is not a drtool journal", _RESTORE),
}


def damaged(path: Path, found: str, expected: str = "") -> JournalUnusable:
    """The journal or its anchor is not what was written."""
    return JournalUnusable(f"journal {path}", found, expected, _RESTORE)


def locked(path: Path, seconds: float) -> JournalUnusable:
    """Somebody kept the journal locked for too long."""
    return JournalUnusable(
        f"journal {path}",
        f"another process has kept it locked for {seconds:g} s",
        hint=_WHO.replace("PATH", str(path)),
    )


def written_by_another(run: str, last: int, known: int) -> JournalUnusable:
    """Another engine has written of a run since this one did: the two must not both go on."""
    return JournalUnusable(
        f"run {run}",
        f"another engine has written up to its event {last}, this one knows {known}",
        "one engine for each run",
        f"drtool status {run}",
    )


def unusable(path: Path, error: OSError | sqlite3.Error) -> JournalUnusable:
    """The error as one line that names the path, and its cure."""
    if isinstance(error, OSError):
        found, cure = _ERRNO.get(
            error.errno or 0, (error.strerror or str(error), f"mend it, {_ELSEWHERE}")
        )
    else:
        # the low byte is the primary code, the rest says more than we tell apart
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        found, cure = _SQLITE.get(code, (str(error), f"mend it, {_ELSEWHERE}"))
    return JournalUnusable(f"journal {path}", found, hint=cure.replace("PATH", str(path)))
