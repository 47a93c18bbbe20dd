"""drtool's own server: a process is known again by more than its id."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from drtool.compiler import server


def test_a_home_without_a_server_says_so(tmp_path: Path) -> None:
    found = server.status(tmp_path)
    assert not found.running
    assert found.sentence() == "drtool's Prefect server is not running"
    assert server.embedded(tmp_path) is None


def test_a_process_that_only_got_the_same_id_is_not_ended(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        record = server.Record(pid=other.pid, identity="1", api_url="http://127.0.0.1:1/api")
        directory = tmp_path / "prefect-server"
        directory.mkdir()
        (directory / "server.json").write_text(record.model_dump_json(), encoding="utf-8")
        assert not server.status(tmp_path).running
        server.stop(tmp_path)
        assert other.poll() is None
        assert not (directory / "server.json").exists()
    finally:
        other.communicate(b"\n", timeout=10)


def test_a_damaged_record_is_no_server(tmp_path: Path) -> None:
    (tmp_path / "prefect-server").mkdir()
    (tmp_path / "prefect-server" / "server.json").write_text("{", encoding="utf-8")
    assert not server.status(tmp_path).running


def test_the_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    first = server._secret(tmp_path)
    assert first == server._secret(tmp_path)
    assert len(first) > 40
    assert stat.S_IMODE((tmp_path / "auth").stat().st_mode) == 0o600
