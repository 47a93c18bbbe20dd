"""postgresql.write_probe: a marked row, written, read back and removed."""

from __future__ import annotations

import time
from typing import ClassVar

from pydantic import Field

from drtool.action import Command, Facts, Hands, Target
from drtool.actions.postgresql.by_hand import queries
from drtool.actions.postgresql.sides import place_of, session_for
from drtool.connections.postgresql import PostgresqlSession
from drtool.connections.reach import Reader
from drtool.model.change import Change
from drtool.model.purpose import Purpose
from drtool.model.value import Value
from drtool.units import Duration

# what cancelling a commit and telling of it take; a commit that is asked for gets this long
_MARGIN, _SHORTEST = 0.5, 0.1


class Probe(Value):
    """A row that was committed, read back and removed, and how long that took."""

    place: str
    mark: str
    seconds: float


class WriteProbe(Command[Probe]):
    """Prove that a server takes writes: commit a marked row, read it back, remove it.

    It goes to the server itself, not through the service, so it is no customer's view. A commit
    that waits for a synchronous standby or a full disk for longer than ``limit`` fails.
    """

    purpose: ClassVar[Purpose] = Purpose.VERIFY
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    other_kinds: ClassVar[tuple[str, ...]] = ("patroni",)
    default_deadline: ClassVar[Duration] = Duration(30)
    one_way: ClassVar[bool] = False
    may_set_purpose: ClassVar[bool] = False

    limit: Duration = Field(default=Duration(3), description="How long a commit may take.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """A session of the server."""
        return [(PostgresqlSession, str(place_of(facts)))]

    def preview(self, facts: Facts) -> list[Change]:
        """A row that comes and goes."""
        return [
            Change(
                subject=f"postgresql {place_of(facts)} drtool.write_probe",
                before="no row of this step",
                after="a marked row was committed, read back and removed",
            )
        ]

    def run(self, hands: Hands) -> Probe:
        """Write, read back and remove; a session that was lost is opened anew."""
        facts = hands.facts
        place, mark = str(place_of(facts)), f"{facts.run}/{facts.step}"
        session = session_for(hands, place)
        began = time.monotonic()
        session.probe_write(mark, self._seconds(facts))
        return Probe(place=place, mark=mark, seconds=round(time.monotonic() - began, 6))

    def _seconds(self, facts: Facts) -> float:
        """The limit, or what the step's deadline leaves, so that it ends with a reason."""
        if facts.seconds_left is None:
            return self.limit.seconds
        return max(_SHORTEST, min(self.limit.seconds, facts.seconds_left - _MARGIN))

    def by_hand(self, facts: Facts) -> list[str]:
        """A table that comes and goes, each in a commit of its own."""
        table = "drtool_by_hand"
        return [
            *queries(
                facts,
                place_of(facts),
                f"CREATE TABLE {table} AS SELECT now() AS written_at",
                f"TABLE {table}",
                f"DROP TABLE {table}",
            ),
            f"It must print a time, within {self.limit}.",
        ]
