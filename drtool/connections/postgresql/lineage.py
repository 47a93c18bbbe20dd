"""Read a primary's timelines, and what somebody needs who wants to follow it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString

from drtool.connections.postgresql.reader import PostgresqlReader
from drtool.connections.postgresql.wire import find_system
from drtool.model.inventory import Postgresql
from drtool.model.lineage import Beginning, Fork, Lineage, forks_of, history_name

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
SELECT convert_from(pg_read_binary_file(path), 'UTF8'), (pg_stat_file(path, true)).modification
  FROM (SELECT 'pg_wal/' || %s AS path) p
"""
# A history file that came with a copy or a rewind of this server bears the time of that, and one
# that a restore_command brings the time of a start.
_BEGAN: Final[LiteralString] = """
SELECT timeline, began
  FROM (SELECT timeline, (pg_stat_file('pg_wal/' || name, true)).modification AS began
          FROM unnest(%s::int[], %s::text[]) AS w(timeline, name)) h
 WHERE began > coalesce(greatest((pg_stat_file('backup_label.old', true)).modification,
                                 (pg_stat_file('backup_manifest', true)).modification),
                        '-infinity')
   AND current_setting('restore_command', true) = ''
"""
_OLDEST: Final[LiteralString] = """
SELECT min(substr(name, 9)) FROM pg_ls_dir('pg_wal', true, false) AS w(name)
 WHERE name ~ '^[0-9A-F]{24}$'
"""
_ROLE: Final[LiteralString] = """
SELECT rolcanlogin, rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = %s
"""


class LineageReader(PostgresqlReader):
    """Reads of the server that another shall follow."""

    def lineage(self) -> Lineage:
        """Its timelines; history and WAL files only where our user may read them."""
        timeline = self.replication().timeline
        trouble, missing = self.role_trouble(), self.missing_rights()
        if missing:
            return Lineage(timeline=timeline, missing_rights=missing, role_trouble=trouble)
        text, promoted_at = self._history(timeline) if timeline > 1 else ("", None)
        forks = forks_of(text)
        oldest = self._rows("WAL files", _OLDEST)[0][0]
        return Lineage(
            timeline=timeline,
            forks=forks,
            promoted_at=promoted_at,
            began=self._began(forks[1:]),
            oldest_segment=str(oldest or ""),
            role_trouble=trouble,
        )

    def missing_rights(self) -> tuple[str, ...]:
        """The functions that pg_rewind would call here, and that our user may not."""
        return tuple(str(row[0]) for row in self._rows("rights of pg_rewind", _RIGHTS))

    def role_trouble(self) -> str:
        """Why nobody can stream from here as the inventory's replication user, or ""."""
        system, _ = find_system(self.target, self.context)
        user = replication_user(system)
        found = self._rows("replication role", _ROLE, (user,))
        if not found:
            return (
                f"role {user} does not exist: CREATE ROLE {user} LOGIN REPLICATION PASSWORD '...'"
            )
        may_log_in, may_replicate = found[0]
        if may_log_in and may_replicate:
            return ""
        lacks = "REPLICATION" if may_log_in else "LOGIN"
        return f"role {user} lacks {lacks}: ALTER ROLE {user} {lacks}"

    def _history(self, timeline: int) -> tuple[str, datetime | None]:
        name = history_name(timeline)
        text, changed_at = self._rows(f"timeline history {name}", _HISTORY, (name,))[0]
        return str(text), changed_at

    def _began(self, forks: tuple[Fork, ...]) -> tuple[Beginning, ...]:
        """When the timelines before its own began; asked only where there are several."""
        if not forks:
            return ()
        timelines = [fork.timeline for fork in forks]
        names = [history_name(timeline) for timeline in timelines]
        rows = self._rows("times of timelines", _BEGAN, (timelines, names))
        return tuple(Beginning(timeline=timeline, at=at) for timeline, at in rows)


def replication_user(system: Postgresql) -> str:
    """The user that a standby of this server connects as."""
    return system.replication.user if system.replication else system.user
