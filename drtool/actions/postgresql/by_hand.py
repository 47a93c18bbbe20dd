"""What a person types in place of the actions on PostgreSQL servers."""

from __future__ import annotations

from collections.abc import Sequence

from drtool.action import Facts
from drtool.connections.typed import psql, ssh, typed
from drtool.model.inventory import Patroni, Postgresql
from drtool.model.place import Place

HEARTBEAT = "SELECT max(written_at) FROM drtool.heartbeat"
RECEIVER = "SELECT status, received_tli FROM pg_stat_wal_receiver"
RECEIVED = "SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_is_wal_replay_paused()"


def servers_at(facts: Facts, place: Place) -> list[Postgresql]:
    """The server of a place; all its members where it is a cluster."""
    one, cluster = facts.inventory.server(str(place)), facts.inventory.system(str(place))
    if one is None and isinstance(cluster, Patroni):
        return [cluster.server(name) for name in cluster.members]
    return [one] if one else []


def queries(facts: Facts, place: Place, *statements: str) -> list[str]:
    """The commands that ask the server of a place, or each server of its cluster."""
    return [typed(psql(server, *statements)) for server in servers_at(facts, place)]


def log_in(facts: Facts, server: Postgresql) -> str:
    """How one comes to the server's host."""
    host = facts.inventory.hosts.get(server.host)
    if host is None or host.ssh is None:
        return f"Log in at host {server.host} as the user that runs PostgreSQL."
    return typed(ssh(host.ssh))


def on_host(server: Postgresql, commands: Sequence[str]) -> list[str]:
    """Commands on the server's host."""
    return [typed(command, server.host) for command in commands]


def tool(server: Postgresql, name: str) -> str:
    """One of PostgreSQL's programs on the server's host."""
    return f"{server.bin_directory}/{name}" if server.bin_directory else name


def stop(server: Postgresql, seconds: float) -> str:
    """A fast stop: connected standbys get what the server has."""
    wait = max(1, round(seconds))
    return f"{tool(server, 'pg_ctl')} -D {server.data_directory} -m fast -t {wait} stop"


def start(server: Postgresql) -> str:
    """The start, as the inventory has it."""
    if server.start_command:
        return " ".join(server.start_command)
    return f"{tool(server, 'pg_ctl')} -D {server.data_directory} -l /tmp/postgresql.log start"


def processes(server: Postgresql, then: str = "echo $p") -> str:
    """What is done with each process of the data directory; a backend outlives its postmaster."""
    test = f"[ /proc/$p/cwd -ef {server.data_directory} ]"
    return f"for p in $(pgrep -x postgres); do {test} && {then}; done"


def follow(server: Postgresql, source: Postgresql, site: str) -> list[str]:
    """The settings with which a stopped server follows another, and the signal."""
    role = source.replication
    user, slot = (role.user, role.slot) if role else (source.user, "drtool")
    where = f"host={source.address} port={source.port} user={user}"
    auto = f"{server.data_directory}/postgresql.auto.conf"
    told = f"primary_conninfo = '{where} password=PASSWORD application_name={site}'"
    return [
        f'echo "{told}" >> {auto}',
        f"echo \"primary_slot_name = '{slot}'\" >> {auto}",
        f"touch {server.data_directory}/standby.signal",
    ]


def rewind(server: Postgresql, source: Postgresql) -> list[str]:
    """Stop, keep what only this server has, take it back; the program recovers a crashed one."""
    data = server.data_directory
    where = f"host={source.address} port={source.port} user={source.user} dbname={source.database}"
    return [
        stop(server, 60),
        f"mkdir -p ~/kept && cp -a {data}/pg_wal {data}/*.conf ~/kept/",
        f"rm -f {data}/standby.signal",
        f"read -rsp 'password of {source.user}: ' PGPASSWORD; export PGPASSWORD",
        f"{tool(server, 'pg_rewind')} -D {data} --source-server='{where}'",
    ]


def copy(server: Postgresql, source: Postgresql, slot: str) -> list[str]:
    """Put the data directory aside and copy the source's."""
    data = server.data_directory
    user = source.replication.user if source.replication else source.user
    where = f"host={source.address} port={source.port} user={user}"
    return [
        f"mv {data} {data}.old",
        f"{tool(server, 'pg_basebackup')} -D {data} -X stream -c fast -S {slot} -d '{where}'",
    ]


def follow_again(server: Postgresql, source: Postgresql, site: str) -> list[str]:
    """Put the server's own configuration back, then follow the source."""
    kept = f"cp -a ~/kept/*.conf {server.data_directory}/"
    return [kept, *follow(server, source, site), start(server)]


def password_of(server: Postgresql) -> str:
    """Where the password is kept that PASSWORD stands for."""
    role = server.replication
    ref = (role.password if role else None) or server.password
    user = role.user if role else server.user
    kept = f", kept in {ref.secret}" if ref else ""
    return f"PASSWORD is that of {user}{kept}."
