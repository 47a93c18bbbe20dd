"""What was answered, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from drtool.model.value import Value
from drtool.runbook.blanks import BLANK
from drtool.scaffold.shapes import SHAPES, Shape

_DEBIAN = re.compile(r"/var/lib/postgresql/(\d+)/")


class Machine(Value):
    """One host: its name in the inventory, and how it is reached as far as that is known."""

    name: str
    address: str
    user: str
    host_key: str
    power: str = ""


class Place(Value):
    """One site with its machines and its DNS server."""

    name: str
    address: str
    machines: tuple[Machine, ...]
    dns_server: str


class Answers(Value):
    """Everything that documents are made of; what is not known begins with ``FILL_IN``."""

    service: str
    strategy: str
    endpoint: str
    url: str
    zone: str
    sites: tuple[Place, ...]
    ssh_port: int
    ssh_key: str
    rto: str
    rpo: str
    approver: str
    data_directory: str
    command: str

    @property
    def shape(self) -> Shape:
        """What this strategy needs."""
        return SHAPES[self.strategy]

    @property
    def bin_directory(self) -> str:
        """Where Debian keeps the programs of that data directory; empty elsewhere."""
        found = _DEBIAN.match(self.data_directory)
        return f"/usr/lib/postgresql/{found[1]}/bin" if found else ""


def blank(what: str) -> str:
    """A place to fill in; lint names it, with what belongs there."""
    return f"{BLANK} {what}"


def answers_of(given: Mapping[str, str], named: Mapping[str, Mapping[str, str]]) -> Answers:
    """The answers as values.

    ``given`` are single answers by their flags; ``named`` those that name a site or a host:
    ``host``, ``host_key``, ``power`` and ``dns_server``.
    """
    shape = SHAPES[given["strategy"]]
    endpoint = given.get("endpoint", "")
    return Answers(
        service=given["service"],
        strategy=shape.name,
        endpoint=endpoint,
        url=given["url"],
        zone=given.get("zone") or endpoint.partition(".")[2] or "example.test",
        sites=tuple(_place(shape, pair, given, named) for pair in given["site"].split()),
        ssh_port=int(given["ssh_port"]),
        ssh_key=given.get("ssh_key", ""),
        rto=given["rto"],
        rpo=given.get("rpo", ""),
        approver=given["approver"],
        data_directory=given.get("data_directory", ""),
        command=given.get("command", ""),
    )


def _place(
    shape: Shape, pair: str, given: Mapping[str, str], named: Mapping[str, Mapping[str, str]]
) -> Place:
    """One site, from ``NAME=ADDRESS``."""
    name, _, address = pair.partition("=")
    return Place(
        name=name,
        address=address,
        machines=tuple(_machine(shape, name, part, given, named) for part in shape.machines),
        dns_server=named["dns_server"].get(name) or blank(f"the DNS server at {name}"),
    )


def _machine(
    shape: Shape,
    site: str,
    part: str,
    given: Mapping[str, str],
    named: Mapping[str, Mapping[str, str]],
) -> Machine:
    """One machine; the site's name stands for its first one."""
    name, first = f"{site}_{part}", part == shape.machines[0]

    def said(what: str) -> str:
        return named[what].get(name) or (named[what].get(site, "") if first else "")

    power = said("power")
    if not power and part in shape.powered:
        power = blank(f"https:// and the power controller of {name}")
    on_console = "/etc/ssh/ssh_host_ed25519_key.pub"
    return Machine(
        name=name,
        address=said("host") or blank(f"the address of {name}"),
        user=given["ssh_user"],
        host_key=said("host_key") or blank(f"the first two words of {on_console} on {name}"),
        power=power,
    )
