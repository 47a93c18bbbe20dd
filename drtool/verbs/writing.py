"""Files that a verb writes because it was asked to."""

from __future__ import annotations

from pathlib import Path

from drtool.errors import BadInput


def write(path: Path, text: str) -> None:
    """Write a text; raises BadInput when that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(str(path), error.strerror or str(error), "a file to write") from error
