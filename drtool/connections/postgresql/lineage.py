"""Read a primary's timelines, and what somebody needs who wants to follow it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString

from drtool.connections.postgresql.reader import PostgresqlReader
from drtool.model.lineage import Lineage, forks_of

# The four functions that pg_rewind calls on its source (its manual page, "Notes").
_RIGHTS: Final[LiteralString] = """
SELECT name FROM unnest(ARRAY[
         'pg_catalog.pg_ls_dir(text,boolean,boolean)',
         'pg_catalog.pg_stat_file(text,boolean)',
         'pg_catalog.pg_read_binary_file(text)',
         'pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean)']) AS f(name)
 WHERE NOT has_function_privilege(current_user, name, 'EXECUTE')
"""
_HISTORY: Final[LiteralString] = """
SELECT convert_from(pg_read_binary_file(path), 'UTF8'), (pg_stat_file(path)).modification
  FROM (SELECT 'pg_wal/' || %s AS path) p
"""
_OLDEST: Final[LiteralString] = """
SELECT min(substr(name, 9)) FROM pg_ls_dir('pg_wal', true, false) AS w(name)
 WHERE name ~ '^[0-9A-F]{24}$'
"""


class LineageReader(PostgresqlReader):
    """Reads of the server that another shall follow."""

    def lineage(self) -> Lineage:
        """Its timelines; history and WAL files only where our user may read them."""
        timeline = self.replication().timeline
        missing = tuple(str(row[0]) for row in self._rows("rights of pg_rewind", _RIGHTS))
        if missing:
            return Lineage(timeline=timeline, missing_rights=missing)
        text, promoted_at = self._history(timeline) if timeline > 1 else ("", None)
        oldest = self._rows("WAL files", _OLDEST)[0][0]
        return Lineage(
            timeline=timeline,
            forks=forks_of(text),
            promoted_at=promoted_at,
            oldest_segment=str(oldest or ""),
        )

    def _history(self, timeline: int) -> tuple[str, datetime | None]:
        name = f"{timeline:08X}.history"
        text, changed_at = self._rows(f"timeline history {name}", _HISTORY, (name,))[0]
        return str(text), changed_at
