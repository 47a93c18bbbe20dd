"""Machines on a network of their own: a network namespace for each, joined by a bridge.

A cable that is pulled drops every packet without a word, as a dead site does; nothing is refused.
Addresses of 127.0.0.0/8 are routed between the namespaces, so that what is made for loopback (the
lab) runs on them as it is. Root, iproute2 and a kernel that lets namespaces be made are needed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNET = 0x40000000
_DROPPED_SECONDS = 0.4


def reason_for_none() -> str | None:
    """Why no machines can be had here, or None."""
    if os.geteuid() != 0:
        return "network namespaces with cables between them want root"
    for program in ("ip", "nsenter"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    name = f"drt{os.getpid()}try"
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "br0", "type", "bridge")
    except subprocess.CalledProcessError as error:
        return f"ip {' '.join(error.cmd[1:])}: {error.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return None


class Net:
    """The machines by name, each with its addresses; the first is where it speaks from."""

    def __init__(self, machines: dict[str, tuple[str, ...]]) -> None:
        self._machines = machines
        self._prefix = f"drt{os.getpid()}"

    def up(self) -> None:
        """Make the machines, and plug them all in."""
        hub = self._name("hub")
        _ip("netns", "add", hub)
        _ip("-n", hub, "link", "add", "br0", "up", "type", "bridge")
        for number, machine in enumerate(self._machines, 1):
            name = self._name(machine)
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
            plug = ("name", f"p{number}", "netns", hub)
            _ip("link", "add", "net0", "netns", name, "type", "veth", "peer", *plug)
            _ip("-n", name, "link", "set", "net0", "address", _mac(number), "up")
            _ip("-n", hub, "link", "set", f"p{number}", "master", "br0", "up")
        for machine in self._machines:
            self._routes(machine)

    def down(self) -> None:
        """Take everything away again; what still runs there keeps its machine for itself."""
        for machine in (*self._machines, "hub"):
            name = self._name(machine)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def cut(self, *machines: str) -> None:
        """Pull the cables: from now on not one packet passes, either way."""
        for machine in machines:
            _ip("-n", self._name("hub"), "link", "set", self._plug(machine), "nomaster")

    def heal(self, *machines: str) -> None:
        """Plug the cables in again."""
        for machine in machines:
            _ip("-n", self._name("hub"), "link", "set", self._plug(machine), "master", "br0")

    def command(self, machine: str, *words: str) -> list[str]:
        """The words that run a program on a machine."""
        return ["nsenter", f"--net={self._path(machine)}", "--", *words]

    @contextlib.contextmanager
    def inside(self, machine: str) -> Iterator[None]:
        """This thread, and what it starts, is on the machine."""
        with Path("/proc/thread-self/ns/net").open() as before, self._path(machine).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def _routes(self, machine: str) -> None:
        """The machine's own addresses, and the way to everybody else's."""
        name, own = self._name(machine), self._machines[machine]
        for key in ("all.route_localnet", "net0.route_localnet"):
            self._set(machine, f"conf.{key}", "1")
        self._set(machine, "ip_nonlocal_bind", "1")
        _ip("-n", name, "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local")
        _ip("-n", name, "route", "add", "local", "127.0.0.0/24", "dev", "lo", "table", "local")
        for address in own:
            words = ("local", f"{address}/32", "dev", "net0", "table", "local", "src", own[0])
            _ip("-n", name, "route", "add", *words)
        for number, (other, addresses) in enumerate(self._machines.items(), 1):
            for address in addresses if other != machine else ():
                _ip("-n", name, "route", "add", f"{address}/32", "dev", "net0", "src", own[0])
                neighbour = (address, "lladdr", _mac(number), "dev", "net0", "nud", "permanent")
                _ip("-n", name, "neigh", "replace", *neighbour)

    def _set(self, machine: str, key: str, value: str) -> None:
        path = f"/proc/sys/net/ipv4/{key.replace('.', '/')}"
        with self.inside(machine):
            Path(path).write_text(value)

    def _plug(self, machine: str) -> str:
        return f"p{list(self._machines).index(machine) + 1}"

    def _name(self, machine: str) -> str:
        return f"{self._prefix}{machine}"

    def _path(self, machine: str) -> Path:
        return Path("/run/netns") / self._name(machine)


def dropped(address: str, port: int) -> bool:
    """Whether a connection is neither taken nor refused."""
    try:
        socket.create_connection((address, port), _DROPPED_SECONDS).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return False


def _mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)


def _enter(descriptor: int) -> None:
    """Move this thread into a network namespace (setns(2)); os.setns came with Python 3.12."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
