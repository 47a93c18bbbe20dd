"""Rules of where a lease is kept: its arbiter must be at every site that can be acted at."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.runbook.inventory_nodes import (
    Say,
    inner_of,
    named_under,
    servers_of,
    systems_of,
    text_of,
)
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import Items, Pairs, bare


def check_leases(root: Pairs, say: Say) -> None:
    """Note every service whose lease, or whose freeze, could not be kept as it is written."""
    for name, service in named_under(root, "services"):
        lease = inner_of(service, "lease")
        if lease is None:
            continue
        at = text_of(lease, "at")
        flag = text_of(lease, "freeze") or at
        _at_dns(root, name, lease, at, say)
        _at_postgresql(root, name, lease, at, say)
        _at_file(root, name, lease, {at, flag}, say)
        _at_dynamodb(name, lease, {at, flag}, say)


def _at_dns(root: Pairs, name: str, lease: Pairs, at: str, say: Say) -> None:
    dns = inner_of(root, "dns")
    if text_of(lease, "freeze") == "dns" and dns is None:
        say(lease.nodes["freeze"], f"service {name}: its freeze is at dns; there is no dns", "")
    if at != "dns":
        return
    if dns is None:
        say(lease.nodes["at"], f"service {name}: the lease is at dns; there is no dns", "")
        return
    at_sites = {text_of(server, "site") for _, server in named_under(dns, "servers")}
    for site, _ in named_under(root, "sites"):
        if site not in at_sites:
            say(
                lease.nodes["at"],
                f"service {name}: the lease is at dns, and site {site} has no dns server",
                f"name one under dns.servers whose site is {site}, or lease: {{at: file}}",
            )


def _at_postgresql(root: Pairs, name: str, lease: Pairs, at: str, say: Say) -> None:
    kinds = {text_of(system, "kind") for _, _, system in systems_of(root)}
    if at == "postgresql" and not kinds & {"postgresql", "patroni"}:
        what = f"service {name}: the lease is at postgresql; no site has a system of that kind"
        say(lease.nodes["at"], what, "lease: {at: journal}")


def _at_file(root: Pairs, name: str, lease: Pairs, used: set[str], say: Say) -> None:
    listed = lease.nodes.get("hosts")
    if "file" not in used:
        if listed is not None:
            what = f"service {name}: lease.hosts is for file alone, and nothing is kept there"
            say(listed, what, "at: file")
        return
    hosts = dict(named_under(root, "hosts"))
    named = [*_named(name, listed, hosts, say)] if isinstance(listed, Items) else None
    bearing = {server.host: server.site for server in servers_of(root)}
    for site, _ in named_under(root, "sites"):
        able = [
            key
            for key, host in hosts.items()
            if (text_of(host, "site") or bearing.get(key)) == site and "ssh" in host.nodes
        ]
        found = able if named is None else [key for key in able if key in named]
        if len(found) != 1:
            which = "with ssh" if named is None else "of lease.hosts with ssh"
            said = ", ".join(found) or "none"
            say(
                listed or lease.nodes.get("freeze") or lease.nodes["at"],
                f"service {name}: site {site} has {len(found)} hosts {which} ({said}); "
                "one keeps the file",
                "hosts: [ONE_HOST_OF_EACH_SITE]",
            )


def _named(name: str, listed: Items, hosts: dict[str, Pairs], say: Say) -> Iterator[str]:
    for node in listed.nodes:
        host = bare(node)
        if isinstance(host, str) and host not in hosts:
            what = f"service {name}: lease.hosts: {host} is not under hosts"
            say(node, what, did_you_mean(host, hosts))
        elif isinstance(host, str):
            yield host


def _at_dynamodb(name: str, lease: Pairs, used: set[str], say: Say) -> None:
    table = inner_of(lease, "dynamodb")
    if "dynamodb" not in used:
        if table is not None:
            what = f"service {name}: lease.dynamodb is given, and nothing is kept there"
            say(lease.nodes["dynamodb"], what, "at: dynamodb")
        return
    if table is None:
        say(
            lease.nodes.get("freeze") or lease.nodes["at"],
            f"service {name}: which DynamoDB table is not said",
            "dynamodb: {table: drtool, region: eu-west-1}",
        )
        return
    given = [key for key in ("key_id", "secret_key") if key in table.nodes]
    if len(given) == 1:
        other = "secret_key" if given == ["key_id"] else "key_id"
        what = f"service {name}: lease.dynamodb has {given[0]} and no {other}"
        say(table.nodes[given[0]], what, f"{other}: {{secret: ...}}, or neither")
