"""Services: whether the page answers, and whether the right to act on it can be taken."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.errors import AccessDenied, BadInput, DrtoolError
from drtool.lease.arbiter import system_at
from drtool.lease.dns_record import parse
from drtool.lease.postgresql import holder_of
from drtool.units import brief_text
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import NameServer, Seen, answering

_AREA = Area.SERVICES


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Each service's page, lease, and servers without a guard."""
    for name in scope.inventory.services:
        yield from _page(name, scope, seen)
        yield from _lease(name, scope, seen)


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
    else:
        yield from _at_dns(name, scope, seen)


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
    dns, answers = scope.inventory.dns, answering(seen.name_servers)
    for site in scope.inventory.sites:
        servers = [key for key, one in dns.servers.items() if one.site == site] if dns else []
        usable = {s: answers[s] for s in servers if s in answers and answers[s].refusal is None}
        if not servers:
            yield _AREA.problem(
                f"lease of {name}",
                f"site {site} has no dns server",
                f"services.{name}.lease: {{at: postgresql}}",
                "one",
            )
        elif len(usable) > len(servers) / 2:  # else the servers' own findings tell why
            yield from _record(name, site, usable, seen)


def _record(name: str, site: str, usable: dict[str, NameServer], seen: Seen) -> Iterator[Finding]:
    records = [
        parse(found.leases[name].values) for found in usable.values() if name in found.leases
    ]
    held = [one for one in records if one and one.run and one.expires and one.expires > seen.at]
    if None in records:
        yield _AREA.problem(
            f"lease of {name}",
            f"its record at {site} is no lease",
            "see who wrote it, and delete it",
            "a record that drtool wrote",
        )
    elif held:
        yield _held(name, f"{held[0].holder}, at {site}", held[0].run)
    else:
        yield _AREA.well(f"lease of {name}", f"free at {', '.join(usable)}")


def _held(name: str, who: str, run: str) -> Finding:
    follow = f"drtool attach {run}, on that machine" if run else "see what that session does"
    return _AREA.warning(f"lease of {name}", f"held by {who}", follow, "nobody at work")
