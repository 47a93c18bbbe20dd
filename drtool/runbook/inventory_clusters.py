"""Rules of clusters in an inventory: each member a server of its own, and how it is fenced."""

from __future__ import annotations

from drtool.runbook.inventory_nodes import Say, named_under, systems_of, text_of
from drtool.runbook.marks import Items, Pairs, bare


def check_clusters(root: Pairs, say: Say) -> None:
    """What a Patroni cluster says of its members and of how they are fenced."""
    for site, name, system in systems_of(root):
        if text_of(system, "kind") != "patroni":
            continue
        subject = f"site {site}, system {name}"
        for key in ("url", "name"):
            seen: dict[str, str] = {}
            for member, node in named_under(system, "members"):
                found = text_of(node, key) or (member if key == "name" else "")
                if found and found in seen:
                    what = f"{subject}, member {member}: {key} {found} is {seen[found]}'s too"
                    say(node.nodes.get(key, node), what, "each member is a server of its own")
                seen.setdefault(found, member)
        paths = system.nodes.get("fence")
        ssh = isinstance(paths, Items) and "ssh" in map(bare, paths.nodes)
        if ssh and "stop_command" not in system.nodes:
            say(
                system.nodes["fence"],
                f"{subject}: fence by ssh, and no stop_command: Patroni would start it again",
                'stop_command: ["sudo", "systemctl", "disable", "--now", "patroni"]',
            )
