"""The parts of an inventory as it is written: systems, their servers, what stands within."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import Node, Pairs, Scalar

Say = Callable[[Node, str, str], None]
Named = tuple[str, Pairs]


@dataclass(frozen=True, slots=True)
class Server:
    """One PostgreSQL server: ``node`` says where it runs, ``system`` what it is part of."""

    site: str
    subject: str
    target: str
    node: Pairs
    system: Pairs

    @property
    def host(self) -> str:
        """The machine it runs on."""
        return text_of(self.node, "host")


def servers_of(root: Pairs) -> Iterator[Server]:
    """Every system that runs on a host, and every member of a cluster."""
    for site, name, system in systems_of(root):
        subject, target = f"site {site}, system {name}", f"{site}.{name}"
        if "members" not in system.nodes:
            yield Server(site, subject, target, system, system)
        for member, node in named_under(system, "members"):
            yield Server(site, f"{subject}, member {member}", f"{target}.{member}", node, system)


def systems_of(root: Pairs) -> Iterator[tuple[str, str, Pairs]]:
    """Every system: its site, its name, what is said of it."""
    for site, node in named_under(root, "sites"):
        for name, system in named_under(node, "systems"):
            yield site, name, system


def named_under(holder: Pairs, key: str) -> Iterator[Named]:
    """The named mappings under a key."""
    inner = inner_of(holder, key)
    for name, node in inner.nodes.items() if inner else ():
        if isinstance(node, Pairs):
            yield name, node


def inner_of(holder: Pairs | None, key: str) -> Pairs | None:
    """The mapping under a key, if there is one."""
    node = holder.nodes.get(key) if holder else None
    return node if isinstance(node, Pairs) else None


def text_of(holder: Pairs | None, key: str) -> str:
    """The text under a key, or ""."""
    node = holder.nodes.get(key) if holder else None
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) else ""


def must_be_known(holder: Pairs, key: str, known: dict[str, Pairs], what: str, say: Say) -> None:
    """Note a name under a key that stands for nothing; ``what`` has a place for it."""
    name = text_of(holder, key)
    if name and name not in known:
        say(holder.nodes[key], what.format(name), did_you_mean(name, known))
