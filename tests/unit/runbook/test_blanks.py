"""Places that are still to be filled in are named, with what belongs there."""

from __future__ import annotations

from good_documents import EAST_KEY, Lint


def test_a_blank_is_named_once_and_judged_no_further(lint: Lint) -> None:
    blank = "FILL_IN the first two words of the public key"
    told = lint(inventory=[(EAST_KEY, blank)])
    (line,) = [one for one in told if "inventory.yaml" in one]
    assert "hosts.east_db.ssh.host_key is still to be filled in" in line
    assert line.endswith("hint: the first two words of the public key")
