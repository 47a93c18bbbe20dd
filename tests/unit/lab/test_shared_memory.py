"""What a killed PostgreSQL server leaves in the kernel is given back, and nothing else."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from drtool.lab import shared_memory

KEY = 0  # IPC_PRIVATE
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]


@pytest.fixture
def segment() -> Iterator[int]:
    made = libc.shmget(KEY, 64, 0o1600)
    assert made >= 0
    yield made
    libc.shmctl(made, 0, None)


def known() -> set[int]:
    rows = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {int(row.split()[1]) for row in rows}


def note(data: Path, key: int, segment: int) -> None:
    lines = ["1", str(data), "0", "5432", "", "*", f"{key:>9} {segment:>9}", "ready"]
    (data / "postmaster.pid").write_text("\n".join(lines))


def test_it_is_given_back(tmp_path: Path, segment: int) -> None:
    note(tmp_path, KEY, segment)
    shared_memory.free(tmp_path)
    assert segment not in known()


def test_what_somebody_uses_stays(tmp_path: Path, segment: int) -> None:
    attached = libc.shmat(segment, None, 0)
    note(tmp_path, KEY, segment)
    shared_memory.free(tmp_path)
    assert segment in known()
    libc.shmdt(attached)


def test_another_ones_stays(tmp_path: Path, segment: int) -> None:
    note(tmp_path, KEY + 1, segment)
    shared_memory.free(tmp_path)
    assert segment in known()


@pytest.mark.parametrize("text", ["", "1\n2\n", "1\n2\n3\n4\n5\n6\nno number\n"])
def test_nothing_noted_is_nothing_to_do(tmp_path: Path, segment: int, text: str) -> None:
    shared_memory.free(tmp_path)
    (tmp_path / "postmaster.pid").write_text(text)
    shared_memory.free(tmp_path)
    assert segment in known()
