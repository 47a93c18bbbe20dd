"""The questions of `drtool init`, typed at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import Typed, terminal_in

ANSWERS = [
    ("name (as orders) [notes]: ", ""),
    ("postgresql or none [postgresql]: ", "oracle"),
    ("postgresql or none [postgresql]: ", "none"),
    ("Strategy [none]: ", ""),
    ("west=198.51.100.10): ", ""),
    ("west=198.51.100.10): ", "east=192.0.2.10"),
    ("west=198.51.100.10): ", "east=192.0.2.10 west=198.51.100.10"),
    ("notes.example.com:8080): ", "http://notes.example.com:8080/health"),
    ("start notes]: ", "sudo -n systemctl start notes.service"),
    ("over SSH [192.0.2.10]: ", ""),
    ("over SSH [198.51.100.10]: ", "198.51.100.11"),
    ("over SSH [root]: ", "deploy"),
    ("servers [22]: ", ""),
    ("[30m]: ", "soon"),
    ("[30m]: ", "20m"),
    ("failover [root]: ", "oncall"),
    ("compare [y/N]: ", "n"),
]


@pytest.mark.timeout(150)
def test_the_questions_are_judged_at_once_and_their_defaults_hold(tmp_path: Path) -> None:
    with terminal_in(tmp_path, LOGNAME="root", COLUMNS="300") as terminal:
        said = terminal.type(Typed("drtool init notes", ANSWERS))
    assert "Error: 'oracle' is not one of postgresql, none" in said
    assert "Error: it has no default" in said
    assert "Error: two sites are needed" in said
    assert "Error: 'soon' is not a duration" in said
    assert "To fill in (2):" in said
    assert "drtool failover notes.yaml --from east --to west --dry-run" in said
    inventory = (tmp_path / "notes" / "inventory.yaml").read_text(encoding="utf-8")
    assert "address: 198.51.100.11" in inventory
    assert "user: deploy" in inventory
    assert "rto: 20m" in (tmp_path / "notes" / "notes.yaml").read_text(encoding="utf-8")
