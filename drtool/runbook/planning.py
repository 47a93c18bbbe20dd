"""From a loaded runbook and observed roles to the frozen plan of one procedure."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import JsonValue, ValidationError

from drtool.action import Entry
from drtool.catalog import Catalog, is_one_way, kind_of
from drtool.errors import BadInput, Faults
from drtool.model.place import Direction, Place
from drtool.model.plan import Document, Plan, PlanStep
from drtool.model.purpose import OnFailure, Procedure, Purpose, StepKind
from drtool.model.runbook import Step
from drtool.model.value import Fields
from drtool.progress.commands import documents
from drtool.runbook.budgets import Leg, critical_path
from drtool.runbook.digest import digest_of
from drtool.runbook.direction import Ask, ObservedRoles, choose_direction
from drtool.runbook.expansion import Expansion, Spread
from drtool.runbook.fenced import check_fenced
from drtool.runbook.load import Loaded
from drtool.runbook.mapping import one_of
from drtool.runbook.marks import FaultList
from drtool.runbook.order import consents_at_start
from drtool.runbook.parameters import need_parameters
from drtool.runbook.places import Astray, default_at, find_place
from drtool.runbook.rendering import RenderContext, known_when_planned, render, wrapped
from drtool.runbook.templates import is_template, read_template
from drtool.runbook.validation import Loc, say_errors
from drtool.units import Duration

__all__ = ["ObservedRoles", "plan"]

_HUMAN_DEADLINE = {StepKind.APPROVAL: Duration(900), StepKind.MANUAL: Duration(3600)}


def plan(
    loaded: Loaded,
    procedure: Procedure,
    roles: ObservedRoles,
    *,
    from_site: str | None = None,
    to_site: str | None = None,
    shown: bool = False,
    catalog: Catalog,
) -> Plan:
    """Plan one procedure in the direction that the roles and the flags give.

    ``shown`` says that it is planned to be looked at, so that no hint begins a run.

    Raises Refused with what to type when the direction cannot be known, BadInput for a procedure
    that is not there or a parameter that is not given, Faults for steps that cannot be placed.
    """
    runbook, inventory = loaded.runbook, loaded.inventory
    if procedure not in runbook.procedures:
        there = [known.value for known in runbook.procedures]
        raise BadInput(
            f"runbook {runbook.name}", f"has no procedure {procedure.value}", one_of(there)
        )
    ask = Ask(
        procedure=procedure,
        documents=_documents(loaded),
        service=runbook.service,
        preferred=inventory.services[runbook.service].preferred,
        sites=tuple(inventory.sites),
        from_site=from_site,
        to_site=to_site,
        shown=shown,
    )
    need_parameters(runbook, loaded.parameters)
    direction = choose_direction(ask, roles)
    _not_in_production(loaded, procedure, direction, roles)
    steps = _Steps(loaded, procedure, direction, catalog).made()
    way, length = critical_path(_legs(steps))
    made = Plan(
        runbook=runbook.name,
        strategy=runbook.strategy,
        service=runbook.service,
        procedure=procedure,
        direction=direction,
        objectives=runbook.objectives,
        inventory=inventory,
        parameters=loaded.parameters,
        steps=tuple(steps),
        critical_path=tuple(steps[position].name for position in way),
        expected=Duration(round(length, 3)),
        consent_at_start=consents_at_start(procedure),
        warnings=loaded.warnings,
        procedures=tuple(runbook.procedures),
        documents=tuple(_hashed(Path(loaded.source), Path(loaded.inventory_source))),
        source=str(Path(loaded.source).absolute()),
        inventory_source=str(Path(loaded.inventory_source).resolve()),
    )
    return made.model_copy(update={"digest": digest_of(made)})


def _hashed(*paths: Path) -> Iterator[Document]:
    for path in paths:
        with suppress(OSError):  # it can have gone since it was read
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            yield Document(path=str(path.resolve()), sha256=sha256)


def _documents(loaded: Loaded) -> str:
    """The runbook, and what a person has said beside it, as they are typed again."""
    runbook = loaded.runbook
    own = Path(loaded.source).parent / runbook.inventory if runbook.inventory else None
    inventory = "" if Path(loaded.inventory_source) == own else loaded.inventory_source
    said = {
        name: value
        for name, value in loaded.parameters.items()
        if value != runbook.parameters[name].default
    }
    return shlex.join(documents(loaded.source, inventory, said))


def _legs(steps: list[PlanStep]) -> list[Leg]:
    """The steps as legs; those that only run when another fails are counted with nothing."""
    position = {step.name: place for place, step in enumerate(steps)}
    return [
        Leg(
            tuple(position[need] for need in step.needs),
            0.0 if step.rescues else step.counted.seconds,
        )
        for step in steps
    ]


def _not_in_production(
    loaded: Loaded, procedure: Procedure, direction: Direction, roles: ObservedRoles
) -> None:
    """A rehearsal's host may not bear a system of a site that customers use."""
    if procedure is not Procedure.REHEARSAL or direction.to_site is None:
        return
    inventory = loaded.inventory
    live = {*roles.primaries, inventory.services[loaded.runbook.service].preferred}
    taken = {
        host: f"{site}.{name}"
        for site in live & set(inventory.sites)
        for name, system in inventory.sites[site].systems.items()
        for host in system.hosts
    }
    systems = inventory.sites[direction.to_site].systems.values()
    for host in (host for system in systems for host in system.hosts):
        if host in taken:
            raise BadInput(
                f"rehearsal at {direction.to_site}",
                f"host {host} bears {taken[host]}, which is production",
                "a host that bears only the copy",
            )


