"""Hosts over SSH: typed reads, and commands for those who may change something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

from drtool.connections.reach import Context, Reader, Writer
from drtool.connections.ssh_transport import AnswerLost, Ran, SshTransport
from drtool.errors import BadInput, StepFailed
from drtool.model.value import Value

__all__ = ["AnswerLost", "Manager", "Ran", "SshHands", "SshReader", "UnitState", "transport_to"]

READ_SECONDS = 5.0
READ_LIMIT_BYTES = 1_000_000


Manager = Literal["systemd", "sysv", "openrc"]
_SYSTEMD = """systemctl show -p LoadState -p ActiveState -p ActiveEnterTimestampMonotonic "$1" &&
cut -d' ' -f1 /proc/uptime"""
_SHOW: dict[Manager, Callable[[str], list[str]]] = {
    "systemd": lambda unit: ["sh", "-c", _SYSTEMD, "drtool-unit", unit],
    "sysv": lambda unit: ["service", unit, "status"],
    "openrc": lambda unit: ["rc-service", unit, "status"],
}


class UnitState(Value):
    """What a service manager says of a unit: active, inactive, failed ..., unknown.

    ``age_seconds`` is how long it has been active, where the manager tells.
    """

    unit: str
    active: str
    detail: str = ""
    age_seconds: float | None = None


def transport_to(host: str, context: Context) -> SshTransport:
    """A connection to the inventory's host, not yet opened; raises BadInput if it has no SSH."""
    found = context.inventory.hosts.get(host)
    if found is None or found.ssh is None:
        raise BadInput(
            f"host {host}",
            "the inventory does not say how to reach it over SSH",
            hint=f"write hosts.{host}.ssh with address, user and host_key",
        )
    key = context.secrets.path(found.ssh.key_file) if found.ssh.key_file else None
    return SshTransport(host, found.ssh, key, context.connect_seconds, context.silences)


class SshReader(Reader):
    """Reads of one host; nothing here changes it."""

    def __init__(self, transport: SshTransport) -> None:
        self._transport = transport

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect to the inventory's host of that name.

        Raises Unreachable when it does not answer in time, AccessDenied when it shows another
        host key or turns our key away.
        """
        transport = transport_to(target, context)
        transport.connect()
        return cls(transport)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    @property
    def subject(self) -> str:
        """The host, as messages name it."""
        return self._transport.subject

    def file_exists(self, path: str) -> bool:
        """Whether there is anything at that path."""
        return self._transport.run(["test", "-e", path], READ_SECONDS).code == 0

    def read_file(self, path: str) -> str | None:
        """A small text file; None when there is none. Raises StepFailed when it is not ours."""
        script = f'[ -e "$1" ] || exit 44; exec head -c {READ_LIMIT_BYTES} -- "$1"'
        ran = self._transport.run(["sh", "-c", script, "drtool", path], READ_SECONDS)
        if ran.code == 44:
            return None
        if ran.code != 0:
            raise StepFailed(f"{self.subject}: {path}", f"cannot be read: {ran.said()}")
        return ran.out

    def list_directory(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; empty when there is none."""
        script = 'cd -- "$1" 2>/dev/null || exit 0; exec ls -A'
        ran = self._transport.run(["sh", "-c", script, "drtool", path], READ_SECONDS)
        return tuple(sorted(ran.out.splitlines()))

    def unit_state(self, unit: str, manager: Manager) -> UnitState:
        """What the host's service manager says of a unit.

        systemd tells it; ``service NAME status`` and ``rc-service NAME status`` are believed by
        their exit code (LSB: 0 running, 3 stopped). Raises StepFailed when the manager is not
        there.
        """
        ran = self._transport.run(_SHOW[manager](unit), READ_SECONDS)
        if ran.code in {126, 127}:
            raise StepFailed(self.subject, f"no such service manager as {manager}: {ran.said()}")
        if manager == "systemd":
            return _systemd_state(unit, ran)
        by_code = {0: "active", 3: "inactive"}
        return UnitState(unit=unit, active=by_code.get(ran.code, "unknown"), detail=ran.said())


def _systemd_state(unit: str, ran: Ran) -> UnitState:
    """What ``systemctl show`` told, and since when by the host's own clock."""
    told = dict(line.partition("=")[::2] for line in ran.out.splitlines())
    if ran.code != 0 or told.get("LoadState") in {None, "not-found", "error"}:
        return UnitState(unit=unit, active="unknown", detail=ran.said())
    active, since = told.get("ActiveState", "unknown"), told.get("ActiveEnterTimestampMonotonic")
    age = None
    if active == "active" and since and since.isdigit():
        age = float(ran.out.splitlines()[-1]) - int(since) / 1e6
    return UnitState(unit=unit, active=active, detail=active, age_seconds=age)


class SshHands(SshReader, Writer):
    """Runs commands on one host, behind the guard that refuses a holder of yesterday."""

    def __init__(self, transport: SshTransport, context: Context, state_directory: str) -> None:
        super().__init__(transport)
        self._context, self._state_directory = context, state_directory

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect to the inventory's host of that name; raises as a reader does."""
        transport = transport_to(target, context)
        transport.connect()
        found = context.inventory.hosts[target].ssh
        return cls(transport, context, found.state_directory if found else "")

    def run(self, argv: list[str], timeout: float, input: str = "") -> Ran:  # noqa: A002
        """Run a command, no shell but the one named in ``argv``, and wait for its end.

        Raises Unreachable when the host does not take it, AnswerLost when it was begun and did
        not end within ``timeout`` seconds: whether it took effect is then not known; LeaseHeld
        when the host has seen a later token than ours.
        """
        guard, state = self._context.guard, self._state_directory
        guarded = argv if guard is None else guard.argv(state, argv)
        ran = self._transport.run(guarded, timeout, input.encode(), what=argv[0])
        return ran if guard is None else guard.judge(self.subject, ran)
