"""Rules of inventories, judged on what is written, so that all faults are told at once."""

from __future__ import annotations

import base64
import binascii
import shlex
import stat
import struct
from pathlib import Path

from drtool.model.words import reason_no_ipv4
from drtool.runbook.inventory_clusters import check_clusters
from drtool.runbook.inventory_leases import check_leases
from drtool.runbook.inventory_nodes import (
    Say,
    Server,
    inner_of,
    must_be_known,
    named_under,
    servers_of,
    systems_of,
    text_of,
)
from drtool.runbook.inventory_people import check_people
from drtool.runbook.inventory_signals import check_signals
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import FaultList, Items, Node, Pairs, Scalar, bare, walk


def check_inventory(root: Pairs, directory: Path, faults: FaultList) -> None:
    """Note every break of the rules."""

    def say(node: Node, what: str, hint: str = "") -> None:
        if node.mark not in faults.spoiled:
            faults.spoil(node.mark, what, hint)

    _references(root, say)
    check_leases(root, say)
    _one_host_one_role(root, say)
    _identities(root, say)
    check_clusters(root, say)
    _host_keys(root, say)
    _dns(root, say)
    check_people(root, say)
    _mentions(root, say)
    check_signals(root, say)
    _secret_files(root, directory, say)


def _references(root: Pairs, say: Say) -> None:
    sites, hosts = dict(named_under(root, "sites")), dict(named_under(root, "hosts"))
    for name, service in named_under(root, "services"):
        must_be_known(service, "preferred", sites, f"service {name}: unknown site {{}}", say)
    for name, host in hosts.items():
        must_be_known(host, "site", sites, f"host {name}: unknown site {{}}", say)
    for server in servers_of(root):
        what = f"{server.subject}: host"
        must_be_known(server.node, "host", hosts, f"{what} {{}} is not under hosts", say)
        bearer = hosts.get(server.host)
        home = text_of(bearer, "site")
        if home and home != server.site and home in sites:
            say(server.node.nodes["host"], f"{what} {server.host} is of site {home}", "")
        _fence_paths(server, bearer, say)


def _fence_paths(server: Server, host: Pairs | None, say: Say) -> None:
    subject, name, paths = server.subject, server.host, server.system.nodes.get("fence")
    for path in paths.nodes if isinstance(paths, Items) and host else ():
        word = bare(path)
        if word in {"ssh", "power"} and host and word not in host.nodes:
            say(
                path,
                f"{subject}: fence by {word}, and host {name} has no {word}",
                f"add {word} to the host, or take it from the fence",
            )
    if isinstance(paths, Items) and not paths.nodes:
        say(paths, f"{subject}: fence is an empty list", "fence: [ssh, power]")


def _one_host_one_role(root: Pairs, say: Say) -> None:
    """One machine cannot be what is fenced and what is promoted; a pooler may stand beside."""
    seen: dict[object, str] = {}
    for server in servers_of(root):
        host = server.host
        if text_of(server.system, "kind") == "pgbouncer":
            continue
        if host and host in seen:
            say(
                server.node.nodes["host"],
                f"{server.subject}: host {host} is {seen[host]}'s too",
                "a host cannot be both the one that is fenced and the one that takes over",
            )
        seen.setdefault(host, server.target)
    _shared(root, "ssh", ("address", "port"), "ssh reaches the same machine as", say)
    _shared(root, "power", ("redfish", "system"), "power switches the same machine as", say)
    where: dict[object, str] = {}
    for name, site_node in named_under(root, "sites"):
        address = text_of(site_node, "address")
        if address and address in where:
            say(
                site_node.nodes["address"],
                f"site {name}: address {address} is {where[address]}'s too",
                "clients could not be moved",
            )
        where.setdefault(address, f"site {name}")


def _shared(root: Pairs, part: str, keys: tuple[str, str], words: str, say: Say) -> None:
    seen: dict[object, str] = {}
    for name, host in named_under(root, "hosts"):
        inner = inner_of(host, part)
        if inner is None or keys[0] not in inner.nodes:
            continue
        what = tuple(str(bare(inner.nodes[key])) if key in inner.nodes else "" for key in keys)
        if what in seen:
            say(
                inner.nodes[keys[0]],
                f"host {name}: {words} host {seen[what]}",
                "each host is a machine of its own",
            )
        seen.setdefault(what, name)


