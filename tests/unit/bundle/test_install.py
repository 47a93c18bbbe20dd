from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drtool.bundle.archive import write
from drtool.verbs.bundle import installer


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write(tmp_path / "bundle.tar.gz", [installer(frozenset({"dns"}))])
    archive = tmp_path / "bundle.tar.gz"
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(tmp_path)], check=True)
    return tmp_path / "drtool-bundle"


def install(
    bundle: Path, *words: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(bundle / "install.sh"), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHON": python},
    )


def test_no_python_is_told(bundle: Path) -> None:
    done = install(bundle, python="python-of-nowhere")
    assert done.returncode == 2
    assert "there is no python-of-nowhere" in done.stderr
    assert "hint: PYTHON=" in done.stderr


def test_another_python_is_told(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho cpython-3.9-linux-x86_64\n")
    other.chmod(0o700)
    done = install(bundle, python=str(other))
    assert done.returncode == 2
    assert "is cpython-3.9-linux-x86_64, and the wheels are for" in done.stderr


def test_a_file_that_was_changed_is_told(bundle: Path) -> None:
    with (bundle / "install.sh").open("a") as script:
        script.write("# changed\n")
    done = install(bundle)
    assert done.returncode == 2
    assert "a file is not as MANIFEST says" in done.stderr
    assert not (bundle / "venv").exists()


def test_what_is_there_already_is_left_alone(bundle: Path, tmp_path: Path) -> None:
    done = install(bundle, str(tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path} is there already" in done.stderr
