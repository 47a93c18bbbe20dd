from __future__ import annotations

from pathlib import Path

from drtool.lab.layout import SitePaths
from drtool.lab.site import reason_not_to_start


def site(root: Path) -> SitePaths:
    paths = SitePaths(root)
    paths.data.mkdir()
    (paths.data / "PG_VERSION").write_text("17\n")
    return paths


def test_a_primary_is_held_back_at_boot(tmp_path: Path) -> None:
    reason = reason_not_to_start(site(tmp_path))
    assert reason is not None
    assert reason.startswith("held back by the boot guard")


def test_a_standby_starts(tmp_path: Path) -> None:
    paths = site(tmp_path)
    (paths.data / "standby.signal").touch()
    assert reason_not_to_start(paths) is None


def test_a_release_lets_a_primary_start(tmp_path: Path) -> None:
    paths = site(tmp_path)
    paths.release.touch()
    assert reason_not_to_start(paths) is None


def test_without_data_there_is_nothing_to_start(tmp_path: Path) -> None:
    assert reason_not_to_start(SitePaths(tmp_path)) == "there is no data directory"
