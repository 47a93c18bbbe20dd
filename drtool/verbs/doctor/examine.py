"""Examine this machine, and what a runbook or an inventory names."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from drtool.bootstrap import App, build
from drtool.clock import kept_in_time
from drtool.compiler.health import health
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import DrtoolError
from drtool.runbook.limits import TimeLimits
from drtool.verbs.doctor import (
    clocks,
    dns,
    heartbeats,
    home,
    hosts,
    others,
    patroni,
    people,
    postgresql,
    power,
    prefect,
    replication,
    secrets,
    services,
    software,
    sums,
)
from drtool.verbs.doctor.documents import Documents, read_documents
from drtool.verbs.doctor.finding import Area, Diagnosis, Finding, folded
from drtool.verbs.doctor.look import LIMIT_SECONDS, look
from drtool.verbs.doctor.plans import all_plans
from drtool.verbs.doctor.scope import Scope, of_plans, whole
from drtool.verbs.doctor.seen import Seen
from drtool.verbs.doctor.silence import told_once
from drtool.verbs.identity import signer_of
from drtool.verbs.preflight import Call
from drtool.verbs.request import parameters

_AREAS = (hosts, power, postgresql, replication, heartbeats, patroni, dns, services, others)


def examine(runbook: Path | None, inventory: Path | None, said: tuple[str, ...]) -> Diagnosis:
    """Look, and judge; nothing is changed.

    Raises BadInput for a file that is not there and a parameter without a value.
    """
    app = build()
    began = app.clock.monotonic()
    at_home = Call("journal", lambda: [*home.findings(app.home)])
    carrier = Call("Prefect", lambda: [*prefect.findings(health(app.home, os.environ))])
    documents = read_documents(runbook, inventory, app.catalog, parameters(said))
    words = ("--inventory", str(inventory)) if inventory else ()
    typed = shlex.join((str(runbook or "RUNBOOK"), *words))
    scope, limits, rest = _scope(documents, app, typed)
    seen, found = _looked(scope, documents, app) if scope else (None, [])
    extras = software.needed_extras(scope.inventory) if scope else frozenset[str]()
    told = [
        *software.findings(software.Installed.here(), extras),
        *_within(at_home, Area.JOURNAL),
        *clocks.findings(clocks.clocks_of(seen) if seen else [], kept=kept_in_time()),
        *_within(carrier, Area.PREFECT),
        *documents.findings,
        *_people(documents),
        *rest,
        *_not_told(found, documents.findings),
        *sums.findings(limits, typed),
    ]
    return Diagnosis(
        about=tuple(str(path) for path in (runbook, documents.inventory_path) if path),
        findings=folded(told),
        limits=limits,
        seconds=round(app.clock.monotonic() - began, 3),
    )


def _scope(
    documents: Documents, app: App, typed: str
) -> tuple[Scope | None, tuple[TimeLimits, ...], list[Finding]]:
    """What to look at; everything in the inventory where the runbook cannot be planned."""
    path = str(documents.inventory_path)
    if documents.loaded is None:
        scope = whole(documents.inventory, typed, path) if documents.inventory else None
        return scope, (), []
    plans, faults = all_plans(documents.loaded, app.catalog)
    limits = sums.sums_of(plans, app.catalog)
    if not plans:
        return whole(documents.loaded.inventory, typed, path), limits, faults
    return of_plans(plans, app.catalog, app.clock, typed, path), limits, faults


def _looked(scope: Scope, documents: Documents, app: App) -> tuple[Seen | None, list[Finding]]:
    """What is seen, and every area's findings."""
    if documents.inventory is None or documents.inventory_path is None:
        return None, []
    here = Secrets(app.redactor, documents.inventory_path.parent.resolve())
    seen = look(scope, Context(documents.inventory, here, app.clock, run="doctor"))
    silent, rest = told_once(scope, seen)
    return seen, [*secrets.findings(seen), *silent, *judged(scope, rest)]


def judged(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Every area's findings about what was seen; pure."""
    for area in _AREAS:
        yield from area.findings(scope, seen)


def _people(documents: Documents) -> Iterator[Finding]:
    """The keys at hand are asked for only where they matter."""
    if documents.inventory is not None and documents.inventory.proves_identity:
        try:
            keys = signer_of().offered()
        except DrtoolError as error:
            yield Area.PEOPLE.told(error, "export DRTOOL_KEY=FILE")
            return
        yield from people.findings(documents.inventory, keys)


def _within(call: Call[list[Finding]], area: Area) -> list[Finding]:
    found = call.result(LIMIT_SECONDS)
    if isinstance(found, DrtoolError):
        return [area.told(found, "see what keeps its disk or its server busy")]
    return found


def _not_told(found: list[Finding], before: tuple[Finding, ...]) -> list[Finding]:
    """Those whose cure was not told before: lint judges the files of secrets, too."""
    told = {one.cure for one in before if one.cure}
    return [one for one in found if one.cure not in told]
