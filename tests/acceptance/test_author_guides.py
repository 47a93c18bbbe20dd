"""The how-tos for those who write runbooks, typed line by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import ROOT, commands, free_port, terminal_in

GUIDES = ROOT / "docs" / "how-to"


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_a_service_of_ones_own_from_nothing_to_its_dry_run(tmp_path: Path) -> None:
    text = (GUIDES / "start-your-own.md").read_text(encoding="utf-8")
    with terminal_in(tmp_path) as terminal:
        for one in commands(text.replace("8097", str(free_port()))):
            terminal.follow(one)


@pytest.mark.parametrize("name", ["editor.md", "paper-runbook.md"])
def test_a_page_does_what_it_says(name: str, tmp_path: Path) -> None:
    (tmp_path / "runbooks").symlink_to(ROOT / "runbooks")
    typed = list(commands((GUIDES / name).read_text(encoding="utf-8")))
    assert len(typed) >= 3
    with terminal_in(tmp_path) as terminal:
        for one in typed:
            terminal.follow(one)
