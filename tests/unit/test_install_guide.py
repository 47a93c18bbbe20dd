"""The systemd units that the documentation shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from drtool.shipped import shipped

GUIDE = (shipped("docs") / "how-to" / "install.md").read_text(encoding="utf-8")
UNITS = re.findall(r"`/etc/systemd/system/(\S+)`.*?```ini\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_shows_the_units() -> None:
    assert [name for name, _ in UNITS] == [
        "drtool-heartbeat.service",
        "drtool-prefect.service",
        "postgresql@17-main.service.d/drtool-guard.conf",
    ]


@pytest.mark.parametrize(("name", "unit"), UNITS[:2], ids=["heartbeat", "prefect"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path, name: str, unit: str) -> None:
    (tmp_path / name).write_text(re.sub(r"/opt/drtool/bin/drtool", "/bin/true", unit))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert name not in done.stderr


def test_the_boot_guard_starts_a_standby_always_and_a_primary_once(tmp_path: Path) -> None:
    found = re.search(r"ExecCondition=((?:.*\\\n)*.*)", UNITS[2][1])
    assert found
    (tmp_path / "17" / "main").mkdir(parents=True)
    condition = found[1].replace("/var/lib/postgresql", str(tmp_path))

    def starts() -> bool:
        done = subprocess.run(condition, shell=True, capture_output=True, check=False)  # noqa: S602 - as systemd reads it
        assert 0 <= done.returncode < 255
        return done.returncode == 0

    signal, release = tmp_path / "17" / "main" / "standby.signal", tmp_path / "drtool.release"
    assert not starts()
    release.touch()
    assert [starts(), starts()] == [True, False]
    signal.touch()
    assert [starts(), starts()] == [True, True]
