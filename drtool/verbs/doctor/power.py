"""Power controllers: whether they let us in, and whether a machine that is cut off stays off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from drtool.connections.ssh_vitals import Vitals
from drtool.errors import BadInput, DrtoolError
from drtool.model.inventory import Power
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Controller, Seen

_AREA = Area.POWER
_CERTIFICATE_DAYS = 14


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Each controller's own."""
    for name, found in seen.controllers.items():
        power = scope.inventory.hosts[name].power
        if power is None:
            continue
        if isinstance(found, BadInput):
            yield _AREA.told(found, f"correct it in {scope.inventory_path}")
            continue
        if isinstance(found, DrtoolError):
            curl = f"curl -u {power.user} {power.redfish}/redfish/v1/Systems/{power.system}"
            cure = found.hint or f"bring it up, or correct it in {scope.inventory_path}"
            yield _AREA.problem(found.subject, found.found, f"{cure}; try: {curl}", found.expected)
            continue
        faults = [
            *_wrong_machine(name, power, found, seen),
            *_policy(name, found, scope),
            *_certificate(name, power, found, seen.at),
        ]
        yield from faults
        if not faults:
            yield _AREA.well(f"controller of {name}", _told(found))


def _told(found: Controller) -> str:
    parts = [found.state.power, f"restore policy {found.state.restore_policy}"]
    if found.certificate_ends is not None:
        parts.append(f"certificate until {found.certificate_ends:%Y-%m-%d}")
    return ", ".join(parts)


def _wrong_machine(name: str, power: Power, found: Controller, seen: Seen) -> Iterator[Finding]:
    """A controller that switches another machine proves nothing about this one."""
    subject, cure = f"controller of {name}", f"compare hosts.{name}.power with the machine's label"
    if found.state.system not in {power.system, power.system.rstrip("/").rpartition("/")[2]}:
        yield _AREA.problem(
            subject, f"answers for system {found.state.system}", cure, f"system {power.system}"
        )
    elif found.state.off and isinstance(seen.hosts.get(name), Vitals):
        said = "says Off, and the host answers over SSH"
        yield _AREA.problem(subject, said, cure, "the power of this very host")


def _policy(name: str, found: Controller, scope: Scope) -> Iterator[Finding]:
    by_power = any("power" in server.fence for server in scope.servers_on(name).values())
    if by_power and found.state.restore_policy is None:
        yield _AREA.warning(
            f"controller of {name}",
            "tells no PowerRestorePolicy: a machine cut off may start again with the mains",
            "set it in the machine's firmware to stay off, or fence over SSH first",
            "AlwaysOff, AlwaysOn or LastState",
        )


def _certificate(name: str, power: Power, found: Controller, now: datetime) -> Iterator[Finding]:
    subject, ends = f"controller of {name}", found.certificate_ends
    if power.redfish.startswith("http:"):
        yield _AREA.warning(
            subject,
            "is asked without TLS: the password goes in clear",
            f"hosts.{name}.power.redfish: https://...",
            "https",
        )
    elif ends is not None and ends - now < timedelta(days=_CERTIFICATE_DAYS):
        yield _AREA.warning(
            subject,
            f"its certificate ends on {ends:%Y-%m-%d}",
            "renew it",
            f"more than {_CERTIFICATE_DAYS} days left",
        )
