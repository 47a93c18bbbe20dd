"""A disk of its own that is really full: a small tmpfs, which only root can have."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from postgresql_pair import Server


class SmallDisk:
    """A mounted tmpfs, and a file that takes what is left of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> int:
        """Take every byte that is left; how many these were."""
        with (self.path / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"\0" * 65536)
        return (self.path / "filler").stat().st_size

    @property
    def full(self) -> bool:
        """Whether another byte is refused with ENOSPC."""
        try:
            (self.path / "one more").write_bytes(b"\0")
        except OSError as error:
            return error.errno == errno.ENOSPC
        return False


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk | str]:
    """Mount one, or say why this machine cannot; whoever has files open there ends them first."""
    if os.geteuid() != 0:
        yield "only root can mount a small disk"
        return
    path.mkdir()
    options = ["-o", f"size={megabytes}m,mode=0755"]
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        yield f"no small disk can be mounted: {mounted.stderr.strip()}"
        return
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def on_a_disk_of_its_own(server: Server, disk: SmallDisk) -> None:
    """Move a server's data to the disk."""
    server.stop()
    moved = disk.path / server.data.name
    shutil.copytree(server.data, moved, symlinks=True)
    server.data = moved
    server.start()
