"""Bring the lab up and down, and do to its sites what life does to real ones."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from drtool.errors import BadInput, DrtoolError
from drtool.lab import documents, postgresql, prefect_server, shared_memory
from drtool.lab.ask import Said, ask
from drtool.lab.keys import make_people, make_secrets
from drtool.lab.layout import (
    ADDRESSES,
    EAST,
    MARK,
    SITES,
    WEST,
    Identity,
    Layout,
    choose_ports,
    write_private,
)
from drtool.lab.listening import wait_for_postgresql, wait_for_services
from drtool.lab.processes import Process, end, marked, process, start
from drtool.lab.servers import openssh
from drtool.lab.servers.choice import Servers, choose

SERVICE = "orders"
Tell = Callable[[str], None]


def up(
    home: Path,
    *,
    servers: Servers | None = None,
    prefect: bool = True,
    people: bool = False,
    tell: Tell | None = None,
) -> Layout:
    """Bring the lab up in ``home``, which must not hold one; gives its layout.

    ``servers`` are the embedded ones unless others are given; ``people`` gives it people with SSH
    keys, who start and approve; ``tell`` hears a sentence for each part that is up. Whatever was
    started is ended and removed again when something fails. Raises
    BadInput when a lab is there already, DrtoolError when a part does not start.
    """
    chosen = servers or choose()
    say = tell or _silent
    layout = Layout(home.absolute())
    if layout.identity_file.exists():
        raise BadInput(
            "lab", f"there is one in {home} already", hint="drtool lab status, drtool lab down"
        )
    _prepare(layout, chosen)
    if people:
        make_people(layout)
    say(f"{chosen.choice} servers: {chosen.makes}")
    try:
        _start(layout, chosen, say, prefect=prefect)
    except BaseException:
        down(home)
        raise
    return layout


def child_environment(layout: Layout) -> dict[str, str]:
    """The environment of the lab's processes: ours, and the lab's mark."""
    return {**os.environ, MARK: layout.identity().mark}


def _silent(sentence: str) -> None:
    del sentence


def _prepare(layout: Layout, servers: Servers) -> None:
    """Directories, and who the lab is."""
    if layout.home.exists() and any(layout.home.iterdir()):
        raise BadInput(
            "lab", f"{layout.home} is not empty", "a directory of its own", "set DRTOOL_LAB_HOME"
        )
    layout.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.home.chmod(0o700)
    ports = choose_ports(secrets.randbelow(1 << 16))
    identity = Identity(
        ports=ports,
        mark=secrets.token_hex(16),
        makes=servers.makes,
        dns={site: servers.dns.address(site, ports) for site in SITES},
        ssh_user=servers.ssh.user,
    )
    layout.write_identity(identity)
    for directory in (layout.secrets, layout.logs, *map(layout.controller, SITES)):
        directory.mkdir(mode=0o700)
    for site in SITES:
        layout.site(site).logs.mkdir(mode=0o700, parents=True)


def _start(layout: Layout, servers: Servers, say: Tell, *, prefect: bool) -> None:
    make_secrets(layout)
    with ThreadPoolExecutor(max_workers=3) as pool:
        waiting = []
        if prefect:
            pid = prefect_server.start(layout, child_environment(layout))
            _remember(layout, "prefect", pid)
            waiting.append(pool.submit(prefect_server.wait_and_warm, layout, pid))
        waiting.append(pool.submit(_start_sites, layout, servers, say))
        for one in waiting:
            one.result()
    if prefect:
        say(f"Prefect answers at {prefect_server.reach(layout).ui_url}")


def _start_sites(layout: Layout, servers: Servers, say: Tell) -> None:
    """East as primary, west as its standby, and the heartbeat."""
    ports = layout.identity().ports
    for site in SITES:
        paths = layout.site(site)
        postgresql.write_programs(paths, servers.postgresql.programs, sys.executable)
        postgresql.write_configuration(paths, site, ports.postgresql)
        documents.write_site(layout, site, servers)
        documents.write_controller(layout, site, ports)
    east, west = layout.site(EAST), layout.site(WEST)
    postgresql.create_primary(east, layout.secret("drtool.password"))
    east.release.touch()
    _switch_on(layout, EAST)
    wait_for_postgresql(layout, EAST)
    passwords = {
        user: layout.secret(f"{user}.password").read_text(encoding="utf-8")
        for user in ("drtool", "replicator", "orders")
    }
    identifier = postgresql.fill_primary(ADDRESSES[EAST], ports.postgresql, passwords)
    documents.write_inventory(layout, identifier)
    say(f"east is the primary, at {ADDRESSES[EAST]}:{ports.postgresql}")
    postgresql.create_standby(
        west, WEST, ADDRESSES[EAST], ports.postgresql, passwords["replicator"]
    )
    _switch_on(layout, WEST)
    wait_for_postgresql(layout, WEST)
    heartbeat = [sys.executable, "-m", "drtool", "heartbeat", str(layout.inventory), SERVICE]
    spawn(layout, "heartbeat", heartbeat)
    for site in SITES:
        wait_for_services(layout, site)
    postgresql.wait_for_standby(ADDRESSES[EAST], ports.postgresql, passwords["drtool"])
    postgresql.wait_for_heartbeat(ADDRESSES[WEST], ports.postgresql, passwords["drtool"])
    say(f"west follows it, at {ADDRESSES[WEST]}:{ports.postgresql}")


def _switch_on(layout: Layout, site: str) -> None:
    directory = layout.controller(site)
    command = [sys.executable, "-m", "drtool.lab.controller", str(directory)]
    spawn(layout, f"{site}_power", command)


def spawn(layout: Layout, name: str, command: list[str]) -> None:
    """Start a process that belongs to no site and ends with the lab."""
    log = layout.logs / f"{name}.log"
    _remember(layout, name, start(command, child_environment(layout), layout.home, log))


def _remember(layout: Layout, name: str, pid: int) -> None:
    found = process(pid)
    if found is None:
        raise DrtoolError(name, "ended at once", hint=f"tail {layout.logs / name}.log")
    known = {**processes(layout), name: found}
    told = {name: asdict(one) for name, one in known.items()}
    write_private(layout.processes_file, json.dumps(told))


def processes(layout: Layout) -> dict[str, Process]:
    """What ``up`` started, by name."""
    try:
        told = json.loads(layout.processes_file.read_text(encoding="utf-8"))
    except OSError:
        return {}
    return {name: Process(**one) for name, one in told.items()}


def panel(layout: Layout, site: str, request: str) -> Said:
    """Ask a site's power controller what no network can ask; raises DrtoolError."""
    layout.site(site)
    layout.identity()
    try:
        said = ask(str(layout.controller(site)), request)
    except OSError as error:
        raise DrtoolError(
            f"power controller of {site}",
            f"does not answer: {error}",
            hint="drtool lab down && drtool lab up",
        ) from error
    if not said.get("done"):
        raise DrtoolError(f"site {site}", str(said.get("text")))
    return said


def break_site(home: Path, site: str) -> None:
    """Cut the site's power: everything at it ends by SIGKILL; its power controller survives."""
    panel(Layout(home.absolute()), site, "cut")


def mend(home: Path, site: str) -> None:
    """Let mains power return; whether the site starts is up to its power restore policy."""
    panel(Layout(home.absolute()), site, "mains")


def press_button(home: Path, site: str) -> None:
    """Press the site's power button; raises DrtoolError while the mains are gone."""
    panel(Layout(home.absolute()), site, "button")


def down(home: Path) -> bool:
    """End every process of the lab and remove every file; gives whether there was one.

    Raises DrtoolError that names what could not be ended.
    """
    layout = Layout(home.absolute())
    if not layout.identity_file.exists():
        return False
    known = list(processes(layout).values())
    with contextlib.suppress(BadInput):
        # Runs that were started for the lab, and whatever else bears its mark.
        known += marked(MARK, layout.identity().mark)
    left = end([one for one in known if one.pid != os.getpid()])
    if left:
        raise DrtoolError("lab", f"processes would not end: {[one.pid for one in left]}")
    for site in SITES:
        shared_memory.free(layout.site(site).data)
    openssh.tidy()
    shutil.rmtree(layout.home)
    return True
