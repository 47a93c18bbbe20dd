"""Prefect's settings stand only while it is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drtool.compiler.api import Api
from drtool.compiler.settings import applied, environment


def test_no_server_no_retries_no_log_to_terminal_or_api(tmp_path: Path) -> None:
    found = environment(Api("http://x/api", "drtool:s"), tmp_path / "log", tmp_path)
    assert found["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] == "false"
    assert found["PREFECT_CLIENT_MAX_RETRIES"] == "0"
    assert found["PREFECT_LOGGING_TO_API_ENABLED"] == "false"
    assert found["PREFECT_LOGGING_HANDLERS_FILE_FILENAME"] == str(tmp_path / "log")
    assert "PREFECT_API_KEY" not in found


def test_the_users_own_prefect_home_stays_unless_told(tmp_path: Path) -> None:
    assert "PREFECT_HOME" not in environment(Api("http://x/api"), tmp_path / "log", None)


@pytest.mark.filterwarnings("default")
def test_what_was_set_before_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRTOOL_TEST_SET", "before")
    monkeypatch.delenv("DRTOOL_TEST_UNSET", raising=False)
    with applied({"DRTOOL_TEST_SET": "now", "DRTOOL_TEST_UNSET": "now"}):
        assert os.environ["DRTOOL_TEST_SET"] == os.environ["DRTOOL_TEST_UNSET"] == "now"
    assert os.environ["DRTOOL_TEST_SET"] == "before"
    assert "DRTOOL_TEST_UNSET" not in os.environ
