"""What is left to do once a server follows another: what its time before has left behind."""

from __future__ import annotations

from drtool.action import Facts, Hands, Look
from drtool.actions.postgresql.sides import other_side, place_of, session_for, system_at
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.redfish import PowerHands, PowerReader
from drtool.errors import AccessDenied, DrtoolError, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Postgresql
from drtool.model.value import Value

# A controller forgets what was set before a fence; a machine that ran comes back with this.
RESTORE_POLICY = "LastState"


class LooseEnds(Value):
    """What a fence or a change of roles has left behind at a server that follows now.

    ``unused_slot`` is one that it kept for its own standby of before, and that would hold WAL back
    until its disk is full. ``stays_off`` is its host, where that would stay off when mains power
    returns, as its fence wanted; ``power_trouble`` is why that is not known.
    """

    place: str
    unused_slot: str = ""
    stays_off: str = ""
    power_trouble: str = ""

    @property
    def changes(self) -> list[Change]:
        """One for each; their subjects are parts of the server's, which was consented to."""
        found = []
        if self.unused_slot:
            found.append(
                self._change(f"slot {self.unused_slot}", "unused, holding WAL back", "dropped")
            )
        if self.stays_off:
            where = f"restore policy of host {self.stays_off}"
            found.append(self._change(where, "AlwaysOff", RESTORE_POLICY))
        return found

    def _change(self, part: str, before: str, after: str) -> Change:
        return Change(subject=f"postgresql {self.place} {part}", before=before, after=after)


def slot_of(system: Postgresql) -> str:
    """The slot that a standby of this system uses there."""
    return system.replication.slot if system.replication else "drtool"


def look_at_loose_ends(look: Look) -> LooseEnds:
    """What is left behind at the step's server, and at its host's power controller."""
    place = place_of(look.facts)
    slot = slot_of(system_at(look.facts, other_side(look.facts)))
    unused = look.reach(PostgresqlReader, str(place)).slots().get(slot) is False
    host = _fenced_by_power(look.facts)
    stays_off, trouble = False, ""
    try:
        stays_off = bool(host) and look.reach(PowerReader, host).state().stays_off
    except DrtoolError as error:
        trouble = error.line()
    return LooseEnds(
        place=str(place),
        unused_slot=slot if unused else "",
        stays_off=host if stays_off else "",
        power_trouble=trouble,
    )


def tie_up(hands: Hands, ends: LooseEnds) -> None:
    """Tie up all of them, the most urgent first."""
    if ends.unused_slot:
        session_for(hands, ends.place).drop_slot(ends.unused_slot)
    if ends.stays_off:
        _release_power(hands, ends.stays_off)


def _fenced_by_power(facts: Facts) -> str:
    """The server's host, where a fence may have told its controller to keep it off; else ""."""
    system = system_at(facts, place_of(facts))
    host = facts.inventory.hosts.get(system.host)
    return system.host if host and host.power and "power" in system.fence else ""


def _release_power(hands: Hands, host: str) -> None:
    try:
        hands.reach(PowerHands, host).set_restore_policy(RESTORE_POLICY)
    except StepFailed as error:
        raise AccessDenied(
            error.subject,
            error.found,
            f"the restore policy {RESTORE_POLICY}",
            "set it at the controller by hand, or the machine stays off after a power cut",
        ) from error
