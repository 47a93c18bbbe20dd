"""Services: whether the page answers, and whether the right to act on it can be taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from drtool.errors import AccessDenied, BadInput, DrtoolError
from drtool.lease.arbiter import system_at
from drtool.lease.dns_record import LeaseRecord, parse
from drtool.lease.postgresql import holder_of
from drtool.units import brief_text
from drtool.verbs.doctor import leases
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import NameServer, Seen, answering

_AREA = Area.SERVICES


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Each service's page and lease."""
    for name in scope.inventory.services:
        yield from _page(name, scope, seen)
        yield from _lease(name, scope, seen)
        yield from leases.freezes(name, scope, seen)


def _page(name: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    url, found = scope.inventory.services[name].url, seen.pages.get(name)
    if url is None or found is None:
        return
    subject = f"service {name}"
    if isinstance(found, AccessDenied):
        yield _AREA.told(found, f"curl -v {url}")
    elif isinstance(found, DrtoolError):
        if not found.subject.startswith("name "):  # DNS tells it
            yield _AREA.told(found, f"drtool explain, if a run was at it; else curl -v {url}")
    elif found.status >= 500:
        yield _AREA.problem(
            subject, f"{url} answers {found.status}", f"curl -v {url}; see its log", "a page"
        )
    else:
        said = f"answers at {found.address} in {brief_text(found.seconds)} ({found.status})"
        yield _AREA.well(subject, said)


def _lease(name: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    where = scope.inventory.services[name].lease.at
    if where == "journal":
        yield _AREA.warning(
            f"lease of {name}",
            "is kept in this machine's journal: a second machine could act at the same moment",
            f"services.{name}.lease: {{at: postgresql}}, or dns",
        )
    elif where == "postgresql":
        yield from _at_postgresql(name, scope, seen)
    elif where == "dns":
        yield from _at_dns(name, scope, seen)
    else:
        yield from leases.of_records(name, scope, seen)


def _at_postgresql(name: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Whether an arbiter is at each site, and who holds the lock there."""
    answers, free = answering(seen.servers), []
    for site, at in scope.inventory.sites.items():
        if not at.systems:
            continue
        try:
            target = system_at(name, site, scope.inventory)
        except BadInput as error:
            yield _AREA.told(error, f"services.{name}.lease: {{at: dns}}")
            continue
        if target not in answers:
            continue
        holder = answers[target].leases.get(name)
        if holder is None:
            free.append(target)
        else:
            who, run = holder_of(holder.application_name)
            yield _held(name, f"{who}, at {target}", run)
    if free:
        yield _AREA.well(f"lease of {name}", f"free at {' and '.join(free)}")


def _at_dns(name: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Whether more than half of each site's servers can bear the record, and whose it is."""
    dns, answers, free = scope.inventory.dns, answering(seen.name_servers), list[str]()
    for site in scope.inventory.sites:
        servers = [key for key, one in dns.servers.items() if one.site == site] if dns else []
        usable = {s: answers[s] for s in servers if s in answers and answers[s].refusal is None}
        if not servers:
            yield _AREA.problem(
                f"lease of {name}",
                f"site {site} has no dns server",
                f"name one, or services.{name}.lease: {{at: postgresql}}",
                "one under dns.servers whose site it is",
            )
        elif len(usable) > len(servers) / 2:  # else the servers' own findings tell why
            taken = [*_records(name, usable, seen.at)]
            yield from taken
            free += [] if taken else usable
    if free:
        yield _AREA.well(f"lease of {name}", f"free at {' and '.join(free)}")


def _records(name: str, usable: dict[str, NameServer], now: datetime) -> Iterator[Finding]:
    """Records that are somebody's, or nobody's."""
    for server, found in usable.items():
        record = parse(found.leases[name].values) if name in found.leases else LeaseRecord()
        if record is None:
            yield _AREA.problem(
                f"lease of {name}",
                f"its record at {server} is no lease",
                "see who wrote it, and delete it",
                "a record that drtool wrote",
            )
        elif record.run and record.expires and record.expires > now:
            yield _held(name, f"{record.holder}, at {server}", record.run)


def _held(name: str, who: str, run: str) -> Finding:
    follow = f"drtool attach {run}, on that machine" if run else "see what that session does"
    return _AREA.warning(f"lease of {name}", f"held by {who}", follow, "nobody at work")
