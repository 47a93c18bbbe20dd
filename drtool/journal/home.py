"""Where drtool keeps its state: one directory of the user's, closed to others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs

from drtool.errors import JournalUnusable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def home() -> Path:
    """``DRTOOL_HOME``, or the user's state directory of the platform; not created here."""
    chosen = os.environ.get("DRTOOL_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_state_dir("drtool"))


def journal_path(home: Path) -> Path:
    """The database of a home."""
    return home / "journal.sqlite"


def reports_dir(home: Path) -> Path:
    """Where a home's reports lie."""
    return home / "reports"


def secure_directory(path: Path) -> Path:
    """Make the directory with mode 0700, or close an existing one to others.

    Raises JournalUnusable when it cannot be made, is not a directory or stays open to others.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & _OTHERS:
            path.chmod(0o700)
    except OSError as error:
        raise JournalUnusable(
            f"directory {path}",
            error.strerror or str(error),
            "a directory that belongs to the user who runs drtool",
            f"chown or free it, or choose another: export DRTOOL_HOME=... (now {path})",
        ) from error
    return path


def secure_file(path: Path) -> None:
    """Close an existing file to others; raises OSError as chmod does."""
    if path.stat().st_mode & _OTHERS:
        path.chmod(0o600)
