"""What the steps of an unplanned plan use: systems, hosts, addresses, programs, secrets; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

from drtool.action import Entry, Facts
from drtool.catalog import Catalog
from drtool.connections.dns import DnsReader, ResolversReader, ZoneReader
from drtool.connections.http import HttpReader
from drtool.connections.reach import Reader
from drtool.connections.redfish import PowerReader
from drtool.connections.ssh import SshReader
from drtool.connections.tcp import TcpReader
from drtool.errors import BadInput, DrtoolError
from drtool.model.inventory import Inventory, Served
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode, Purpose, StepKind
from drtool.model.secret import SecretRef, secrets_in
from drtool.runbook.rendering import RenderContext, render
from drtool.safety.whereabouts import host_in

_BY_NAME = (ZoneReader, DnsReader, ResolversReader, HttpReader, TcpReader)
_ADDRESSES = ("url", "host", "endpoint")
_PLACES = ("address", "redfish", "url")
_FILES = ("ca_file", "sslrootcert", "key_file")
# a word of a command that names something elsewhere: https://..., s3:bucket
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.]+:(//)?[\w./-]*\w$")
_HUMAN = {StepKind.APPROVAL, StepKind.MANUAL}
Steps = dict[str, list[str]]


@dataclass(frozen=True)
class Uses:
    """What is used, each with the steps that use it.

    ``fences`` are hosts of the lost site, with the ways by which each is fenced; ``there`` are the
    steps that act at the lost site otherwise. ``names`` are the steps that ask the zone's servers,
    ``looked_up`` the names that are asked of this machine's resolver, whatever zone they are in.
    """

    systems: Steps = field(default_factory=dict)
    hosts: Steps = field(default_factory=dict)
    powers: Steps = field(default_factory=dict)
    others: Steps = field(default_factory=dict)
    fences: dict[str, set[str]] = field(default_factory=dict)
    fenced_by: Steps = field(default_factory=dict)
    there: list[PlanStep] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    looked_up: Steps = field(default_factory=dict)
    addresses: Steps = field(default_factory=dict)
    words: Steps = field(default_factory=dict)
    secrets: dict[SecretRef, list[str]] = field(default_factory=dict)
    files: Steps = field(default_factory=dict)


def uses_of(plan: Plan, catalog: Catalog) -> Uses:
    """All that the plan's steps use; notices are told of elsewhere, for no run waits for them."""
    found = Uses()
    for step in plan.steps:
        if step.kind is not StepKind.NOTICE and step.kind not in _HUMAN:
            _step(found, plan, step, catalog)
    return found


def site_of(inventory: Inventory, target: str) -> str | None:
    """The site of a connection's target: ``site.system`` or a host."""
    site, dot, _ = target.partition(".")
    if dot and site in inventory.sites:
        return site
    host = inventory.hosts.get(target)
    if host and host.site:
        return host.site
    for name, at in inventory.sites.items():
        if any(target in system.hosts for system in at.systems.values()):
            return name
    return None


def _step(found: Uses, plan: Plan, step: PlanStep, catalog: Catalog) -> None:
    entry, lost = _entry(plan, step, catalog), plan.direction.from_site
    needs = _needs(plan, step, entry)
    if step.place is not None and step.place.site == lost:
        if step.purpose is Purpose.FENCE:
            _fence(found, plan, step, needs)
        else:
            found.there.append(step)
        return
    for kind, target in needs:
        if site_of(plan.inventory, target) != lost:  # what is there is an early look at most
            _reached(found, plan.inventory, step.name, kind, target)
    if entry is not None:
        _fields(found, plan, step.name, entry)


def _reached(found: Uses, inventory: Inventory, step: str, kind: type[Reader], target: str) -> None:
    if issubclass(kind, _BY_NAME):
        _note(found.names, step)
    elif issubclass(kind, PowerReader):
        _add(found.powers, target, step)
        _opened(found, [inventory.hosts[target].power], step)
    elif target in inventory.hosts:
        _add(found.hosts, target, step)
        _opened(found, [inventory.hosts[target].ssh], step)
    elif (system := inventory.system(target)) is not None:
        _add(found.systems, ".".join(target.split(".")[:2]), step)
        without_replication = system.model_copy(update={"replication": None})
        _opened(found, [without_replication], step)
        _look_up(found, getattr(system, "members", {}).values(), step)
        if issubclass(kind, SshReader) or "host" in kind.__module__:
            _opened(found, [inventory.hosts[host].ssh for host in system.hosts
                            if host in inventory.hosts], step)  # fmt: skip
    else:
        name = kind.__name__.removesuffix("Reader").removesuffix("Hands").lower()
        _add(found.others, f"{name} {target}".strip(), step)


