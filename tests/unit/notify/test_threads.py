from __future__ import annotations

import stat
from pathlib import Path

from drtool.connections.slack import Posted
from drtool.notify.threads import Threads

ROOT = Posted(channel="C1", ts="1.000001")


def test_a_thread_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "notices" / "r1.json"
    assert Threads(path).root("C1") is None
    Threads(path).keep("C1", ROOT)
    again = Threads(path)
    assert (again.root("C1"), again.root("C2")) == (ROOT, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_garbled_or_cannot_be_written_costs_only_a_second_thread(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r1.json"
    for text in ("", "[]", '{"C1": 1}', "{"):
        path.write_text(text)
        assert Threads(path).root("C1") is None
    nowhere = Threads(path / "within" / "a file.json")
    nowhere.keep("C1", ROOT)
    assert nowhere.root("C1") == ROOT
