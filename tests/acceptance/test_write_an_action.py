"""The how-to for an action of one's own: its files are written and its commands typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import ROOT, commands, free_port, terminal_in, write_files

PAGE = ROOT / "docs" / "how-to" / "write-an-action.md"


@pytest.mark.timeout(180)
def test_an_action_of_ones_own_is_installed_tested_and_run(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8").replace("8098", str(free_port("127.0.0.1")))
    package, installed = tmp_path / "acme", tmp_path / "installed"
    assert len(write_files(text, package)) == 6
    # beside this test's drtool and not among its packages, from what is installed already
    install = f"pip install -q --no-index --no-deps --no-build-isolation -t {installed} ."
    with terminal_in(package, PYTHONPATH=str(installed), PIP_NO_INPUT="1") as terminal:
        for one in commands(text):
            one.command = one.command.replace("pip install -e .", install)
            terminal.follow(one)
