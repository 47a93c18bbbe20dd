"""The host that a step acts on."""

from __future__ import annotations

from drtool.action import Facts
from drtool.errors import BadInput
from drtool.model.inventory import Ssh


def host_of(facts: Facts) -> str:
    """The host that ``at`` names; raises BadInput when it names none."""
    if facts.at is None or facts.at.host is None:
        raise BadInput(f"step {facts.step}", "does not say on which host", hint="at: to.HOST")
    return facts.at.host


def ssh_of(facts: Facts) -> Ssh:
    """How that host is reached; raises BadInput when the inventory does not say so."""
    found = facts.inventory.hosts.get(host_of(facts))
    if found is None or found.ssh is None:
        raise BadInput(f"host {host_of(facts)}", "the inventory does not say how to reach it")
    return found.ssh
