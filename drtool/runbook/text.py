"""Read a file as UTF-8 text that is fit for YAML."""

from __future__ import annotations

import re
from pathlib import Path

from drtool.runbook.marks import FaultList, Mark

LARGEST = 1_000_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8 = b"\xef\xbb\xbf"
# What YAML calls printable, less the C1 controls: https://yaml.org/spec/1.2.2/#51-character-set
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


def read_text(path: Path, faults: FaultList) -> str | None:
    """The file's text, or None after a fault was noted."""
    start = Mark(str(path), 1, 1)
    try:
        if path.stat().st_size > LARGEST:
            faults.add(start, f"the file has {path.stat().st_size:,} bytes, more than {LARGEST:,}")
            return None
        raw = path.read_bytes()
    except OSError as error:
        faults.add(start, f"cannot be read: {error.strerror}", "check the path")
        return None
    if raw.startswith(_UTF16) or re.match(rb"[^\0]\0[^\0]\0|\0[^\0]\0[^\0]", raw):
        faults.add(start, "the file is UTF-16", "save it as UTF-8")
        return None
    if raw.startswith(_UTF8):
        faults.add(start, "the file starts with a byte order mark", "save it as UTF-8 without BOM")
        return None
    return _decoded(raw, start, faults)


def _decoded(raw: bytes, start: Mark, faults: FaultList) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        faults.add(_at(start, raw[: error.start].decode()), "not UTF-8", "save the file as UTF-8")
        return None
    found = _CONTROL.search(text)
    if found:
        what = f"the character U+{ord(found.group()):04X} cannot stand in YAML"
        faults.add(_at(start, text[: found.start()]), what, "remove it")
        return None
    return text


def _at(start: Mark, before: str) -> Mark:
    return Mark(start.file, before.count("\n") + 1, len(before) - before.rfind("\n"))
