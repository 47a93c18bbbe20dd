"""What is left to do once a server follows another: what its time before has left behind."""

from __future__ import annotations

from typing import Literal

from drtool.action import Facts, Hands, Look
from drtool.actions.postgresql.sides import other_side, place_of, session_for, system_at
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.postgresql.lineage import LineageReader
from drtool.connections.redfish import PowerHands, PowerReader
from drtool.errors import AccessDenied, DrtoolError, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Postgresql
from drtool.model.replication import Replication
from drtool.model.value import Value
from drtool.safety.synchronous import finds_standbys

# A controller forgets what was set before a fence; a machine that ran comes back with this.
RESTORE_POLICY = "LastState"


class LooseEnds(Value):
    """What a fence or a change of roles has left behind at a server that follows now.

    ``unused_slot`` is one that it kept for its own standby of before, and that would hold WAL back
    until its disk is full. ``stays_off`` is its host, where that would stay off when mains power
    returns, as its fence wanted; ``power_trouble`` is why that is not known. ``emptied`` are the
    synchronous_standby_names that the source lost with its promotion: ``finds`` says whether
    their standbys are there now, may be when this one has caught up, or are not.
    """

    place: str
    source_place: str
    standby_name: str
    unused_slot: str = ""
    stays_off: str = ""
    power_trouble: str = ""
    emptied: str = ""
    finds: Literal["now", "later", "never"] = "never"

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
        if self.emptied:
            where = f"in synchronous_standby_names of {self.source_place}"
            before = f"emptied by its promotion, '{self.emptied}' before"
            found.append(self._change(where, before, self._names_after))
        return found

    @property
    def reason_to_wait(self) -> str | None:
        """A sentence while nothing is left but names for which commits would still hang."""
        if not self.emptied or self.finds != "later" or len(self.changes) > 1:
            return None
        return f"{self.place} still catches up; commits of {self.source_place} do not wait for it"

    @property
    def _names_after(self) -> str:
        if self.finds != "never":
            return f"'{self.emptied}'"
        return (
            f"left empty, for nobody there is called so and commits would hang; to wait for this "
            f"one: ALTER SYSTEM SET synchronous_standby_names = '{self.standby_name}'"
        )

    def _change(self, part: str, before: str, after: str) -> Change:
        return Change(subject=f"postgresql {self.place} {part}", before=before, after=after)


def slot_of(system: Postgresql) -> str:
    """The slot that a standby of this system uses there."""
    return system.replication.slot if system.replication else "drtool"


def look_at_loose_ends(look: Look, standby: Replication, source: Replication) -> LooseEnds:
    """What is left behind at the step's server, its host's power controller and its source."""
    place = place_of(look.facts)
    slot = slot_of(system_at(look.facts, other_side(look.facts)))
    unused = look.reach(PostgresqlReader, str(place)).slots().get(slot) is False
    host = fenced_by_power(look.facts)
    stays_off, trouble = False, ""
    try:
        stays_off = bool(host) and look.reach(PowerReader, host).state().stays_off
    except DrtoolError as error:
        trouble = error.line()
    ends = LooseEnds(
        place=str(place),
        source_place=source.place,
        standby_name=standby.standby_name,
        unused_slot=slot if unused else "",
        stays_off=host if stays_off else "",
        power_trouble=trouble,
    )
    return ends if source.synchronous_standby_names else _with_emptied(look, ends)


def _with_emptied(look: Look, ends: LooseEnds) -> LooseEnds:
    """What the source's promotion emptied, and whether its standbys are there."""
    reader = look.reach(LineageReader, ends.source_place)
    emptied = reader.emptied_standby_names()
    if not emptied:
        return ends
    senders = reader.senders()
    # a sender that still catches up holds every commit back that waits for it
    there = [sender.application_name for sender in senders if sender.state == "streaming"]
    coming = [sender.application_name for sender in senders]
    coming += [] if ends.standby_name in coming else [ends.standby_name]
    finds = "later" if finds_standbys(emptied, coming) else "never"
    finds = "now" if finds_standbys(emptied, there) else finds
    return ends.model_copy(update={"emptied": emptied, "finds": finds})


def tie_up(hands: Hands, ends: LooseEnds) -> None:
    """Tie up all of them, the most urgent first."""
    if ends.unused_slot:
        session_for(hands, ends.place).drop_slot(ends.unused_slot)
    if ends.emptied and ends.finds != "later":
        session = session_for(hands, ends.source_place)
        if ends.finds == "now":
            session.restore_standby_names(ends.emptied)
        else:
            session.forget_standby_names()
    if ends.stays_off:
        release_power(hands, ends.stays_off)


def fenced_by_power(facts: Facts) -> str:
    """The server's host, where a fence may have told its controller to keep it off; else ""."""
    system = system_at(facts, place_of(facts))
    host = facts.inventory.hosts.get(system.host)
    return system.host if host and host.power and "power" in system.fence else ""


def release_power(hands: Hands, host: str) -> None:
    """Let a machine come back after a power cut; raises AccessDenied where a person must do it."""
    try:
        hands.reach(PowerHands, host).set_restore_policy(RESTORE_POLICY)
    except StepFailed as error:
        raise AccessDenied(
            error.subject,
            error.found,
            f"the restore policy {RESTORE_POLICY}",
            "set it at the controller by hand, or the machine stays off after a power cut",
        ) from error
