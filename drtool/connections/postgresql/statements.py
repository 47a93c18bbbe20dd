"""The statements that drtool reads with; all names are qualified, nothing is changed."""

from __future__ import annotations

from typing import Final, LiteralString

IN_RECOVERY: Final[LiteralString] = """
SELECT pg_catalog.pg_is_in_recovery(),
       coalesce(current_setting('in_hot_standby', true), 'off') = 'on'
"""

RECEIVER_FIELDS: Final = (
    "status", "sender_host", "sender_port", "slot", "timeline", "heard_at",
)  # fmt: skip
REPLICATION_FIELDS: Final = (
    "in_recovery", "read_only", "system_identifier", "timeline", "received", "replayed",
    "current", "replay_paused", "last_commit", "standby_name", "synchronous_standby_names",
    "synchronous_commit", "server_version", "started_at", "data_directory", "now",
    "has_heartbeat", *(f"receiver_{field}" for field in RECEIVER_FIELDS),
)  # fmt: skip

# A standby's timeline is the greatest it has heard of: its control file learns of one only with a
# restartpoint, its walreceiver may be gone, its WAL files bear it. A primary's is that of the WAL
# it writes, because its control file learns of a promotion only with the next checkpoint. A
# transaction that began before a promotion stays read-only in a server that is a primary by now.
_REPLICATION: Final[LiteralString] = """
SELECT r.standby,
       r.standby OR current_setting('default_transaction_read_only') = 'on',
       (SELECT system_identifier::text FROM pg_control_system()),
       CASE WHEN r.standby THEN greatest(
                (SELECT timeline_id FROM pg_control_checkpoint()),
                (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                w.received_tli)
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
       END,
       CASE WHEN r.standby THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            - '0/0'::pg_lsn END,
       CASE WHEN r.standby THEN pg_last_wal_replay_lsn() - '0/0'::pg_lsn END,
       CASE WHEN NOT r.standby THEN pg_current_wal_lsn() - '0/0'::pg_lsn END,
       CASE WHEN r.standby THEN pg_is_wal_replay_paused() ELSE false END,
       pg_last_xact_replay_timestamp(),
       coalesce(substring(c.conninfo FROM 'application_name=''?([^'' ]+)'),
                nullif(current_setting('cluster_name'), ''), 'walreceiver'),
       current_setting('synchronous_standby_names'),
       current_setting('synchronous_commit'),
       current_setting('server_version_num')::int,
       pg_postmaster_start_time(),
       d.directory,
       clock_timestamp(),
       to_regclass('drtool.heartbeat') IS NOT NULL,
       w.status, w.sender_host, w.sender_port, w.slot_name, w.received_tli,
       w.last_msg_receipt_time
  FROM (SELECT {standby} AS standby) r
  CROSS JOIN (SELECT CASE WHEN m.may THEN current_setting('primary_conninfo') END AS conninfo,
                     CASE WHEN m.may THEN current_setting('data_directory') END AS directory
                FROM (SELECT pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
                             AS may) m) d(conninfo, directory)
  CROSS JOIN LATERAL (SELECT d.conninfo) c
  LEFT JOIN pg_stat_wal_receiver w ON true
"""
REPLICATION: Final[LiteralString] = _REPLICATION.replace(
    "{standby}",
    "pg_catalog.pg_is_in_recovery()"
    " OR coalesce(current_setting('in_hot_standby', true), '') = 'on'",
)
REPLICATION_OF_LIAR: Final[LiteralString] = _REPLICATION.replace("{standby}", "true")

NEWEST_WAL: Final[LiteralString] = """
SELECT max(('x' || substr(name, 1, 8))::bit(32)::int) FROM pg_ls_waldir()
 WHERE name ~ '^[0-9A-F]{24}$'
"""

HEARTBEAT: Final[LiteralString] = """
SELECT written_at, position - '0/0'::pg_lsn, synchronous
  FROM drtool.heartbeat ORDER BY written_at DESC LIMIT 1
"""

SENDER_FIELDS: Final = (
    "application_name", "client_address", "state", "sync_state", "sent", "flushed", "replayed",
)  # fmt: skip
SENDERS: Final[LiteralString] = """
SELECT application_name, host(client_addr), coalesce(state, 'unknown'),
       coalesce(sync_state, 'unknown'), sent_lsn - '0/0'::pg_lsn, flush_lsn - '0/0'::pg_lsn,
       replay_lsn - '0/0'::pg_lsn
  FROM pg_stat_replication
"""

SETTINGS: Final[LiteralString] = "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)"

# Where a promotion keeps what it has emptied: everybody may read it, and no server heeds it.
EMPTIED: Final[LiteralString] = """
SELECT coalesce(current_setting('drtool.synchronous_standby_names', true), '')
"""
# Before PostgreSQL 17 only a name that the session knows can be set or reset for good.
KNOW_EMPTIED: Final[LiteralString] = """
SELECT set_config('drtool.synchronous_standby_names', '', true)
"""

