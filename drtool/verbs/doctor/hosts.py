"""Hosts over SSH: whether we get in, what a command costs, the space where the data lies."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.connections.ssh_vitals import Space, Vitals
from drtool.errors import DrtoolError
from drtool.model.inventory import Ssh
from drtool.units import brief_text, bytes_text
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen

_AREA = Area.HOSTS
# A shell without a profile of its own costs milliseconds.
SLOW_SHELL_SECONDS = 0.3
FREE_SHARE = 0.05
LITTLE_SHARE = 0.15


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Each host's own."""
    for name, found in seen.hosts.items():
        ssh = scope.inventory.hosts[name].ssh
        if ssh is None:
            continue
        if isinstance(found, DrtoolError):
            ssh_there = f"ssh -p {ssh.port} {ssh.user}@{ssh.address} true"
            cure = f"bring it up, or correct it in {scope.inventory_path}; try: {ssh_there}"
            yield _AREA.told(found, cure)
            continue
        faults = [*_shell(name, ssh, found), *_spaces(name, found)]
        yield from faults
        if not faults:
            yield _AREA.well(f"host {name}", _told(found))


def _told(found: Vitals) -> str:
    free = [space.free_bytes for space in found.spaces if space.free_bytes is not None]
    parts = ["lets us in", f"a command takes {brief_text(found.command_seconds)}"]
    if free:
        parts.append(f"{bytes_text(min(free))} free")
    return ", ".join(parts)


def _shell(name: str, ssh: Ssh, found: Vitals) -> Iterator[Finding]:
    if found.shell_seconds > SLOW_SHELL_SECONDS:
        yield _AREA.warning(
            f"host {name}",
            f"its login shell makes every command {brief_text(found.shell_seconds)} slower; the"
            f" network takes {brief_text(found.network_seconds)}",
            f"see what the profile of {ssh.user} does there: sh -x ~/.profile, or give it"
            " another shell",
            f"at most {brief_text(SLOW_SHELL_SECONDS)}",
        )


def _spaces(name: str, found: Vitals) -> Iterator[Finding]:
    for space in found.spaces:
        share = _share(space)
        if share is not None and share < LITTLE_SHARE:
            tell = _AREA.problem if share < FREE_SHARE else _AREA.warning
            yield tell(
                f"host {name}",
                f"{bytes_text(space.free_bytes or 0)} free at {space.path}, {share:.0%} of it",
                "free space there: a standby that lags and a rebuild both want it",
                f"at least {LITTLE_SHARE:.0%}",
            )


def _share(space: Space) -> float | None:
    if space.free_bytes is None or not space.total_bytes:
        return None
    return space.free_bytes / space.total_bytes
