"""A machine that is silent is told of once, with all its doors, and not again by what follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from drtool.errors import DrtoolError, MissingExtra, Unreachable
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen, answering

T = TypeVar("T")


@dataclass(frozen=True)
class _Door:
    """Where something should answer: its part of ``Seen``, its key there, how it is named."""

    part: str
    key: str
    name: str
    address: str
    machine: str


def told_once(scope: Scope, seen: Seen) -> tuple[list[Finding], Seen]:
    """A finding for each silent machine, and what was seen without what only follows from it.

    What stays out: its doors, what a secret or an extra that is missing keeps from being opened
    (each has a finding of its own), and what was to be read over an SSH that does not work.
    """
    machines: dict[str, list[_Door]] = defaultdict(list)
    for door in _doors(scope, seen):
        machines[door.machine].append(door)
    findings, hushed = [], set[tuple[str, str]]()
    for doors in machines.values():
        silent = [one for one in doors if _silent(getattr(seen, one.part)[one.key])]
        if len(doors) > 1 and len(silent) == len(doors):
            findings.append(_silence(scope, seen, doors))
            hushed |= {(one.part, one.key) for one in doors}
    rest = replace(
        seen,
        hosts=_without("hosts", seen.hosts, hushed),
        servers=_without("servers", seen.servers, hushed),
        name_servers=_without("name_servers", seen.name_servers, hushed),
        pages=_without("pages", seen.pages, hushed),
        clusters=_without("clusters", seen.clusters, hushed),
        controllers=_without("controllers", seen.controllers, hushed),
        data={
            target: found
            for target, found in seen.data.items()
            if not isinstance(found, DrtoolError) or _has_ssh(scope, seen, target)
        },
    )
    return findings, rest


def _doors(scope: Scope, seen: Seen) -> Iterator[_Door]:
    """Every door; what shares a machine's address is taken for that machine's."""
    hosts = scope.inventory.hosts
    machines = {host.ssh.address: name for name, host in hosts.items() if host.ssh}
    for server in scope.servers.values():
        machines.setdefault(server.address or "", server.host)
    for name in seen.hosts:
        if ssh := hosts[name].ssh:
            yield _Door("hosts", name, f"SSH on port {ssh.port}", ssh.address, name)
    for target, server in scope.servers.items():
        what = f"PostgreSQL {target} on {server.port}"
        yield _Door("servers", target, what, server.address or "", server.host)
    for name, one in scope.inventory.dns.servers.items() if scope.inventory.dns else ():
        machine = machines.get(one.address, one.address)
        yield _Door("name_servers", name, f"DNS {name} on {one.port}", one.address, machine)
    for service in seen.pages:
        if address := _endpoint(seen, service):
            machine = machines.get(address, address)
            yield _Door("pages", service, f"service {service}", address, machine)


def _endpoint(seen: Seen, service: str) -> str:
    """Where the service's name leads, by the first DNS server that answers."""
    for found in answering(seen.name_servers).values():
        if service in found.endpoints and found.endpoints[service].values:
            return found.endpoints[service].values[0]
    return ""


def _silent(found: object) -> bool:
    return isinstance(found, Unreachable)


def _silence(scope: Scope, seen: Seen, doors: list[_Door]) -> Finding:
    machine = doors[0].machine
    subject = f"host {machine}" if machine in scope.inventory.hosts else machine
    addresses = ", ".join(dict.fromkeys(door.address for door in doors))
    cure = f"bring it up, or correct {machine} in {scope.inventory_path}"
    site = scope.site_of(machine)
    if site and not seen.primaries:
        cure = f"bring it up; if site {site} is lost: drtool failover {scope.runbook} --from {site}"
    elif site and any(door.part == "servers" for door in doors):
        cure = f"bring it up; if it was failed over from: drtool reprotect {scope.runbook}"
    names = ", ".join(door.name for door in doors)
    return Area.HOSTS.problem(subject, f"does not answer at {addresses}: {names}", cure)


def _without(
    part: str, found: Mapping[str, T | DrtoolError], hushed: set[tuple[str, str]]
) -> dict[str, T | DrtoolError]:
    return {
        key: one for key, one in found.items() if (part, key) not in hushed and not _follows(one)
    }


def _follows(found: object) -> bool:
    """Whether it is an error that has a finding of its own: a secret's, or a missing extra's."""
    return isinstance(found, MissingExtra) or (
        isinstance(found, DrtoolError) and found.subject.startswith("secret ")
    )


def _has_ssh(scope: Scope, seen: Seen, target: str) -> bool:
    return not isinstance(seen.hosts.get(scope.servers[target].host), DrtoolError)
