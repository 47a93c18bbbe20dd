"""Rules of a service's signals: two places to look from, and nothing that is not there."""

from __future__ import annotations

from drtool.runbook.inventory_nodes import (
    Say,
    inner_of,
    must_be_known,
    named_under,
    servers_of,
    systems_of,
    text_of,
)
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import Items, Node, Pairs

HERE = "here"
_BOTH = (
    "one place that is cut off sees an outage that nobody else sees; add one that looks from "
    "elsewhere, as {heartbeat: SITE.SYSTEM} at the standby, or from_host: HOST"
)


def check_signals(root: Pairs, say: Say) -> None:
    """Note what signals name and is not there, and signals that all look from one place."""
    for name, service in named_under(root, "services"):
        signals, automatic = service.nodes.get("signals"), service.nodes.get("automatic")
        if automatic is not None and signals is None:
            what = f"service {name}: automatic without signals has nothing to go by"
            say(automatic, what, "signals: [{http: URL}, {heartbeat: SITE.SYSTEM}]")
        if not isinstance(signals, Items):
            continue
        for signal in signals.nodes:
            if isinstance(signal, Pairs):
                _names(root, name, signal, say)
        _places(root, name, signals, say)


def _names(root: Pairs, service: str, signal: Pairs, say: Say) -> None:
    hosts = dict(named_under(root, "hosts"))
    systems = {f"{site}.{name}": node for site, name, node in systems_of(root)}
    for key in ("ssh", "from_host"):
        must_be_known(signal, key, hosts, f"service {service}, signals: unknown host {{}}", say)
        host = hosts.get(text_of(signal, key))
        if host is not None and "ssh" not in host.nodes:
            what = f"service {service}, signals: host {text_of(signal, key)} has no ssh"
            say(signal.nodes[key], what, "add ssh to the host, or look from elsewhere")
    for key in ("tcp", "heartbeat"):
        named = text_of(signal, key)
        if named and named not in systems:
            what = f"service {service}, signals: unknown system {named}"
            say(signal.nodes[key], what, did_you_mean(named, systems) or "SITE.SYSTEM")
        elif key == "heartbeat" and named and text_of(systems[named], "kind") == "pgbouncer":
            what = f"service {service}, signals: {named} is no database and hears from nobody"
            say(signal.nodes[key], what, "")
        elif key == "tcp" and named and text_of(systems[named], "kind") == "patroni":
            what = f"service {service}, signals: {named} is a cluster and has no port of its own"
            say(signal.nodes[key], what, "{heartbeat: SITE.SYSTEM}, or a command")


def _places(root: Pairs, service: str, signals: Items, say: Say) -> None:
    if not signals.nodes or not all(isinstance(one, Pairs) for one in signals.nodes):
        if not signals.nodes:
            say(signals, f"service {service}: signals is an empty list", "leave it out, or add two")
        return
    places = {_place(root, one) for one in signals.nodes}
    if len(places) == 1 and None not in places:
        from_where = places.pop()
        where = "the machine of `drtool watch`" if from_where == HERE else from_where
        say(signals, f"service {service}: all signals look from one place, {where}", _BOTH)


def _place(root: Pairs, signal: Node) -> str | None:
    """The site that a signal looks from; None when that cannot be told."""
    if not isinstance(signal, Pairs):
        return None
    heard = text_of(signal, "heartbeat")
    if heard:
        return heard.partition(".")[0]
    host = text_of(signal, "from_host")
    if not host:
        return HERE
    node = inner_of(inner_of(root, "hosts"), host)
    borne = (server.site for server in servers_of(root) if server.host == host)
    return text_of(node, "site") or next(borne, host)
