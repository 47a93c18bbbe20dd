from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from drtool.bundle.archive import File, verify, write
from drtool.errors import BadInput, Faults

FILES = [File("install.sh", b"#!/bin/sh\n", program=True), File("docs/one.md", b"one\n")]
Members = dict[str, bytes]


def packed(path: Path, members: Members, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            archive.addfile(member, io.BytesIO(content))
    return path


def unpacked(path: Path) -> Members:
    with tarfile.open(path) as archive:
        return {
            one.name: content.read() for one in archive if (content := archive.extractfile(one))
        }


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    page = tmp_path / "one.md"
    page.write_bytes(b"one\n")
    os.utime(page, (1, 1))
    write(tmp_path / "first.tar.gz", FILES)
    write(tmp_path / "second.tar.gz", [File("docs/one.md", page), FILES[0]])
    first, second = ((tmp_path / f"{one}.tar.gz").read_bytes() for one in ("first", "second"))
    assert first == second


def test_a_bundle_is_as_its_manifest_says(tmp_path: Path) -> None:
    made = write(tmp_path / "bundle.tar.gz", FILES)
    assert verify(tmp_path / "bundle.tar.gz") == made
    assert made.files == 2
    with tarfile.open(tmp_path / "bundle.tar.gz") as archive:
        told = {one.name: (one.mode, one.mtime, one.uid) for one in archive}
    assert told["drtool-bundle/install.sh"] == (0o755, 0, 0)
    assert told["drtool-bundle/docs/one.md"] == (0o644, 0, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda members: members | {"drtool-bundle/docs/one.md": b"two\n"},
            "docs/one.md is not what the manifest says",
        ),
        (
            lambda members: {n: c for n, c in members.items() if not n.endswith("one.md")},
            "docs/one.md is missing",
        ),
        (
            lambda members: members | {"drtool-bundle/wheels/x.whl": b""},
            "wheels/x.whl is not in the manifest",
        ),
        (
            lambda members: members | {"drtool-bundle/../../etc/passwd": b""},
            "drtool-bundle/../../etc/passwd has no place in a bundle",
        ),
        (lambda members: members | {"/etc/passwd": b""}, "/etc/passwd has no place in a bundle"),
    ],
    ids=["altered", "missing", "added", "upwards", "absolute"],
)
def test_what_differs_is_told(
    tmp_path: Path, change: Callable[[Members], Members], said: str
) -> None:
    write(tmp_path / "bundle.tar.gz", FILES)
    bad = packed(tmp_path / "bad.tar.gz", change(unpacked(tmp_path / "bundle.tar.gz")))
    with pytest.raises(Faults) as told:
        verify(bad)
    assert said in told.value.text()
    assert told.value.exit_code == 2


def test_all_that_differs_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path / "bundle.tar.gz", FILES)
    members = unpacked(tmp_path / "bundle.tar.gz")
    manifest = members["drtool-bundle/MANIFEST"]
    bad = packed(tmp_path / "bad.tar.gz", {"drtool-bundle/MANIFEST": manifest, "x": b""})
    with pytest.raises(Faults) as told:
        verify(bad)
    assert len(told.value.lines) == 4
    assert told.value.lines[-1] == "  hint: copy it again, or make it again"


def test_a_link_has_no_place_in_a_bundle(tmp_path: Path) -> None:
    bad = packed(tmp_path / "bad.tar.gz", {"drtool-bundle/x": b""}, tarfile.SYMTYPE)
    with pytest.raises(Faults) as told:
        verify(bad)
    assert "drtool-bundle/x has no place in a bundle" in told.value.text()
    assert "MANIFEST is missing or empty" in told.value.text()


@pytest.mark.parametrize("content", [None, b"", b"text", gzip.compress(b"text", mtime=0)])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bundle.tar.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match="cannot be read"):
        verify(path)


def test_a_bundle_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    write(path, [*FILES, File("wheels/x.whl", os.urandom(100_000))])
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(BadInput, match="cannot be read"):
        verify(path)


def test_nothing_is_left_of_a_bundle_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written: No such file or directory"):
        write(tmp_path / "missing" / "bundle.tar.gz", FILES)
    assert list(tmp_path.iterdir()) == []
