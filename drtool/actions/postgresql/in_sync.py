"""postgresql.in_sync: whether chosen tables hold the same rows on both sides."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from drtool.action import Check, Facts, Look, Target
from drtool.actions.postgresql.by_hand import queries
from drtool.actions.postgresql.evidence import await_position, counterpart
from drtool.actions.postgresql.sides import place_of, readers_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.model.purpose import Purpose
from drtool.model.replication import Replication, TableSum
from drtool.model.value import Value
from drtool.units import Duration

Table = Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)?$", max_length=127)]


class Comparison(Value):
    """Two servers, and their counts and checksums of the same tables, in the same order."""

    here: Replication
    there: Replication
    tables_here: tuple[TableSum, ...]
    tables_there: tuple[TableSum, ...]


def reason_same_server(here: Replication, there: Replication) -> str | None:
    """A sentence when both answers came from one server: it would always agree with itself.

    Addresses prove nothing, for a name or a balancer may lead anywhere. The start of the
    postmaster, to the microsecond, tells two servers of one cluster apart.
    """
    if here.started_at != there.started_at:
        return None
    return (
        f"{here.place} and {there.place} are one and the same server, started at "
        f"{here.started_at.isoformat()}; compare two addresses in the inventory"
    )


class CheckInSync(Check[Comparison]):
    """Compare row counts and checksums of tables on both sides, which must be two servers.

    Writes in between make them differ for a moment: it is looked at again until the deadline.
    ``limit`` bounds each table's count.
    """

    purpose: ClassVar[Purpose] = Purpose.VERIFY
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    other_kinds: ClassVar[tuple[str, ...]] = ("patroni",)
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.5)

    tables: tuple[Table, ...] = Field(min_length=1, description="The tables, as schema.table.")
    limit: Duration = Field(default=Duration(30), description="How long one table may take.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """Both servers."""
        return readers_of(facts, place_of(facts), counterpart(facts))

    def observe(self, look: Look) -> Comparison:
        """The primary's tables first, then the standby's once it has replayed as much."""
        ours = look.reach(PostgresqlReader, str(place_of(look.facts)))
        theirs = look.reach(PostgresqlReader, str(counterpart(look.facts)))
        here, there = ours.replication(), theirs.replication()
        first, second = (theirs, ours) if here.in_recovery else (ours, theirs)
        sums = {first: self._sums(first)}
        current = first.replication().current
        if current is not None:
            await_position(second, current, replayed=True)
        sums[second] = self._sums(second)
        return Comparison(here=here, there=there, tables_here=sums[ours], tables_there=sums[theirs])

    def judge(self, seen: Comparison, facts: Facts) -> str | None:
        """One server seen twice, another cluster, two primaries, or rows that differ."""
        del facts
        here, there = seen.here, seen.there
        same = reason_same_server(here, there)
        if same is not None:
            return same
        if here.system_identifier != there.system_identifier:
            return f"{here.place} and {there.place} belong to different clusters"
        if not here.in_recovery and not there.in_recovery:
            return f"{here}; {there}: two primaries"
        for ours, theirs in zip(seen.tables_here, seen.tables_there, strict=True):
            if ours != theirs:
                how = f"{ours.rows} rows at {here.place}, {theirs.rows} at {there.place}"
                if ours.rows == theirs.rows:
                    how = f"{ours.rows} rows on both sides, with different contents"
                return f"table {ours.table} differs: {how}"
        return None

    def by_hand(self, facts: Facts) -> list[str]:
        """Counts and checksums, first at the primary and then at the standby."""
        sums = [
            f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t"  # noqa: S608 - printed, never run
            for table in self.tables
        ]
        return [
            *queries(facts, place_of(facts), *sums),
            *queries(facts, counterpart(facts), *sums),
            "Both must say the same; with writes in between, ask again.",
        ]

    def _sums(self, reader: PostgresqlReader) -> tuple[TableSum, ...]:
        return tuple(reader.table_sum(table, self.limit.seconds) for table in self.tables)
