"""Host keys that `drtool init` fetches are believed by a person, never by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from conversation import converse
from ssh_host import SshHost

from drtool.connections.ssh_keys import fingerprint, key_blob

NOBODY = "127.0.1.9"


def words(directory: Path, host: SshHost) -> list[str | Path]:
    return [
        *("init", directory, "--scan-host-keys", "--service", "notes", "--kind", "none"),
        *("--strategy", "none", "--url", "http://127.0.1.1/", "--command", "true"),
        *("--site", f"east={NOBODY}", "--site", f"west={host.address}"),
        *("--host", f"east={NOBODY}", "--host", f"west={host.address}"),
        *("--ssh-user", host.user, "--ssh-port", str(host.port), "--rto", "10m"),
        *("--approver", "oncall"),
    ]


@pytest.mark.parametrize("same", ["y", "n"])
def test_a_key_is_taken_when_a_person_says_that_it_is_the_same(
    same: str, ssh_host: SshHost, tmp_path: Path
) -> None:
    said = converse(words(tmp_path / "notes", ssh_host), [("Is it the same", same)])
    shown = fingerprint(key_blob(ssh_host.host_key.split()[1], "west_host"))
    assert shown in said
    assert "east_host: ssh at" in said
    assert "its key is left to fill in" in said
    inventory = (tmp_path / "notes" / "inventory.yaml").read_text(encoding="utf-8")
    assert (ssh_host.host_key in inventory) is (same == "y")
    assert inventory.count("FILL_IN") == (1 if same == "y" else 2)
