"""drtool's own directory on this machine: its modes, its disk, and the journal in it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from drtool.errors import JournalUnusable
from drtool.journal.home import journal_path
from drtool.journal.machine import machine_id
from drtool.journal.opening import anchor_path, open_files
from drtool.journal.reading import head_of
from drtool.units import brief_text, bytes_text
from drtool.verbs.doctor.finding import Area, Finding

_AREA = Area.JOURNAL
_ELSEWHERE = "export DRTOOL_HOME=/a/directory/on/another/disk"
# File systems whose locks and syncs SQLite cannot rely on (its FAQ, "over a network").
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|9p|ceph|glusterfs|lustre|afs|fuse\.(sshfs|s3fs|rclone).*"
)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
FREE_BYTES = 100_000_000
ENOUGH_BYTES = 1_000_000_000
SLOW_SECONDS = 0.1
PATIENCE_SECONDS = 2.0


def findings(home: Path) -> Iterator[Finding]:
    """The directory, its disk, the journal."""
    there = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield _AREA.problem(
            str(home),
            "cannot be written",
            f"chown it to the user who runs drtool, or {_ELSEWHERE}",
        )
        return
    yield from _open_to_others(home)
    yield from _disk(home, there)
    yield from _journal(journal_path(home))


def _open_to_others(home: Path) -> Iterator[Finding]:
    private = (home, *sorted(home.glob("journal.sqlite*")), home / "prefect-server" / "auth")
    for path in private:
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & _OTHERS:
                closed = "700" if path.is_dir() else "600"
                yield _AREA.warning(
                    str(path),
                    f"its mode is {mode:04o}: others of this machine may read it",
                    f"chmod {closed} {shlex.quote(str(path))}",
                    f"0{closed}",
                )


def _disk(home: Path, there: Path) -> Iterator[Finding]:
    """Its kind, its free space, and whether a synced write works."""
    kind = kind_of_filesystem(there.resolve(), _mounts())
    if _NETWORK.fullmatch(kind):
        yield _AREA.problem(
            str(home),
            f"lies on a network file system ({kind}), whose locks a journal cannot rely on",
            _ELSEWHERE,
            "a disk of this machine",
        )
    elif kind in {"tmpfs", "ramfs"}:
        yield _AREA.warning(
            str(home), f"lies in memory ({kind}): a restart loses every run", _ELSEWHERE
        )
    free = shutil.disk_usage(there).free
    if free < ENOUGH_BYTES:
        tell = _AREA.problem if free < FREE_BYTES else _AREA.warning
        yield tell(
            str(home),
            f"{bytes_text(free)} free",
            f"free space there, or {_ELSEWHERE}",
            bytes_text(ENOUGH_BYTES),
        )
    try:
        took = _synced_write(there)
    except OSError as error:
        found = f"a synced write fails: {error.strerror}"
        yield _AREA.problem(str(home), found, f"check the disk (dmesg), or {_ELSEWHERE}")
        return
    said = f"{bytes_text(free)} free, a synced write takes {brief_text(took)}"
    if took > SLOW_SECONDS:
        yield _AREA.warning(
            str(home),
            said,
            f"every step waits for two of them; {_ELSEWHERE}",
            f"at most {brief_text(SLOW_SECONDS)}",
        )
    else:
        yield _AREA.well(str(home), said)


def _synced_write(directory: Path) -> float:
    """How long a write takes until it is on the disk; its file never has a name."""
    with tempfile.TemporaryFile(dir=directory) as file:
        began = time.monotonic()
        file.write(b"drtool doctor\n")
        file.flush()
        os.fsync(file.fileno())
        return time.monotonic() - began


def _journal(path: Path) -> Iterator[Finding]:
    """Whether it opens, and ends where its anchor says."""
    if not path.exists() and not anchor_path(path).exists():
        yield _AREA.well("journal", "none yet: the first run makes it")
        return
    try:
        opened = open_files(
            path, create=False, read_only=True, damaged_too=False, patience=PATIENCE_SECONDS
        )
    except JournalUnusable as error:
        yield _AREA.told(error, _ELSEWHERE)
        return
    entries = head_of(opened.connection).seq
    opened.connection.close()
    if opened.anchor is not None:
        opened.anchor.close()
    if opened.identity.machine != machine_id():
        yield _AREA.problem(
            f"journal {path}",
            "was written on another machine, and copied",
            "export DRTOOL_HOME=/a/new/directory",
            "a journal of this machine's own",
        )
        return
    yield _AREA.well("journal", f"{entries} entries, the last one as its anchor says")


def kind_of_filesystem(path: Path, mounts: str) -> str:
    """The kind of the file system that a path lies on, by /proc/self/mountinfo (proc(5))."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields.split()[4])
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), rest.split()[0]
    return kind


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
