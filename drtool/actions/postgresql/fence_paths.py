"""The ways to fence a PostgreSQL server: what each shows, and what each does."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from drtool.action import Facts, Hands, Look
from drtool.actions.postgresql.sides import place_of, system_at
from drtool.connections.listening import takes_connections
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader
from drtool.connections.redfish import PowerHands, PowerReader, PowerState
from drtool.errors import DrtoolError, Refused
from drtool.model.inventory import FencePath
from drtool.model.postgresql_host import HostState
from drtool.model.value import Value
from drtool.safety.identity import reason_not_same_cluster, reason_not_that_machine
from drtool.safety.processes import reason_able_to_write, reason_managed

# Nothing may move during this time between two looks: WAL not written, nothing started again.
SETTLE_SECONDS = 0.1
ASK_SECONDS = 1.0
POWER_POLL_SECONDS = 0.05
OFF_IN_A_ROW = 3
LATEST_SECONDS = 10.0


class PathSeen(Value):
    """What one path shows. Not reachable is data, never a proof.

    ``refusal`` says why this path must not be used at all; ``manager`` is who is in charge of the
    server there, where that is the reason. ``running`` says that server processes are there,
    which may be a harmless standby's. ``alive`` is true when the server, or the machine behind a
    controller that says Off, was seen at work.
    """

    path: FencePath
    reachable: bool
    fenced: bool = False
    running: bool = False
    alive: bool = False
    durable: bool = False
    identity: str = ""
    evidence: str = ""
    trouble: str = ""
    refusal: str = ""
    manager: str = ""
    final_position: int | None = None


class FenceSeen(Value):
    """What all paths show; ``stated_by`` is who gave their word, where somebody did.

    ``how`` is what will be done: each path, and what else runs on that machine. ``answering``
    says that its port takes connections, which shows it alive; a closed port shows nothing.
    """

    place: str
    at: datetime
    how: str
    paths: tuple[PathSeen, ...]
    answering: bool = False
    stated_by: str = ""
    stated_because: str = ""
    stated_at: datetime | None = None

    @property
    def proving(self) -> PathSeen | None:
        """The first path that shows the server fenced; none when its processes were seen alive."""
        if any(path.alive and path.path == "ssh" for path in self.paths):
            return None
        return next((path for path in self.paths if path.fenced), None)

    @property
    def accepted_statement(self) -> bool:
        """Whether a person's word stands: nothing that was seen belies it."""
        return bool(self.stated_by) and not self.able_to_write

    @property
    def able_to_write(self) -> bool:
        """Whether the server, or its machine, was seen at work."""
        return self.answering or any(path.alive for path in self.paths)


def seen_by(look: Look, how: str, paths: tuple[PathSeen, ...], *, answering: bool) -> FenceSeen:
    """What the paths show, with a person's word where somebody gave it."""
    stated = look.facts.statement
    return FenceSeen(
        place=str(place_of(look.facts)),
        at=look.now(),
        how=how,
        paths=paths,
        answering=answering,
        stated_by=stated.by if stated else "",
        stated_because=stated.reason if stated else "",
        stated_at=stated.at if stated else None,
    )


def look_over_ssh(look: Look, identity: str | None) -> PathSeen:
    """Processes and control file, twice when they show the server fenced."""
    try:
        host = look.reach(PostgresqlHostReader, str(place_of(look.facts)))
        state = host.state(wal=True)
        path = judged(state, identity)
        if path.fenced and not state.running:
            time.sleep(SETTLE_SECONDS)
            later = host.state(wal=True)
            path = judged(later, identity)
            if path.fenced and later.written != state.written:
                path = path.model_copy(update={"fenced": False, "trouble": "WAL is still written"})
    except DrtoolError as error:
        return PathSeen(path="ssh", reachable=False, trouble=error.line())
    return path


def judged(state: HostState, identity: str | None) -> PathSeen:
    """What a host's state shows; pure."""
    reason = reason_able_to_write(state, identity)
    found = state.control.system_identifier if state.control else None
    managed = reason_managed(state)
    stranger = found and identity and reason_not_same_cluster(state.place, found, identity)
    return PathSeen(
        path="ssh",
        reachable=True,
        fenced=reason is None and managed is None,
        running=state.running,
        alive=reason is not None and state.running and not stranger,
        durable=reason is None,
        identity=found or "",
        evidence=f"{state}, system identifier {found}",
        trouble=managed or reason or "",
        refusal=managed or stranger or "",
        manager=state.manager,
        final_position=state.final_position if reason is None else None,
    )


