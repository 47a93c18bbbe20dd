"""The tutorial, typed line by line into a real shell in a real terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import ROOT, commands, free_port, terminal_in

TUTORIAL = ROOT / "docs" / "tutorial" / "own-service.md"


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    text = TUTORIAL.read_text(encoding="utf-8").replace("8099", str(free_port()))
    typed = list(commands(text))
    assert len(typed) > 15
    with terminal_in(tmp_path) as terminal:
        for one in typed:
            terminal.follow(one)
