"""Read of a server what a failover, a switchover or a rewind will need of it one day."""

from __future__ import annotations

from typing import Final, LiteralString

from drtool.connections.postgresql.lineage import LineageReader, replication_user
from drtool.connections.postgresql.wire import find_system
from drtool.model.value import Value

# What drtool's own user must be allowed, and how it is given; {user} is its name, quoted.
GRANTS: Final = {
    "pg_promote": "GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO {user}",
    "pg_reload_conf": "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {user}",
    "pg_monitor": "GRANT pg_monitor TO {user}",
    "REPLICATION": "ALTER ROLE {user} REPLICATION",
    "CHECKPOINT": "GRANT pg_checkpoint TO {user}",
    "ALTER SYSTEM": "GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO {user}",
    "CREATE": "CREATE SCHEMA drtool AUTHORIZATION {user}",
    "schema drtool": (
        "GRANT ALL ON SCHEMA drtool TO {user}; GRANT ALL ON ALL TABLES IN SCHEMA drtool TO {user}"
    ),
}
SETTINGS: Final = (
    "data_checksums", "wal_log_hints", "full_page_writes", "wal_level", "max_wal_senders",
    "max_replication_slots", "max_slot_wal_keep_size", "hot_standby",
)  # fmt: skip

_RIGHTS: Final[LiteralString] = """
SELECT name
  FROM (VALUES
         ('pg_promote', has_function_privilege('pg_promote(boolean,integer)', 'EXECUTE')),
         ('pg_reload_conf', has_function_privilege('pg_reload_conf()', 'EXECUTE')),
         ('pg_monitor', pg_has_role('pg_monitor', 'USAGE')),
         ('REPLICATION', (SELECT rolreplication FROM pg_roles WHERE rolname = current_user)),
         ('CHECKPOINT', EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint'
                                                       AND pg_has_role(oid, 'USAGE'))),
         ('ALTER SYSTEM', {parameter}),
         ('CREATE', to_regnamespace('drtool') IS NOT NULL
                    OR has_database_privilege(current_database(), 'CREATE')),
         ('schema drtool', to_regnamespace('drtool') IS NULL
                           OR (has_schema_privilege('drtool', 'USAGE')
                               AND has_schema_privilege('drtool', 'CREATE')
                               AND NOT EXISTS (
                                     SELECT FROM pg_tables WHERE schemaname = 'drtool'
                                        AND NOT has_table_privilege(
                                              format('%I.%I', schemaname, tablename),
                                              'SELECT, INSERT, UPDATE, DELETE'))))
       ) AS needed(name, may)
 WHERE NOT may AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
"""
# Rights on parameters came with PostgreSQL 15; before, only a superuser may ALTER SYSTEM.
RIGHTS: Final[LiteralString] = _RIGHTS.replace(
    "{parameter}", "has_parameter_privilege('synchronous_standby_names', 'ALTER SYSTEM')"
)
RIGHTS_BEFORE_15: Final[LiteralString] = _RIGHTS.replace("{parameter}", "false")

_SLOTS: Final[LiteralString] = """
SELECT slot_name, active, restart_lsn IS NULL OR wal_status = 'lost',
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                            ELSE pg_current_wal_lsn() END, restart_lsn)::bigint
  FROM pg_replication_slots WHERE slot_type = 'physical' ORDER BY slot_name
"""
_ARCHIVING_FAILS: Final[LiteralString] = """
SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver
"""


class Slot(Value):
    """A physical replication slot; ``lost`` is one whose WAL is gone or was never kept."""

    name: str
    active: bool
    lost: bool
    kept_bytes: int | None = None


class Readiness(Value):
    """What a server is set up for.

    ``missing`` are names of ``GRANTS``, ``missing_for_rewind`` functions. ``role_trouble`` is why
    nobody can stream from here as the inventory's replication ``follower``.
    """

    place: str
    user: str
    follower: str
    missing: tuple[str, ...] = ()
    missing_for_rewind: tuple[str, ...] = ()
    role_trouble: str = ""
    settings: dict[str, str] = {}
    slots: tuple[Slot, ...] = ()
    archiving_fails: bool = False

    @property
    def grants(self) -> tuple[str, ...]:
        """What a superuser types so that nothing is missing."""
        user = '"' + self.user.replace('"', '""') + '"'
        given = [GRANTS[name].format(user=user) for name in self.missing]
        given += [f"GRANT EXECUTE ON FUNCTION {name} TO {user}" for name in self.missing_for_rewind]
        return tuple(given)

    @property
    def can_be_rewound(self) -> bool:
        """Whether pg_rewind works on it (its manual page, "Prerequisites")."""
        hints = "on" in {self.settings.get("data_checksums"), self.settings.get("wal_log_hints")}
        return hints and self.settings.get("full_page_writes") != "off"


class ReadinessReader(LineageReader):
    """Reads of a server's rights, settings and slots."""

    def readiness(self) -> Readiness:
        """What it is set up for."""
        system, _ = find_system(self.target, self.context)
        version = self._rows("version", "SELECT current_setting('server_version_num')::int")[0][0]
        rights = RIGHTS if version >= 150000 else RIGHTS_BEFORE_15
        return Readiness(
            place=self.target,
            user=system.user,
            follower=replication_user(system),
            missing=tuple(str(row[0]) for row in self._rows("rights", rights)),
            missing_for_rewind=self.missing_rights(),
            role_trouble=self.role_trouble(),
            settings=self.settings(*SETTINGS),
            slots=tuple(
                Slot(name=name, active=active, lost=lost, kept_bytes=kept)
                for name, active, lost, kept in self._rows("replication slots", _SLOTS)
            ),
            archiving_fails=bool(self._rows("archiver", _ARCHIVING_FAILS)[0][0]),
        )
