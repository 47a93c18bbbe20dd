"""Actions and checks on the power of a host, through its Redfish controller."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Literal

from pydantic import Field

from drtool.action import Check, Facts, Hands, Look, StateAction, Target
from drtool.connections.listening import takes_connections
from drtool.connections.reach import Reader
from drtool.connections.redfish import PowerHands, PowerReader, PowerState, RestorePolicy
from drtool.connections.typed import redfish, restore_policy, switch_off, switch_on, typed
from drtool.errors import BadInput, Refused, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Power
from drtool.model.proof import Proof, ProofKind
from drtool.model.purpose import Purpose
from drtool.safety.identity import reason_not_that_machine
from drtool.units import Duration

_PROOF_AGE = Duration(60)
_OFF_SECONDS = 30.0
_POLL_SECONDS = 0.05
_ASK_SECONDS = 1.0


class PowerSeen(PowerState):
    """What a controller said, and when.

    ``answering`` says that the host itself was seen at work, where the controller says Off and
    is not taken at its word.
    """

    at: datetime
    answering: str = ""


class Off(StateAction[PowerSeen]):
    """Cut a host's power at once, and keep it off when mains power returns.

    The restore policy is set first: a machine that was cut and comes back by itself would be a
    second primary; where the controller knows no such policy the proof is not durable.
    Everything else that runs on the host ends with it. It proves nothing of a database: what a
    promotion wants before it is ``postgresql.fence``, by power alone with ``paths: [power]``.
    """

    purpose = Purpose.FENCE
    target = Target.HOST
    default_deadline = Duration(30)

    stay_off: bool = Field(
        default=True, description="Set the restore policy to stay off when mains power returns."
    )

    def observe(self, look: Look) -> PowerSeen:
        """What the controller says, held against the host's own SSH port when it says Off."""
        seen = power_now(look)
        if not seen.off:
            return seen
        return seen.model_copy(update={"answering": _what_answers(look.facts)})

    def changes(self, seen: PowerSeen) -> list[Change]:
        """Power, and the restore policy where it can be set."""
        found = []
        if self.stay_off and seen.restore_policy is not None and not seen.stays_off:
            found.append(_policy(seen, "AlwaysOff"))
        if not seen.off or seen.answering:
            found.append(_power(seen, "Off"))
        return found

    def reason_to_wait(self, seen: PowerSeen) -> str | None:
        """Wait while the controller is at it."""
        return "the controller says PoweringOff" if seen.power == "PoweringOff" else None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """The restore policy first, then the cut."""
        controller = hands.reach(PowerHands, host_of(hands.facts))
        if any(change.after == "AlwaysOff" for change in changes):
            controller.set_restore_policy("AlwaysOff")
        if any(change.after == "Off" for change in changes):
            controller.reset("ForceOff")

    def proofs(self, seen: PowerSeen, facts: Facts) -> list[Proof]:
        """That this machine was seen off, and whether it stays so."""
        return [
            Proof(
                kind=ProofKind.POWER,
                subject=str(facts.at),
                identity=seen.uuid or seen.system,
                evidence=f"controller says Off, restore policy {seen.restore_policy or 'unknown'}",
                at=seen.at,
                max_age=_PROOF_AGE,
                durable=seen.stays_off,
            )
        ]

    def by_hand(self, facts: Facts) -> list[str]:
        """The requests to the controller."""
        return switch_off(power_of(facts))

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The host's controller."""
        return [(PowerReader, host_of(facts)), (PowerHands, host_of(facts))]


class On(StateAction[PowerSeen]):
    """Power a host on. Whether its PostgreSQL may start is the boot guard's business.

    It can be taken back: a host that this step found off is powered off again, unless it bears
    a database of the inventory, which somebody may have promoted since.
    """

    purpose = Purpose.PROVISION
    target = Target.HOST
    default_deadline = Duration(300)
    one_way = False

    restore_policy: RestorePolicy | None = Field(
        default=None,
        description="What shall happen when mains power returns; default: as it is.",
    )

    def observe(self, look: Look) -> PowerSeen:
        """What the controller says."""
        return power_now(look)

    def changes(self, seen: PowerSeen) -> list[Change]:
        """Power, and the restore policy where one is wanted."""
        found = [] if seen.power == "On" else [_power(seen, "On")]
        if self.restore_policy not in {None, seen.restore_policy}:
            found.append(_policy(seen, str(self.restore_policy)))
        return found

    def reason_to_wait(self, seen: PowerSeen) -> str | None:
        """Wait while the controller is at it."""
        return "the controller says PoweringOn" if seen.power == "PoweringOn" else None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Power first, then the policy."""
        controller = hands.reach(PowerHands, host_of(hands.facts))
        if any(change.after == "On" for change in changes):
            controller.reset("On")
        if self.restore_policy and any(c.after == self.restore_policy for c in changes):
            controller.set_restore_policy(self.restore_policy)

    def undo(self, hands: Hands, before: PowerSeen) -> None:
        """What was found on stays on; raises Refused for a host with a database."""
        host = host_of(hands.facts)
        databases = _databases(hands.facts, host)
        if before.off and databases:
            raise Refused(f"power of {host}", f"stays on, for it bears {', '.join(databases)}")
        controller = hands.reach(PowerHands, host)
        if self.restore_policy and before.restore_policy:
            controller.set_restore_policy(before.restore_policy)
        if before.off:
            _power_off(controller, host)

    def by_hand(self, facts: Facts) -> list[str]:
        """The requests to the controller."""
        power = power_of(facts)
        policy = [restore_policy(power, self.restore_policy)] if self.restore_policy else []
        return [switch_on(power), *policy, typed(redfish(power)), "PowerState must be On."]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The host's controller."""
        return [(PowerReader, host_of(facts)), (PowerHands, host_of(facts))]


