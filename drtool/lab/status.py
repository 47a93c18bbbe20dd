"""What of a lab is up, and all that somebody needs who wants to check it by other means."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
import psycopg

from drtool.errors import BadInput, DrtoolError, Unreachable
from drtool.lab import prefect_server
from drtool.lab.ask import Said, ask
from drtool.lab.bring import panel, processes
from drtool.lab.documents import KEY_NAME, POWER_USER, host_name, runbook
from drtool.lab.endpoint import Endpoint
from drtool.lab.keys import host_key
from drtool.lab.layout import ADDRESSES, ENDPOINT, SITES, ZONE, Layout
from drtool.lab.listening import takes_connections
from drtool.lab.postgresql import DATABASE, SLOT, connect
from drtool.lab.standing import (
    DnsStatus,
    LabStatus,
    OrdersStatus,
    PostgresqlStatus,
    PowerStatus,
    PrefectStatus,
    SiteStatus,
    SshStatus,
    ZoneStatus,
)

__all__ = ["LabStatus", "SiteStatus", "runs_home", "status"]

_SEEN = """
select pg_is_in_recovery(),
       case when pg_is_in_recovery()
            then coalesce((select received_tli from pg_stat_wal_receiver),
                          (select timeline_id from pg_control_checkpoint()))
            else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
       case when pg_is_in_recovery()
            then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            else pg_current_wal_lsn() end::text,
       (select system_identifier from pg_control_system())::text,
       coalesce((select string_agg(application_name || ' ' || state, ', ')
                 from pg_stat_replication), ''),
       coalesce((select sender_host || ' ' || status from pg_stat_wal_receiver), ''),
       (select count(*) from orders where not probe)
"""


def status(home: Path) -> LabStatus:
    """Look at everything now; what does not answer is told as such, never raised."""
    layout = Layout(home.absolute())
    try:
        identity = layout.identity()
    except BadInput:
        return LabStatus(up=False, home=str(layout.home))
    running = {name: one.pid for name, one in processes(layout).items() if one.runs}
    with ThreadPoolExecutor(max_workers=3) as pool:
        prefect = pool.submit(_prefect, layout, running.get("prefect"))
        looks = {
            site: pool.submit(_site, layout, site, running.get(f"{site}_power")) for site in SITES
        }
        sites = {site: look.result() for site, look in looks.items()}
    drtool_home = runs_home()
    return LabStatus(
        up=True,
        home=str(layout.home),
        inventory=str(layout.inventory),
        runbook=_runbook(),
        logs=str(layout.logs),
        servers=identity.makes,
        service="orders",
        url=f"http://{ENDPOINT}:{identity.ports.orders}",
        primaries=tuple(name for name, site in sites.items() if site.postgresql.state == "primary"),
        sites=sites,
        dns=ZoneStatus(
            zone=ZONE,
            endpoint=ENDPOINT,
            key_name=KEY_NAME,
            algorithm="hmac-sha256",
            key_file=str(layout.secret("tsig")),
        ),
        prefect=prefect.result(),
        heartbeat_pid=running.get("heartbeat"),
        drtool_home=str(drtool_home),
        journal=str(drtool_home / "journal.sqlite"),
    )


def _runbook() -> str:
    """The runbook's path, as short as it can be typed here; empty when it is not installed."""
    try:
        found = runbook()
    except DrtoolError:
        return ""
    here = Path.cwd()
    return str(found.relative_to(here) if found.is_relative_to(here) else found)


def runs_home() -> Path:
    """Where runs keep their journal and reports; they outlive the lab."""
    told = os.environ.get("DRTOOL_HOME")
    return Path(told).expanduser() if told else Path(platformdirs.user_state_dir("drtool"))


def _prefect(layout: Layout, pid: int | None) -> PrefectStatus:
    found = prefect_server.reach(layout)
    return PrefectStatus(
        api_url=found.api_url,
        ui_url=found.ui_url,
        auth_file=str(layout.secret("prefect.auth")),
        pid=pid,
        answers=pid is not None and prefect_server.answers(found),
    )


def _site(layout: Layout, site: str, controller: int | None) -> SiteStatus:
    identity, address, paths = layout.identity(), ADDRESSES[site], layout.site(site)
    ports = identity.ports
    state = _ask(str(paths.root))
    pids = _pids(state)
    held = str(state.get("held", ""))
    return SiteStatus(
        address=address,
        host=host_name(site),
        postgresql=_postgresql(layout, site, pids.get("postgresql"), held),
        ssh=SshStatus(
            address=address,
            port=ports.ssh,
            user=identity.ssh_user,
            key_file=str(layout.ssh_key),
            host_key=host_key(layout, site),
            pid=pids.get("ssh"),
            answers=takes_connections(address, ports.ssh),
        ),
        dns=_dns(*identity.dns[site], pids.get("dns")),
        orders=OrdersStatus(
            url=f"http://{address}:{ports.orders}",
            pid=pids.get("orders"),
            answers=takes_connections(address, ports.orders),
        ),
        power=_power(layout, site, controller),
    )


def _ask(directory: str) -> Said:
    try:
        return ask(directory, "state", 5.0)
    except OSError:
        return {}


def _pids(state: Said) -> dict[str, int]:
    told = state.get("pids")
    return {name: pid for name, pid in told.items() if pid} if isinstance(told, dict) else {}


def _power(layout: Layout, site: str, pid: int | None) -> PowerStatus:
    try:
        said = panel(layout, site, "state")
    except DrtoolError:
        said = {}
    return PowerStatus(
        redfish=f"https://{ADDRESSES[site]}:{layout.identity().ports.power}",
        system="1",
        user=POWER_USER,
        password_file=str(layout.secret(f"{site}_power.password")),
        ca_file=str(layout.ca),
        pid=pid,
        answers=bool(said),
        mains=bool(said["mains"]) if said else None,
        on=bool(said["on"]) if said else None,
        restore_policy=str(said["policy"]) if said else None,
    )


def _dns(address: str, port: int, pid: int | None) -> DnsStatus:
    found, note = None, ""
    try:
        found = Endpoint(ENDPOINT, ((address, port),)).address()
    except Unreachable as error:
        note = error.found
    return DnsStatus(
        address=address,
        port=port,
        pid=pid,
        answers=found is not None,
        endpoint_address=found,
        note=note,
    )


def _postgresql(layout: Layout, site: str, pid: int | None, held: str) -> PostgresqlStatus:
    paths = layout.site(site)
    users = ("drtool", "replicator", "orders")
    found = PostgresqlStatus(
        address=ADDRESSES[site],
        port=layout.identity().ports.postgresql,
        database=DATABASE,
        users={user: str(layout.secret(f"{user}.password")) for user in users},
        data_directory=str(paths.data),
        bin_directory=str(paths.bin),
        log=str(paths.logs / "postgresql.log"),
        slot=SLOT,
        state="held back" if held else "stopped",
        note=held,
        pid=pid,
    )
    password = layout.secret("drtool.password").read_text(encoding="utf-8")
    try:
        with connect(found.address, found.port, "drtool", password, DATABASE) as session:
            row = session.execute(_SEEN).fetchone()
    except psycopg.Error as error:
        if pid is None:
            return found
        return found.model_copy(update={"state": "no answer", "note": str(error).strip()})
    if row is None:
        return found
    return found.model_copy(
        update={
            "state": "standby" if row[0] else "primary",
            "timeline": row[1],
            "position": row[2],
            "system_identifier": row[3],
            "followed_by": row[4],
            "follows": row[5],
            "orders": row[6],
        }
    )
