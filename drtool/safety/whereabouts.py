"""Where names, addresses, files and machines stand, by what the inventory says; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from drtool.model.inventory import Inventory
from drtool.model.stability import Where
from drtool.safety.control_planes import region_of

# More exact than any pattern can be.
_EXACT = 1_000


class Whereabouts:
    """What an inventory says of where things stand; the most exact word counts."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._patterns: list[tuple[str, str | None]] = [
            (pattern, None) for pattern in inventory.outside
        ]
        for name, site in inventory.sites.items():
            self._patterns += [(pattern, name) for pattern in site.holds]
        self._addresses = dict(_addresses(inventory))

    def of_word(self, text: str) -> Where:
        """A text, by ``holds`` and ``outside`` alone."""
        found = [(how, site) for pattern, site in self._patterns if (how := _fits(pattern, text))]
        best = max((how for how, _ in found), default=0)
        sites = [site for how, site in found if how == best]
        named = tuple(dict.fromkeys(site for site in sites if site is not None))
        return Where(sites=named, outside=None in sites)

    def of_address(self, text: str) -> Where:
        """A name, an address or a URL: as declared, as another thing's, or by its region."""
        host = host_in(text)
        declared = self.of_word(host)
        if declared.known:
            return declared
        if host in self._addresses:
            return Where(sites=(self._addresses[host],))
        region = region_of(host)
        return self._in_region(region) if region else Where()

    def of_path(self, path: str) -> Where:
        """A file or a directory that is declared to lie at a site; a machine's own is not."""
        return self.of_word(path)

    def of_host(self, name: str) -> Where:
        """A host of the inventory."""
        found = self._inventory.hosts.get(name)
        if found and found.site:
            return Where(sites=(found.site,))
        for site, at in self._inventory.sites.items():
            if any(name in system.hosts for system in at.systems.values()):
                return Where(sites=(site,))
        return self.of_address(found.ssh.address) if found and found.ssh else Where()

    def of_machine(self, hostname: str) -> Where:
        """A machine that people run drtool on; its short name is as good as its long one."""
        names = {hostname.lower(), hostname.lower().partition(".")[0]}
        sites = tuple(
            site
            for site, at in self._inventory.sites.items()
            if names & {one.lower() for one in at.machines}
        )
        return Where(sites=sites) if sites else self.of_word(hostname.lower())

    def _in_region(self, region: str) -> Where:
        sites = self._inventory.sites
        near = tuple(name for name, site in sites.items() if site.region == region)
        told = f"its control plane is in {region}"
        if near:
            return Where(sites=near, why=f"{told}, {Where(sites=near)}")
        if all(site.region for site in sites.values()):
            return Where(outside=True, why=f"{told}, which is no site's")
        return Where(why=f"{told}; no site says its region")


def host_in(text: str) -> str:
    """The host in a URL, in HOST:PORT or in a plain name, in small letters."""
    parts = urlsplit(text if "//" in text else f"//{text}")
    try:
        return (parts.hostname or text).rstrip(".").lower()
    except ValueError:
        return text.lower()


def _fits(pattern: str, text: str) -> int:
    """How exactly a pattern fits a text; 0 when it does not."""
    if pattern.startswith("/"):
        below = PurePosixPath(text).is_relative_to(pattern)
        return len(pattern) if below else 0
    if (network := _network(pattern)) is not None:
        address = _address(text)
        inside = address is not None and address in network
        return network.prefixlen + 1 if inside else 0
    if "*" not in pattern:
        return _EXACT if pattern.lower() == text.lower() else 0
    return len(pattern) if fnmatchcase(text.lower(), pattern.lower()) else 0


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _addresses(inventory: Inventory) -> Iterator[tuple[str, str]]:
    """The addresses of the inventory's own things, with their sites."""
    hosts = {host: site for site, at in inventory.sites.items()
             for system in at.systems.values() for host in system.hosts}  # fmt: skip
    for name, host in inventory.hosts.items():
        site = host.site or hosts.get(name)
        if site and host.ssh:
            yield host.ssh.address.lower(), site
    for server in inventory.dns.servers.values() if inventory.dns else ():
        yield server.address.lower(), server.site
    for site, at in inventory.sites.items():
        for system in at.systems.values():
            address = getattr(system, "address", None)
            if isinstance(address, str):
                yield address.lower(), site
        yield at.address.lower(), site