def _identities(root: Pairs, say: Say) -> None:
    """A standby bears its primary's identifier, and no other server does."""
    of_name: dict[str, tuple[object, str]] = {}
    of_identity: dict[object, tuple[str, str]] = {}
    for site, name, system in systems_of(root):
        node = system.nodes.get("system_identifier")
        if node is None or bare(node) is None:
            continue
        identity = str(bare(node))
        subject = f"site {site}, system {name}: system_identifier {identity}"
        if name in of_name and of_name[name][0] != identity:
            say(
                node,
                f"{subject} differs from {of_name[name][0]} at {of_name[name][1]}",
                "a standby has the identifier of its primary: pg_controldata shows it",
            )
        other = of_identity.get(identity)
        if other and other[0] != name:
            say(
                node,
                f"{subject} is that of {other[1]}.{other[0]} too",
                "two servers that do not replicate each other cannot share it",
            )
        of_name.setdefault(name, (identity, site))
        of_identity.setdefault(identity, (name, site))


def _host_keys(root: Pairs, say: Say) -> None:
    for name, host in named_under(root, "hosts"):
        key = text_of(inner_of(host, "ssh"), "host_key").split(" ")
        known = len(key) == 2 and key[0].startswith(("ssh-ed25519", "ecdsa-", "rsa-", "ssh-rsa"))
        reason = reason_not_a_key(key[0], key[1]) if known else None
        if reason:
            node = host.nodes["ssh"]
            at = node.nodes["host_key"] if isinstance(node, Pairs) else node
            say(at, f"host {name}: host_key {reason}", "copy it from ssh-keyscan or from the host")


def reason_not_a_key(kind: str, text: str) -> str | None:
    """A sentence when text is not the base64 of a public key of that kind (RFC 4253, 6.6)."""
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        return "is not base64"
    if len(blob) < 4:
        return "is too short"
    (length,) = struct.unpack(">I", blob[:4])
    inner = blob[4 : 4 + length].decode("ascii", "replace")
    if inner != kind and not (inner == "ssh-rsa" and kind.startswith("rsa-sha2-")):
        return f"is not a key of the kind {kind}"
    if kind == "ssh-ed25519" and len(blob) != 51:
        return "is cut short"
    return None


def _dns(root: Pairs, say: Say) -> None:
    dns = inner_of(root, "dns")
    if dns is None:
        return
    sites, servers = dict(named_under(root, "sites")), list(named_under(dns, "servers"))
    for name, server in servers:
        must_be_known(server, "site", sites, f"dns server {name}: unknown site {{}}", say)
    least = dns.nodes.get("min_servers")
    wanted = bare(least) if least else 1
    if isinstance(wanted, int) and wanted > len(servers) and "servers" in dns.nodes:
        what = f"dns: min_servers is {wanted}, and there are {len(servers)}"
        say(least or dns.nodes["servers"], what, "")
    zone = text_of(dns, "zone").rstrip(".")
    for name, service in named_under(root, "services"):
        endpoint = text_of(service, "endpoint").rstrip(".")
        if endpoint and zone and endpoint != zone and not endpoint.endswith(f".{zone}"):
            say(
                service.nodes["endpoint"],
                f"service {name}: endpoint {endpoint} is not in zone {zone}",
                "",
            )
    if any(text_of(service, "endpoint") for _, service in named_under(root, "services")):
        _must_fit_an_endpoint(sites, say)


def _must_fit_an_endpoint(sites: dict[str, Pairs], say: Say) -> None:
    """What could not be written into an A record would be found out after the promotion only."""
    for name, site in sites.items():
        address = text_of(site, "address")
        reason = reason_no_ipv4(address) if address else None
        if reason is not None:
            hint = "an endpoint points there, and drtool writes A records, as 192.0.2.1"
            say(site.nodes["address"], f"site {name}: address {reason}", hint)


def _mentions(root: Pairs, say: Say) -> None:
    """Whom to call for a role that nobody asks for."""
    roles = dict(named_under(root, "roles"))
    mentions = inner_of(inner_of(inner_of(root, "notify"), "slack"), "mentions")
    for role, node in mentions.nodes.items() if mentions else ():
        if role not in roles:
            what = f"notify: mentions of {role}, which is not under roles"
            say(node, what, did_you_mean(role, roles))


def _secret_files(root: Pairs, directory: Path, say: Say) -> None:
    """Key files that others could read; one that is not here is told when it is used."""
    for path, node in walk(root):
        key = path.rpartition(".")[2]
        value = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        if key == "secret" and value.startswith("file:"):
            file = value.removeprefix("file:")
        elif key == "key_file":
            file = value
        else:
            continue
        if not file.strip():
            continue  # nothing is named
        found = directory / Path(file).expanduser()
        try:
            told = found.stat().st_mode
        except OSError:
            continue
        if stat.S_ISDIR(told):
            say(node, f"{file} is a directory", "name the file that holds the key")
            continue
        mode = stat.S_IMODE(told)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            say(
                node,
                f"{file} can be read by others, its mode is {mode:04o}",
                f"chmod 600 {shlex.quote(str(found))}",
            )
