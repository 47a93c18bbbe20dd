"""Host keys that `drtool init` fetches are believed by a person, never by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssh_host import SshHost
from terminal import Typed, terminal_in

from drtool.connections.ssh_keys import fingerprint, key_blob

NOBODY = "127.0.1.9"


def command(host: SshHost) -> str:
    return (
        "drtool init notes --scan-host-keys --service notes --kind none --strategy none"
        f" --url http://127.0.1.1/ --command true --site east={NOBODY} --site west={host.address}"
        f" --host east={NOBODY} --host west={host.address}"
        f" --ssh-user {host.user} --ssh-port {host.port} --rto 10m --approver oncall"
    )


@pytest.mark.parametrize("same", ["yes", "no"])
def test_a_key_is_taken_when_a_person_says_that_it_is_the_same(
    same: str, ssh_host: SshHost, tmp_path: Path
) -> None:
    with terminal_in(tmp_path, COLUMNS="300") as terminal:
        asked = [("Type yes if it is the same: ", same)]
        said = terminal.type(Typed(command(ssh_host), asked))
    assert fingerprint(key_blob(ssh_host.host_key.split()[1], "west_host")) in said
    assert "east_host: ssh at" in said
    assert "its key is left to fill in" in said
    inventory = (tmp_path / "notes" / "inventory.yaml").read_text(encoding="utf-8")
    assert (ssh_host.host_key in inventory) is (same == "yes")
    assert inventory.count("FILL_IN") == (1 if same == "yes" else 2)
