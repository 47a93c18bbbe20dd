"""Under which settings Prefect is imported."""

from __future__ import annotations

from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.settings import environment


def test_no_server_no_retries_no_log_to_terminal_or_api(tmp_path: Path) -> None:
    found = environment(Api("http://x/api", "drtool:s"), tmp_path / "log", tmp_path)
    assert found["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] == "false"
    assert found["PREFECT_CLIENT_MAX_RETRIES"] == "0"
    assert found["PREFECT_LOGGING_TO_API_ENABLED"] == "false"
    assert found["PREFECT_LOGGING_HANDLERS_FILE_FILENAME"] == str(tmp_path / "log")
    assert "PREFECT_API_KEY" not in found


def test_the_users_own_prefect_home_stays_unless_told(tmp_path: Path) -> None:
    assert "PREFECT_HOME" not in environment(Api("http://x/api"), tmp_path / "log", None)