class State(Check[PowerSeen]):
    """A host is on, or off, by its controller's word."""

    purpose = Purpose.ASSESS
    target = Target.HOST

    # A quoted word: `on` and `off` are strings in a runbook too.
    state: Literal["on", "off"] = Field(description="What the host must be.")
    restore_policy: RestorePolicy | None = Field(
        default=None, description="What shall be set for the return of mains power."
    )

    def observe(self, look: Look) -> PowerSeen:
        """What the controller says."""
        return power_now(look)

    def judge(self, seen: PowerSeen, facts: Facts) -> str | None:
        """Power and policy against what was asked for."""
        if seen.power.lower() != self.state:
            return f"power of {host_of(facts)} is {seen.power}, expected {self.state.title()}"
        if self.restore_policy not in {None, seen.restore_policy}:
            return (
                f"restore policy of {host_of(facts)} is {seen.restore_policy or 'unknown'}, "
                f"expected {self.restore_policy}"
            )
        return None

    def by_hand(self, facts: Facts) -> list[str]:
        """The question to the controller."""
        policy = f", PowerRestorePolicy {self.restore_policy}" if self.restore_policy else ""
        said = f"PowerState must be {self.state.title()}{policy}."
        return [typed(redfish(power_of(facts))), said]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The host's controller."""
        return [(PowerReader, host_of(facts))]


def power_now(look: Look) -> PowerSeen:
    """What the controller of the step's host says; raises Refused when it is another machine's."""
    host, power = host_of(look.facts), power_of(look.facts)
    state = look.reach(PowerReader, host).state()
    found = (state.system, state.uuid)
    reason = reason_not_that_machine(f"power of {host}", found, power.system, power.uuid)
    if reason is not None:
        subject, _, why = reason.rpartition(": ")
        raise Refused(subject, why, hint="correct system and uuid in the inventory")
    return PowerSeen(**state.model_dump(), at=look.now())


def host_of(facts: Facts) -> str:
    """The host that ``at`` names; raises BadInput when it names none."""
    if facts.at is None or facts.at.host is None:
        raise BadInput(f"step {facts.step}", "acts on a host", hint="at: SITE.HOST")
    return facts.at.host


def _what_answers(facts: Facts) -> str:
    """What still answers of a host that is said to be off, or ""."""
    ssh = facts.inventory.hosts[host_of(facts)].ssh
    if ssh is not None and takes_connections(ssh.address, ssh.port, _ASK_SECONDS):
        return f"port {ssh.port} of {ssh.address} takes connections"
    return ""


def _databases(facts: Facts, host: str) -> list[str]:
    """The systems of the inventory that a host bears."""
    return [
        f"{name}.{system}"
        for name, site in facts.inventory.sites.items()
        for system, found in site.systems.items()
        if host in found.hosts
    ]


def _power_off(controller: PowerHands, host: str) -> None:
    """Switch off, and wait until the controller says so."""
    end = time.monotonic() + _OFF_SECONDS
    if not controller.state().off:
        controller.reset("ForceOff")
    while not controller.state().off:
        if time.monotonic() > end:
            raise StepFailed(
                f"power of {host}", f"not off {_OFF_SECONDS:g} s after ForceOff", "Off"
            )
        time.sleep(_POLL_SECONDS)


def _power(seen: PowerSeen, after: str) -> Change:
    before = f"{seen.power}, yet {seen.answering}" if seen.answering else seen.power
    return Change(subject=f"power of system {seen.system}", before=before, after=after)


def _policy(seen: PowerSeen, after: str) -> Change:
    return Change(
        subject=f"restore policy of system {seen.system}",
        before=seen.restore_policy or "unknown",
        after=after,
    )


def power_of(facts: Facts) -> Power:
    """The controller of the step's host; raises BadInput when it has none."""
    host = facts.inventory.hosts.get(host_of(facts))
    if host is None or host.power is None:
        raise BadInput(f"host {host_of(facts)}", "the inventory names no power controller for it")
    return host.power
