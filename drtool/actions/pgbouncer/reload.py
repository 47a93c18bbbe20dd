"""pgbouncer.reload: PgBouncer reads its configuration anew, and points where it says."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.pgbouncer.sides import (
    console,
    hands_on,
    look_at,
    needs_of,
    reason_missing,
    subject_of,
)
from drtool.connections.reach import Reader
from drtool.model.change import Change
from drtool.model.inventory import Plain, Port
from drtool.model.pgbouncer import Bouncer
from drtool.model.purpose import Purpose
from drtool.units import Duration


class Reload(StateAction[Bouncer]):
    """Have PgBouncer read its configuration anew, until its databases point to ``host``.

    Its file must say so before, by a step of its own: as long as it does not, the databases are
    seen to point elsewhere, and the step does not succeed.
    """

    purpose: ClassVar[Purpose] = Purpose.REDIRECT
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "pgbouncer"
    default_deadline: ClassVar[Duration] = Duration(30)

    host: Plain = Field(description="The host that its databases shall point to, as it shows it.")
    port: Port | None = Field(default=None, description="The port there; default: any.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The console."""
        return needs_of(facts)

    def observe(self, look: Look) -> Bouncer:
        """What PgBouncer says."""
        return look_at(look)

    def changes(self, seen: Bouncer) -> list[Change]:
        """One for each database that points elsewhere."""
        after = f"at {self.host}:{self.port}" if self.port else f"at {self.host}"
        found = [
            Change(subject=subject_of(seen, one), before=f"at {one.host}:{one.port}", after=after)
            for one in seen.pools
            if one.host != self.host or self.port not in {None, one.port}
        ]
        gone = (f"pgbouncer {seen.place} {name}" for name in seen.missing)
        return found + [Change(subject=name, before="not there", after=after) for name in gone]

    def reason_not_to_apply(self, seen: Bouncer, facts: Facts) -> str | None:
        """It does not have such a database."""
        del facts
        return reason_missing(seen)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Have it read its file."""
        del changes
        hands_on(hands).reload()

    def by_hand(self, facts: Facts) -> list[str]:
        """RELOAD, and where the result is seen."""
        return [
            f"In PgBouncer's configuration, [databases] must name host={self.host}.",
            *console(facts, ["RELOAD", "SHOW DATABASES"]),
            f"host must be {self.host} for each.",
        ]
