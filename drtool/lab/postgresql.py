"""The lab's PostgreSQL servers: programs, configuration, the first primary and its standby.

Three users, all with SCRAM passwords: ``drtool`` is the superuser that owns the cluster (it
promotes, rewinds, takes slots and changes replication settings), ``replicator`` may only
replicate, ``orders`` owns the service's tables and nothing else.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from drtool.errors import BadInput, DrtoolError
from drtool.lab.ask import __file__ as ask_file
from drtool.lab.layout import ADDRESSES, SitePaths, write_private
from drtool.lab.orders import SCHEMA

DATABASE = "orders"
SLOT = "drtool"
START_SCRIPT = "postgres-start"
_AS_PLAIN_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
_READY_SECONDS = 20.0
_POLL = 0.02
_TABLES = """
create table if not exists probe_writes (
    site text primary key,
    count bigint not null,
    written_at timestamptz not null
)
"""


def prefix() -> tuple[str, ...]:
    """What stands before each program: PostgreSQL refuses to run as root.

    Root gets a user namespace in which it is an ordinary user; files stay root's own outside.
    """
    if os.geteuid() != 0:
        return ()
    tried = subprocess.run([*_AS_PLAIN_USER, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise BadInput(
            "lab",
            f"PostgreSQL refuses root, and a user namespace cannot be had: {tried.stderr.strip()}",
            hint="run it as an ordinary user",
        )
    return _AS_PLAIN_USER


def write_programs(paths: SitePaths, programs: Path, python: str) -> None:
    """Fill the site's ``bin``: each program under the right user, and the supervisor's start."""
    paths.bin.mkdir(exist_ok=True)
    before = shlex.join(prefix())
    for program in programs.iterdir():
        _script(paths.bin / program.name, f'exec {before} {shlex.quote(str(program))} "$@"')
    asked = shlex.join([python, "-I", "-S", ask_file, str(paths.root), "start postgresql"])
    _script(paths.bin / START_SCRIPT, f"exec {asked}")


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o700)


def write_configuration(paths: SitePaths, site: str, port: int) -> None:
    """The site's own settings, outside the data directory, which base backup and rewind copy."""
    hba = paths.root / "pg_hba.conf"
    # Connections to 127.0.1.1 and 127.0.2.1 come from 127.0.0.1 unless a client binds itself.
    hba.write_text(
        "host all         drtool     127.0.0.0/8 scram-sha-256\n"
        "host orders      orders     127.0.0.0/8 scram-sha-256\n"
        "host replication replicator 127.0.0.0/8 scram-sha-256\n",
        encoding="utf-8",
    )
    settings = {
        "listen_addresses": f"'{ADDRESSES[site]}'",
        "port": str(port),
        "cluster_name": f"'{site}'",
        "hba_file": f"'{hba}'",
        "unix_socket_directories": "''",
        "max_connections": "100",
        "shared_buffers": "32MB",
        # In the data directory, so that a power cut leaves nothing in /dev/shm.
        "dynamic_shared_memory_type": "mmap",
        "password_encryption": "'scram-sha-256'",
        "wal_level": "replica",
        "wal_log_hints": "on",
        "hot_standby": "on",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "max_slot_wal_keep_size": "'512MB'",
        "wal_keep_size": "'128MB'",
        "wal_receiver_status_interval": "'1s'",
        "wal_retrieve_retry_interval": "'100ms'",
        "wal_sender_timeout": "'10s'",
        "log_line_prefix": "'%m [%p] %u@%d %h '",
        "log_timezone": "'UTC'",
        "timezone": "'UTC'",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (paths.root / "postgresql.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")


def create_primary(paths: SitePaths, password_file: Path) -> None:
    """A fresh cluster, owned by ``drtool``."""
    _run(
        *(paths.bin / "initdb", "-D", paths.data, "-U", "drtool", "-A", "scram-sha-256"),
        *("--pwfile", password_file, "-E", "UTF8", "--locale=C", "-k", "-N"),
        "--no-instructions",
    )
    # The same words at both sites; each finds its own settings beside its data directory.
    (paths.data / "postgresql.conf").write_text("include '../postgresql.conf'\n", encoding="utf-8")


def fill_primary(address: str, port: int, passwords: dict[str, str]) -> str:
    """Roles, the database and its tables, the standby's slot; gives the system identifier."""
    wait_for(address, port, passwords["drtool"])
    with connect(address, port, "drtool", passwords["drtool"], "postgres") as session:
        for user, rights in (("replicator", sql.SQL("replication")), ("orders", sql.SQL(""))):
            session.execute(
                sql.SQL("create role {} login {} password {}").format(
                    sql.Identifier(user), rights, sql.Literal(passwords[user])
                )
            )
        session.execute("create database orders owner orders")
        session.execute("select pg_create_physical_replication_slot(%s, true)", (SLOT,))
        row = session.execute("select system_identifier from pg_control_system()").fetchone()
    with connect(address, port, "orders", passwords["orders"], DATABASE) as session:
        session.execute(SCHEMA)
        session.execute(_TABLES)
    return str(row[0]) if row else ""


def create_standby(paths: SitePaths, site: str, primary: str, port: int, password: str) -> None:
    """A copy of the primary that will follow it through the slot."""
    passwords = paths.root / "replication.pgpass"
    write_private(passwords, f"*:*:*:replicator:{password}\n")
    where = f"host={primary} port={port} user=replicator passfile={passwords}"
    _run(
        *(paths.bin / "pg_basebackup", "-D", paths.data, "-X", "stream", "-c", "fast", "-N"),
        *("-S", SLOT, "-R", "-d", f"{where} application_name={site}"),
    )


def wait_for(address: str, port: int, password: str) -> None:
    """Wait until the server takes connections; raises DrtoolError after 20 s."""
    until = time.monotonic() + _READY_SECONDS
    while True:
        try:
            connect(address, port, "drtool", password, "postgres").close()
        except psycopg.Error as error:
            if time.monotonic() > until:
                raise DrtoolError(f"postgresql at {address}:{port}", str(error)) from error
            time.sleep(_POLL)
        else:
            return


def wait_for_standby(address: str, port: int, password: str) -> None:
    """Wait until a standby streams from the primary; raises DrtoolError after 20 s."""
    until = time.monotonic() + _READY_SECONDS
    with connect(address, port, "drtool", password, "postgres") as session:
        while not session.execute(
            "select 1 from pg_stat_replication where state = 'streaming'"
        ).fetchone():
            if time.monotonic() > until:
                raise DrtoolError(f"postgresql at {address}:{port}", "no standby follows it")
            time.sleep(_POLL)


def wait_for_heartbeat(address: str, port: int, password: str) -> None:
    """Wait until the standby there has the first heartbeat; raises DrtoolError after 20 s.

    Without one nobody could say what a failover would lose, and it would be refused.
    """
    until = time.monotonic() + _READY_SECONDS
    with connect(address, port, "drtool", password, DATABASE) as session:
        while not _has_heartbeat(session):
            if time.monotonic() > until:
                raise DrtoolError(f"postgresql at {address}:{port}", "received no heartbeat")
            time.sleep(_POLL)


def _has_heartbeat(session: psycopg.Connection) -> bool:
    try:
        return session.execute("select 1 from drtool.heartbeat").fetchone() is not None
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return False


def connect(address: str, port: int, user: str, password: str, database: str) -> psycopg.Connection:
    """One autocommit session."""
    return psycopg.connect(
        host=address,
        port=port,
        user=user,
        password=password,
        dbname=database,
        sslmode="disable",
        connect_timeout=2,
        autocommit=True,
        application_name="drtool lab",
    )


def _run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DrtoolError(Path(words[0]).name, (done.stderr or done.stdout).strip())
