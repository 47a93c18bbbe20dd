"""pgbouncer.pause and pgbouncer.resume: customers wait rather than fail."""

from __future__ import annotations

from typing import ClassVar

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.pgbouncer.sides import (
    console,
    databases_of,
    hands_on,
    look_at,
    needs_of,
    reason_missing,
    subject_of,
)
from drtool.connections.reach import Reader
from drtool.model.change import Change
from drtool.model.pgbouncer import Bouncer
from drtool.model.purpose import Purpose
from drtool.units import Duration


class Pause(StateAction[Bouncer]):
    """Have new queries wait in PgBouncer, and wait until the last transaction is over.

    The pause is asked for at once and holds from then on; who still keeps a connection is named.
    With the pool mode session that is every client until it leaves. Clients that wait longer than
    PgBouncer's own query_wait_timeout are turned away by it.
    """

    purpose: ClassVar[Purpose] = Purpose.DRAIN
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "pgbouncer"
    default_deadline: ClassVar[Duration] = Duration(30)
    every: ClassVar[Duration] = Duration(0.05)
    one_way: ClassVar[bool] = False

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The console."""
        return needs_of(facts)

    def observe(self, look: Look) -> Bouncer:
        """What PgBouncer says."""
        return look_at(look)

    def changes(self, seen: Bouncer) -> list[Change]:
        """One for each database that is not paused, or not still."""
        found = [
            Change(
                subject=subject_of(seen, pool),
                before=f"pausing: {pool}" if pool.paused else "not paused",
                after="paused, no connection to the server left",
            )
            for pool in seen.pools
            if not pool.still
        ]
        return [*found, *_missing(seen, "paused")]

    def reason_to_wait(self, seen: Bouncer) -> str | None:
        """All are asked to, and some wait for transactions that go on."""
        if seen.missing or not all(pool.paused for pool in seen.pools):
            return None
        return "; ".join(str(pool) for pool in seen.pools if not pool.still) or None

    def reason_not_to_apply(self, seen: Bouncer, facts: Facts) -> str | None:
        """It does not have such a database."""
        del facts
        return reason_missing(seen)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Ask for each; the pauses come about by themselves."""
        del changes
        console_of = hands_on(hands)
        for pool in console_of.state().pools:
            if not pool.paused:
                console_of.pause(pool.database)

    def undo(self, hands: Hands, before: Bouncer) -> None:
        """Let those go on that were not paused before."""
        were = {pool.database for pool in before.pools if pool.paused}
        console_of = hands_on(hands)
        for pool in console_of.state().pools:
            if pool.paused and pool.database not in were:
                console_of.resume(pool.database)

    def by_hand(self, facts: Facts) -> list[str]:
        """PAUSE, which answers when the last transaction is over."""
        asked = [f'PAUSE "{name}"' for name in databases_of(facts)]
        return [*console(facts, [*asked, "SHOW DATABASES"]), "paused must be 1 for each."]


class Resume(StateAction[Bouncer]):
    """Have PgBouncer serve the queries that wait in it.

    It belongs after the promotion: whoever waited reaches what the database points to now.
    """

    purpose: ClassVar[Purpose] = Purpose.REDIRECT
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "pgbouncer"
    default_deadline: ClassVar[Duration] = Duration(30)
    every: ClassVar[Duration] = Duration(0.05)

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The console."""
        return needs_of(facts)

    def observe(self, look: Look) -> Bouncer:
        """What PgBouncer says."""
        return look_at(look)

    def changes(self, seen: Bouncer) -> list[Change]:
        """One for each database that is paused."""
        found = [
            Change(subject=subject_of(seen, pool), before=str(pool), after="not paused")
            for pool in seen.pools
            if pool.paused
        ]
        return [*found, *_missing(seen, "not paused")]

    def reason_not_to_apply(self, seen: Bouncer, facts: Facts) -> str | None:
        """It does not have such a database."""
        del facts
        return reason_missing(seen)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Let each go on."""
        del changes
        console_of = hands_on(hands)
        for pool in console_of.state().pools:
            if pool.paused:
                console_of.resume(pool.database)

    def by_hand(self, facts: Facts) -> list[str]:
        """RESUME for each."""
        asked = [f'RESUME "{name}"' for name in databases_of(facts)]
        return [*console(facts, [*asked, "SHOW DATABASES"]), "paused must be 0 for each."]


def _missing(seen: Bouncer, after: str) -> list[Change]:
    """What cannot be done, told as what is left, so that it is refused and not passed over."""
    return [
        Change(subject=f"pgbouncer {seen.place} {name}", before="not there", after=after)
        for name in seen.missing
    ]
