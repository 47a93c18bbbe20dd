"""Keep files that show that work was done, beside the run's report."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from drtool.bootstrap import App
from drtool.errors import BadInput
from drtool.journal.home import secure_directory
from drtool.model.signed import Evidence

LARGEST = 256 * 1024 * 1024
_BLOCK = 1 << 20


def keep(app: App, run: str, files: Sequence[Path]) -> tuple[Evidence, ...]:
    """Copy the files, and say what they are; nothing is kept when one of them cannot be.

    They are copied as they are: secrets cannot be masked in files of any kind. Raises BadInput.
    """
    for path in files:
        _check(path)
    return tuple(_kept(path, app.reports / f"{run}.evidence") for path in files)


def _check(path: Path) -> None:
    subject = f"evidence {path}"
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(subject, error.strerror or str(error), hint="--evidence FILE") from error
    if not path.is_file():
        raise BadInput(subject, "is no file", hint="--evidence FILE")
    if size > LARGEST:
        raise BadInput(subject, f"has {size:,} bytes", f"at most {LARGEST:,}")
    if not path.name.isprintable():
        raise BadInput(subject, "has a name that cannot be printed", hint="rename it")


def _kept(path: Path, directory: Path) -> Evidence:
    subject = f"evidence {path}"
    fresh = secure_directory(directory) / f".{os.getpid()}.new"
    try:
        with path.open("rb") as source, os.fdopen(_private(fresh), "wb") as copy:
            shutil.copyfileobj(source, copy, _BLOCK)
            copy.flush()
            os.fsync(copy.fileno())
        with fresh.open("rb") as copied:
            digest = hashlib.file_digest(copied, "sha256").hexdigest()
        size, stored = fresh.stat().st_size, directory / f"{digest[:12]}-{path.name}"
        fresh.replace(stored)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadInput(subject, error.strerror or str(error)) from error
    return Evidence(name=path.name, size=size, sha256=digest, stored=str(stored))


def _private(path: Path) -> int:
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