def _fence(
    found: Uses, plan: Plan, step: PlanStep, needs: Iterable[tuple[type[Reader], str]]
) -> None:
    """Each host of the step's system, or its own, and the ways that are left to it."""
    place, inventory = step.place, plan.inventory
    if place is None:
        return
    system = inventory.system(f"{place.site}.{place.system}") if place.system else None
    hosts = system.hosts if isinstance(system, Served) else (place.host,) if place.host else ()
    powered = {target for kind, target in needs if issubclass(kind, PowerReader)}
    for host in hosts:
        ways = found.fences.setdefault(host, set())
        only_power = system is None and host in powered
        ways |= {"power"} if host in powered else set()
        ways |= set() if only_power else {"ssh"}
        _add(found.fenced_by, host, step.name)
        known = inventory.hosts.get(host)
        if known is not None:
            power = known.power if host in powered else None
            _belongings(found, [power], step.name)
            _look_up(found, [power, None if only_power else known.ssh], step.name)


def _fields(found: Uses, plan: Plan, step: str, entry: Entry) -> None:
    """What stands in the step's own fields; for a url that is left out, the service's name."""
    service = plan.inventory.services[plan.service]
    for name in _ADDRESSES:
        value = getattr(entry, name, None)
        if name == "url" and value is None and hasattr(entry, name) and has_name(service.url):
            value = service.url
        if isinstance(value, str):
            _add(found.addresses, host_in(value), step)
    for word in getattr(entry, "argv", ()):
        _add(found.words, word, step) if _ELSEWHERE.match(word) else None
    _belongings(found, [entry], step)


def has_name(text: str | None) -> bool:
    """Whether what an address is written in has a name in it, that somebody must be asked for."""
    host = host_in(text or "")
    return bool(host) and not (host.replace(".", "").isdigit() or ":" in host)


def _opened(found: Uses, things: Sequence[BaseModel | None], step: str) -> None:
    """What a connection is opened with, and the names it goes to."""
    _belongings(found, things, step)
    _look_up(found, things, step)


def _look_up(found: Uses, things: Iterable[BaseModel | None], step: str) -> None:
    for thing in things:
        for name in _PLACES:
            value = getattr(thing, name, None)
            if isinstance(value, str):
                _add(found.looked_up, host_in(value), step)


def _belongings(found: Uses, things: Iterable[BaseModel | None], step: str) -> None:
    """The secrets and the files that things are opened with."""
    for thing in things:
        for ref in secrets_in(thing):
            _note(found.secrets.setdefault(ref, []), step)
        for name, file in _files(thing):
            del name
            _add(found.files, file, step)


def _files(thing: BaseModel | None) -> Iterator[tuple[str, str]]:
    for name in _FILES if thing is not None else ():
        value = getattr(thing, name, None)
        if isinstance(value, str):
            yield name, value
        elif name == "key_file" and hasattr(thing, "key_file"):
            yield name, ""
    rest = getattr(thing, "rest", None)
    if isinstance(rest, BaseModel):
        yield from _files(rest)


def _entry(plan: Plan, step: PlanStep, catalog: Catalog) -> Entry | None:
    """The action with its fields, or with none where they wait for earlier steps."""
    made = catalog.get(step.action)
    try:
        return made.model_validate(render(step.fields, RenderContext.at_run(plan, step, {})))
    except (BadInput, ValidationError):
        with suppress(ValidationError):
            return made()
    return None


def _needs(plan: Plan, step: PlanStep, entry: Entry | None) -> list[tuple[type[Reader], str]]:
    facts = Facts(
        run="stability",
        step=step.name,
        mode=Mode.DRY_RUN,
        procedure=plan.procedure,
        service=plan.service,
        inventory=plan.inventory,
        direction=plan.direction,
        at=step.place,
        objectives=plan.objectives,
        started=datetime.min.replace(tzinfo=UTC),
    )
    try:
        return entry.needs(facts) if entry else []
    except DrtoolError:
        return []


def _add(steps: Steps, key: str, step: str) -> None:
    _note(steps.setdefault(key, []), step)


def _note(steps: list[str], step: str) -> None:
    if step not in steps:
        steps.append(step)
