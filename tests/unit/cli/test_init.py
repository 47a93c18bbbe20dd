"""The questions of `drtool init`, typed at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from conversation import converse


@pytest.mark.timeout(150)
def test_the_questions_are_judged_at_once_and_their_defaults_hold(tmp_path: Path) -> None:
    directory = tmp_path / "notes"
    said = converse(
        ["init", directory],
        [
            ("The service's name", ""),
            ("What holds its data", "oracle"),
            ("What holds its data", "none"),
            ("Strategy", ""),
            ("The two sites", "east=192.0.2.10"),
            ("The two sites", "east=192.0.2.10 west=198.51.100.10"),
            ("Where the service is asked", "http://notes.example.com:8080/health"),
            ("What brings it up", "sudo -n systemctl start notes.service"),
            ("Where east_host", ""),
            ("Where west_host", "198.51.100.11"),
            ("Who logs in", "deploy"),
            ("The port", ""),
            ("How long it may be away", "soon"),
            ("How long it may be away", "20m"),
            ("Who consents", "oncall"),
            ("Fetch the machines' host keys", "n"),
        ],
    )
    assert "Error: 'oracle' is not one of postgresql, none" in said
    assert "Error: two sites are needed" in said
    assert "Error: 'soon' is not a duration" in said
    assert "To fill in (2):" in said
    assert "drtool failover notes.yaml --from east --to west --dry-run" in said
    inventory = (directory / "inventory.yaml").read_text(encoding="utf-8")
    assert "address: 198.51.100.11" in inventory
    assert "user: deploy" in inventory
    assert "rto: 20m" in (directory / "notes.yaml").read_text(encoding="utf-8")
