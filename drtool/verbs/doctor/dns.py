"""DNS servers: whether they agree, whether our key may change them, how long answers are kept."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.connections.dns import Answer
from drtool.errors import DrtoolError
from drtool.model.inventory import Dns
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import NameServer, Seen, answering

_AREA = Area.DNS


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Each server's own, what they say of each endpoint, and whether they are enough."""
    dns = scope.inventory.dns
    if dns is None:
        return
    answers = answering(seen.name_servers)
    yield from _servers(dns, seen, scope.inventory_path)
    yield from _enough(dns, answers)
    yield from _serials(dns, answers)
    for service in scope.inventory.services:
        yield from _endpoint(service, scope, seen)


def _servers(dns: Dns, seen: Seen, inventory_path: str) -> Iterator[Finding]:
    for name, found in seen.name_servers.items():
        at = dns.servers[name]
        if isinstance(found, DrtoolError):
            dig = f"dig @{at.address} -p {at.port} {dns.zone} SOA"
            cure = f"bring it up, or correct it in {inventory_path}; try: {dig}"
            yield _AREA.told(found, cure)
        elif found.refusal is not None:
            yield _AREA.told(found.refusal, "compare dns.key with the server's configuration")
        else:
            yield _AREA.well(f"server {name}", f"serial {found.serial}, takes our key")


def _enough(dns: Dns, answers: dict[str, NameServer]) -> Iterator[Finding]:
    if len(answers) < dns.min_servers:
        yield _AREA.problem(
            f"zone {dns.zone}",
            f"{len(answers)} of its {len(dns.servers)} servers answer: clients cannot be moved",
            "bring the others up, or lower dns.min_servers",
            f"at least {dns.min_servers}",
        )


def _serials(dns: Dns, answers: dict[str, NameServer]) -> Iterator[Finding]:
    serials = {name: found.serial for name, found in answers.items()}
    if len(set(serials.values())) > 1:
        behind = min(serials, key=lambda name: serials[name])
        at = dns.servers[behind]
        yield _AREA.warning(
            f"zone {dns.zone}",
            "serials differ: " + ", ".join(f"{name} {one}" for name, one in serials.items()),
            f"let {behind} transfer the zone anew; then dig @{at.address} -p {at.port} {dns.zone}"
            " SOA",
            "one serial",
        )


def _endpoint(service: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Where the name leads: the same everywhere, to the site with the primary, kept briefly."""
    dns, name = scope.inventory.dns, scope.inventory.services[service].endpoint
    says = {
        server: found.endpoints[service]
        for server, found in answering(seen.name_servers).items()
        if service in found.endpoints
    }
    if dns is None or name is None or not says:
        return
    values = {answer.values for answer in says.values()}
    if len(values) > 1 or values == {()}:
        yield _AREA.problem(
            name,
            ", ".join(f"{server} {answer}" for server, answer in says.items()),
            "see which is right (drtool explain, if a run was at it), and correct the others with"
            " nsupdate",
            "one address, the same at all servers",
        )
        return
    faults = [*_ttl(name, says, dns), *_astray(name, values.pop(), scope, seen)]
    yield from faults
    if not faults:
        answer = next(iter(says.values()))
        yield _AREA.well(name, f"{answer} at {', '.join(says)}, kept for {answer.ttl}")


def _ttl(name: str, says: dict[str, Answer], dns: Dns) -> Iterator[Finding]:
    longest = max((one.ttl for one in says.values() if one.ttl), default=dns.ttl)
    if longest > dns.ttl:
        yield _AREA.warning(
            name,
            f"its TTL is {longest}: so long clients may keep the old address",
            "add a step dns.lower_ttl to the planned procedures, or lower it with nsupdate now",
            f"at most {dns.ttl}, as dns.ttl says",
        )


def _astray(name: str, values: tuple[str, ...], scope: Scope, seen: Seen) -> Iterator[Finding]:
    """That the name does not lead to the site with the only primary."""
    primaries = seen.primaries
    if len(primaries) != 1:
        return
    site = primaries[0].partition(".")[0]
    address = scope.inventory.sites[site].address
    if values != (address,):
        yield _AREA.problem(
            name,
            f"leads to {', '.join(values)}, and the primary is at {site}",
            f"if a run is not at it: nsupdate, or drtool explain; site {site} is at {address}",
            address,
        )