SLOTS: Final[LiteralString] = """
SELECT slot_name, active FROM pg_replication_slots WHERE slot_type = 'physical'
"""

LOST_SLOT: Final[LiteralString] = """
SELECT 1 FROM pg_replication_slots
 WHERE slot_name = %s AND NOT active AND (restart_lsn IS NULL OR wal_status = 'lost')
"""

# Patroni, CloudNativePG and pg_auto_failover name their sessions, repmgr keeps a schema.
MANAGERS: Final[LiteralString] = """
SELECT m.manager, 'a session is named ' || min(a.application_name)
  FROM (VALUES ('Patroni', 'patroni'), ('CloudNativePG', 'cnpg'),
               ('pg_auto_failover', 'pgautofailover'), ('repmgr', 'repmgr')) m(manager, prefix)
  JOIN pg_stat_activity a ON lower(a.application_name) LIKE m.prefix || '%'
   AND a.pid <> pg_backend_pid()
 GROUP BY 1
UNION ALL
SELECT CASE extname WHEN 'repmgr' THEN 'repmgr' ELSE 'pg_auto_failover' END,
       'the extension ' || extname || ' is installed'
  FROM pg_extension WHERE extname IN ('repmgr', 'pgautofailover')
"""

TABLE_SUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {} AS t
"""

WHO_HOLDS: Final[LiteralString] = """
SELECT l.pid, coalesce(a.application_name, ''), a.backend_start
  FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND (l.classid::bigint << 32) + l.objid::bigint = %s
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

HOLDS: Final[LiteralString] = """
PREPARE drtool_holds(bigint) AS SELECT 1 FROM pg_locks
 WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid = pg_backend_pid()
   AND (classid::bigint << 32) + objid::bigint = $1
"""

# Only that very session: a pid may be another's by now.
END_HOLDER: Final[LiteralString] = """
SELECT pg_terminate_backend(l.pid)
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND (l.classid::bigint << 32) + l.objid::bigint = %s
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.pid = %s AND a.backend_start = %s AND l.pid <> pg_backend_pid()
"""

WHO_AM_I: Final[LiteralString] = """
SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') || '-' || pid
  FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""

# pg_promote is an error on a server that has just left recovery
PROMOTE: Final[LiteralString] = """
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_promote(false) END
"""

# A schema that is there needs no right to make schemas; IF NOT EXISTS asks for it all the same.
PROBE_TABLE: Final[LiteralString] = """
DO $$ BEGIN
  IF to_regclass('drtool.write_probe') IS NULL THEN
    IF to_regnamespace('drtool') IS NULL THEN CREATE SCHEMA IF NOT EXISTS drtool; END IF;
    CREATE TABLE IF NOT EXISTS drtool.write_probe
      (mark text PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT clock_timestamp());
  END IF;
END $$
"""
PROBE_WRITE: Final[LiteralString] = """
INSERT INTO drtool.write_probe (mark) VALUES (%s)
ON CONFLICT (mark) DO UPDATE SET written_at = clock_timestamp()
"""
PROBE_READ: Final[LiteralString] = "SELECT written_at FROM drtool.write_probe WHERE mark = %s"
PROBE_CLEAN: Final[LiteralString] = "DELETE FROM drtool.write_probe WHERE mark = %s"

HEARTBEAT_TABLE: Final[LiteralString] = """
DO $$ BEGIN
  IF to_regclass('drtool.heartbeat') IS NULL THEN
    IF to_regnamespace('drtool') IS NULL THEN CREATE SCHEMA IF NOT EXISTS drtool; END IF;
    CREATE TABLE IF NOT EXISTS drtool.heartbeat
      (service text PRIMARY KEY, written_at timestamptz NOT NULL, position pg_lsn NOT NULL,
       synchronous text[] NOT NULL DEFAULT '{}');
  END IF;
END $$
"""
# Commits are said to wait for a standby only where no other is there that could take its place.
HEARTBEAT_WRITE: Final[LiteralString] = """
INSERT INTO drtool.heartbeat (service, written_at, position, synchronous)
SELECT %s, clock_timestamp(), pg_current_wal_lsn(),
       CASE WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply')
            THEN ARRAY(SELECT application_name FROM pg_stat_replication
                        WHERE sync_state = 'sync'
                          AND NOT EXISTS (SELECT FROM pg_stat_replication
                                           WHERE sync_state IN ('potential', 'quorum')))
            ELSE '{}' END
ON CONFLICT (service) DO UPDATE SET written_at = excluded.written_at,
       position = excluded.position, synchronous = excluded.synchronous
"""