def look_at_power(look: Look, ssh: PathSeen | None) -> PathSeen:
    """What the controller says, held against what still answers from there."""
    facts = look.facts
    system = system_at(facts, place_of(facts))
    try:
        state = look.reach(PowerReader, system.host).state()
    except DrtoolError as error:
        return PathSeen(path="power", reachable=False, trouble=error.line())
    path = _power_path(state, facts)
    if not path.fenced:
        return path
    answering = what_answers(facts, ssh)
    if answering:
        trouble = f"the controller says Off, yet {answering}: it is not believed"
        return path.model_copy(
            update={"fenced": False, "alive": True, "durable": False, "trouble": trouble}
        )
    return path


def _power_path(state: PowerState, facts: Facts) -> PathSeen:
    """What the controller's answer alone shows."""
    system = system_at(facts, place_of(facts))
    power = facts.inventory.hosts[system.host].power
    expected = power.system if power else ""
    other = reason_not_that_machine(
        "the controller", (state.system, state.uuid), expected, power.uuid if power else None
    )
    trouble = ""
    if other is not None:
        trouble = other
    elif not state.off:
        trouble = f"the controller says {state.power}"
    elif state.restore_policy and not state.stays_off:
        trouble = f"off, but it would start again with the mains ({state.restore_policy})"
    policy = f", restore policy {state.restore_policy}" if state.restore_policy else ""
    machine = f" ({state.uuid})" if state.uuid else ""
    said = f"controller of {system.host}{machine} says {state.power}{policy}, nothing answers"
    return PathSeen(
        path="power",
        reachable=True,
        fenced=not trouble,
        durable=state.stays_off and system.boot_guard,
        identity=expected,
        evidence=said,
        trouble=trouble,
    )


def what_answers(facts: Facts, ssh: PathSeen | None) -> str:
    """What still answers of a machine that is said to be off, or ""."""
    place = place_of(facts)
    system = system_at(facts, place)
    if ssh is not None and ssh.reachable:
        return f"host {system.host} answers over SSH"
    host = facts.inventory.hosts.get(system.host)
    with ThreadPoolExecutor(1, thread_name_prefix="fence") as pool:  # a machine that is off is mute
        listening = pool.submit(what_listens, facts)
        if host and host.ssh and takes_connections(host.ssh.address, host.ssh.port, ASK_SECONDS):
            return f"port {host.ssh.port} of {host.ssh.address} takes connections"
        return listening.result()


def what_listens(facts: Facts) -> str:
    """That the server's own port takes connections, or ""."""
    place = place_of(facts)
    system = system_at(facts, place)
    address = system.address or facts.inventory.sites[place.site].address
    if takes_connections(address, system.port, ASK_SECONDS):
        return f"port {system.port} of {address} takes connections"
    return ""


def fence_over_ssh(hands: Hands, identity: str, drain: float, seconds: float) -> str:
    """Drain, stop, end what is left; what is still missing then, or ""."""
    place = place_of(hands.facts)
    note = f"drtool run {hands.facts.run}: fenced at {hands.now().isoformat()}"
    host = hands.reach(PostgresqlHostHands, str(place))
    state = host.stop(identity, note, min(drain, seconds / 2), kill=True, seconds=seconds)
    return reason_managed(state) or reason_able_to_write(state, identity) or ""


def fence_by_power(hands: Hands, seconds: float) -> str:
    """Stay off, go off, and be read as off several times; what is missing then, or ""."""
    system = system_at(hands.facts, place_of(hands.facts))
    end = time.monotonic() + seconds
    controller = hands.reach(PowerHands, system.host)
    _stay_off(controller)
    controller.reset("ForceOff")
    in_a_row, said = 0, "nothing"
    while in_a_row < OFF_IN_A_ROW:
        state = controller.state()
        said, in_a_row = state.power, in_a_row + 1 if state.off else 0
        if time.monotonic() > end:
            return f"the controller says {said} {seconds:.3g} s after ForceOff"
        if in_a_row < OFF_IN_A_ROW:
            time.sleep(POWER_POLL_SECONDS)
    answering = what_answers(hands.facts, None)
    if answering:
        return f"the controller says Off, yet {answering}: it is not believed"
    return ""


def _stay_off(controller: PowerHands) -> None:
    """Keep the machine off when mains power returns.

    A controller that has no such policy is no obstacle: the proof is not durable then.
    """
    try:
        controller.set_restore_policy("AlwaysOff")
    except Refused:
        raise
    except DrtoolError:
        return