class _Steps:
    """Makes the plan's steps from the procedure as it is spread out."""

    def __init__(
        self, loaded: Loaded, procedure: Procedure, direction: Direction, catalog: Catalog
    ) -> None:
        self._loaded, self._direction, self._catalog = loaded, direction, catalog
        self._procedure, self._faults = procedure, FaultList()
        self._values = self._known(None)

    def made(self) -> list[PlanStep]:
        """All the steps; Faults when some cannot be placed or do not hold their values."""
        inventory, direction = self._loaded.inventory, self._direction
        busy = {direction.from_site, direction.to_site}
        others = tuple(site for site in inventory.sites if site not in busy)
        spread = Expansion(self._loaded.runbook, self._values, others).spread(self._procedure)
        names = [one.name for one in spread]
        steps = [self._step(one, names) for one in spread]
        self._faults.raise_any()
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise Faults(tuple(f"step {name} stands twice in the plan" for name in twice))
        check_fenced(steps, inventory, direction, self._catalog, self._faults)
        self._faults.raise_any()
        return steps

    def _known(self, place: Place | None) -> dict[str, object]:
        loaded = self._loaded
        return known_when_planned(
            loaded.inventory,
            loaded.runbook.service,
            objectives=loaded.runbook.objectives,
            parameters=loaded.parameters,
            direction=self._direction,
            place=place,
        )

    def _step(self, spread: Spread, names: list[str]) -> PlanStep:
        step = spread.step
        human = step.kind in _HUMAN_DEADLINE
        entry = None if human else self._catalog.get(step.uses)
        place = self._place(spread, entry)
        fields, left = self._filled(spread, place)
        if entry is not None and not left:
            self._hold(step, entry, fields)
        limit = _limit(step, entry)
        kind = kind_of(entry) if entry else step.kind
        quiet = OnFailure.CONTINUE if kind is StepKind.NOTICE else OnFailure.STOP
        return PlanStep(
            name=spread.name,
            kind=kind,
            action=step.uses,
            purpose=step.purpose or (entry.purpose if entry else Purpose.ASSESS),
            place=place,
            fields=fields,
            needs=tuple(names[need] for need in spread.needs),
            when=step.when,
            budget=step.budget,
            deadline=max(limit, step.budget) if step.budget else limit,
            attempts=step.attempts,
            every=step.every or (entry.every if entry else Duration(0.5)),
            passes=step.passes,
            on_failure=step.on_failure or quiet,
            repeatable=step.repeatable,
            one_way=is_one_way(entry) if entry else False,
            approval=step.approval,
            instructions=step.instructions,
            owner=step.owner,
            rescues=tuple(names[failed] for failed in spread.rescues),
            never=spread.never,
            bindings=spread.bindings if left or step.when or spread.never else {},
            source=step.source,
        )

    def _place(self, spread: Spread, entry: type[Entry] | None) -> Place | None:
        at = default_at(entry, spread.step.at)
        if at is None:
            return None
        subject = f"step {spread.name}"
        if is_template(at):
            try:
                at = str(render({"at": at}, self._context(spread, self._values))["at"])
            except BadInput as error:
                self._faults.add(spread.step.place_of("at"), error.line(), error.hint)
                return None
        inventory, direction = self._loaded.inventory, self._direction
        found = find_place(at, entry, inventory, direction, spread.site)
        if isinstance(found, Astray):
            place = spread.step.place_of("at")
            self._faults.add(place, f"{subject}: {found.reason}", found.hint)
            return None
        return found

    def _context(self, spread: Spread, values: dict[str, object]) -> RenderContext:
        bound = {name: wrapped(value) for name, value in spread.bindings.items()}
        return RenderContext(f"step {spread.name}", {**values, **bound})

    def _filled(self, spread: Spread, place: Place | None) -> tuple[Fields, bool]:
        """The fields with what is known filled in; whether some wait for earlier steps."""
        fields = spread.step.fields
        if not any(_has_template(value) for value in fields.values()):
            return fields, False
        context = self._context(spread, self._known(place))
        filled: Fields = {}
        left = False
        for key, value in fields.items():
            if _waits(value):
                filled[key], left = value, True
                continue
            try:
                filled[key] = render({key: value}, context)[key]
            except BadInput as error:
                self._faults.add(spread.step.place_of(key), error.line(), error.hint)
        return filled, left

    def _hold(self, step: Step, entry: type[Entry], fields: Fields) -> None:
        """Judge the filled values; those without templates were judged when read."""
        if not any(_has_template(value) for value in step.fields.values()):
            return

        def say(loc: Loc, what: str, hint: str, about_key: bool) -> None:
            del about_key
            place = step.place_of(".".join(map(str, loc)))
            self._faults.add(place, f"step {step.name}: {what}", hint)

        try:
            entry.model_validate(fields)
        except ValidationError as error:
            say_errors(error, entry, say)


def _limit(step: Step, entry: type[Entry] | None) -> Duration:
    """The written deadline, or the usual one; who is asked has no more than a written budget."""
    if step.deadline is not None:
        return step.deadline
    if entry is not None:
        return entry.default_deadline
    asked = step.budget if step.kind is StepKind.APPROVAL else None
    return asked or _HUMAN_DEADLINE[step.kind]


def _has_template(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(_has_template(part) for part in value.values())
    if isinstance(value, list):
        return any(_has_template(part) for part in value)
    return is_template(value)


def _waits(value: JsonValue) -> bool:
    """Whether a value speaks of an earlier step."""
    if isinstance(value, dict):
        return any(_waits(part) for part in value.values())
    if isinstance(value, list):
        return any(_waits(part) for part in value)
    if not isinstance(value, str) or not is_template(value):
        return False
    return any(path[0] == "steps" for path in read_template(value).references)
