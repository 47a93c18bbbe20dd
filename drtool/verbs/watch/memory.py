"""What a watch has told already, kept over its own restarts."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from drtool.errors import JournalUnusable
from drtool.journal.home import secure_directory
from drtool.verbs.watch.findings import Memory


def recalled(home: Path) -> Memory:
    """What people know; nothing when the file is not there or cannot be read any more."""
    try:
        return Memory.model_validate_json(_file(home).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Memory()


def remember(home: Path, memory: Memory) -> None:
    """Keep it; raises JournalUnusable when it cannot be written."""
    file = _file(secure_directory(home))
    fresh = file.with_suffix(".new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(memory.model_dump_json())
        fresh.replace(file)
    except OSError as error:
        raise JournalUnusable(f"file {file}", error.strerror or str(error)) from error


def _file(home: Path) -> Path:
    return home / "watch.json"
