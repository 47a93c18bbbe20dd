"""Write an archive whose bytes follow from its content alone, and check one against its manifest.

The manifest has the form of ``sha256sum``: a hash, two spaces, a name, for each other file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drtool.errors import BadInput, Faults
from drtool.model.value import Value

TOP = "drtool-bundle"
MANIFEST = "MANIFEST"


@dataclass(frozen=True)
class File:
    """One file of the archive: its name within, and its content or where to read it."""

    name: str
    content: bytes | Path
    program: bool = False

    def read(self) -> bytes:
        """The content."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


class Archived(Value):
    """An archive that is as its manifest says: its own hash, and how many files it holds."""

    path: str
    sha256: str
    files: int
    size: int

    def text(self) -> str:
        """The archive in two lines."""
        size = f"{self.size / 1_000_000:.1f} MB"
        return (
            f"{self.path}: {self.files} files, {size}, as its manifest says\nsha256 {self.sha256}"
        )


def write(path: Path, files: list[File]) -> Archived:
    """Write the archive, whole or not at all; the same files give the same bytes."""
    files = sorted(files, key=lambda file: file.name)
    lines = [f"{hashlib.sha256(file.read()).hexdigest()}  {file.name}\n" for file in files]
    manifest = File(MANIFEST, "".join(lines).encode())
    fresh = path.with_name(path.name + ".new")
    try:
        with (
            fresh.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for file in (manifest, *files):
                content = file.read()
                archive.addfile(_member(file, len(content)), io.BytesIO(content))
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadInput(f"bundle {path}", f"cannot be written: {error.strerror}") from error
    return _archived(path, len(files))


def _member(file: File, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"{TOP}/{file.name}")
    member.size, member.mode = size, 0o755 if file.program else 0o644
    return member


def verify(path: Path) -> Archived:
    """Check every file of an archive; raises Faults with all that is not as its manifest says."""
    found: dict[str, str] = {}
    faults: list[str] = []
    manifest = b""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                top, _, name = member.name.partition("/")
                if content is None or top != TOP or not name or ".." in name.split("/"):
                    faults.append(f"{member.name} has no place in a bundle")
                elif name == MANIFEST:
                    manifest = content.read()
                else:
                    found[name] = hashlib.sha256(content.read()).hexdigest()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"bundle {path}", f"cannot be read: {reason}") from error
    faults += _differences(_read_manifest(manifest), found)
    if faults:
        lines = (f"bundle {path}: {fault}" for fault in faults)
        raise Faults((*lines, "  hint: copy it again, or make it again"))
    return _archived(path, len(found))


def _read_manifest(content: bytes) -> dict[str, str]:
    pairs = (line.partition("  ") for line in content.decode(errors="replace").splitlines())
    return {name: digest for digest, _, name in pairs}


def _differences(told: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    if not told:
        yield f"{MANIFEST} is missing or empty"
        return
    for name in sorted(told.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in told:
            yield f"{name} is not in the manifest"
        elif told[name] != found[name]:
            yield f"{name} is not what the manifest says"


def _archived(path: Path, files: int) -> Archived:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Archived(path=str(path), sha256=digest, files=files, size=path.stat().st_size)
