"""What can be said of documents before anything runs: lint, plan, the list of actions."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from pydantic import JsonValue

from drtool.bootstrap import App, build
from drtool.catalog import kind_of
from drtool.errors import BadInput, DrtoolError, Faults
from drtool.model.plan import Plan
from drtool.model.purpose import Procedure, Purpose, StepKind
from drtool.model.value import Value
from drtool.runbook.limits import TimeLimits, add_up
from drtool.runbook.load import load
from drtool.runbook.lost_sites import faults_of_lost_sites
from drtool.runbook.planning import plan
from drtool.verbs.request import parameters
from drtool.verbs.roles import observe_roles
from drtool.verbs.type_words import type_in_words
from drtool.verbs.unfinished import unfinished_first


def time_limits(made: Plan) -> TimeLimits:
    """What its time limits add up to, held against the runbook's objective."""
    return add_up(made, build().catalog)


class Checked(Value):
    """What lint found: files that are clean, faults and warnings."""

    clean: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Field(Value):
    """One field of an action."""

    name: str
    type: str
    default: JsonValue
    required: bool
    about: str


class ActionLine(Value):
    """One action, check or notice."""

    name: str
    kind: StepKind
    purpose: Purpose
    about: str
    text: str
    fields: tuple[Field, ...]


class Actions(Value):
    """The actions that are installed; ``broken`` names those that cannot be loaded, and why."""

    actions: tuple[ActionLine, ...]
    broken: tuple[str, ...] = ()


def lint(paths: list[Path], inventory: Path | None) -> Checked:
    """Check every runbook below the paths; raises BadInput when there is none."""
    app = build()
    clean: list[str] = []
    faults: list[str] = []
    warnings: list[str] = []
    found = [runbook for path in paths for runbook in runbooks_below(path)]
    if not found:
        raise BadInput(", ".join(map(str, paths)), "no runbook there")
    for path in found:
        try:
            loaded = load(path, inventory, app.catalog, {})
        except Faults as error:
            faults += error.lines
        else:
            lost = faults_of_lost_sites(loaded, app.catalog)
            faults += lost
            clean += [] if lost else [str(path)]
            warnings += loaded.warnings
    return Checked(clean=tuple(clean), faults=tuple(faults), warnings=tuple(warnings))


def runbooks_below(path: Path) -> Iterator[Path]:
    """The path itself, or every runbook below a directory."""
    if not path.is_dir():
        yield path
        return
    for name in sorted((*path.rglob("*.yaml"), *path.rglob("*.yml"))):
        text = name.read_text(encoding="utf-8", errors="replace")
        if any(line.startswith("runbook:") for line in text.splitlines()):
            yield name


def make_plan(
    path: Path,
    procedure: str,
    inventory: Path | None,
    *,
    from_site: str | None,
    to_site: str | None,
    said: tuple[str, ...],
) -> Plan:
    """Plan one procedure; roles are observed unless both sites are named."""
    app = build()
    try:
        wanted = Procedure(procedure)
    except ValueError as error:
        known = ", ".join(one.value for one in Procedure)
        raise BadInput(f"procedure {procedure}", "is not known", known) from error
    loaded = load(path, inventory, app.catalog, parameters(said))
    connections = app.connections(loaded.inventory, loaded.directory, "plan")
    try:
        roles = observe_roles(connections, loaded.inventory, from_site)
        with unfinished_first(loaded.runbook.service, app):
            return plan(
                loaded,
                wanted,
                roles,
                from_site=from_site,
                to_site=to_site,
                shown=True,
                catalog=app.catalog,
            )
    finally:
        connections.close()


def list_actions(name: str) -> Actions:
    """All actions, or one by name; raises BadInput when there is none of that name."""
    app = build()
    names = [name] if name else app.catalog.names()
    found, broken = [], []
    for one in names:
        try:
            found.append(_described(app, one))
        except DrtoolError as error:
            if name:
                raise
            broken.append(error.line())
    return Actions(actions=tuple(found), broken=tuple(broken))


def _described(app: App, name: str) -> ActionLine:
    entry = app.catalog.get(name)
    text = inspect.cleandoc(entry.__doc__ or "").replace("``", "`")
    fields = tuple(
        Field(
            name=key,
            type=type_in_words(field.annotation),
            default=None if field.is_required() else _plain(field.default),
            required=field.is_required(),
            about=field.description or "",
        )
        for key, field in entry.model_fields.items()
    )
    return ActionLine(
        name=name,
        kind=kind_of(entry),
        purpose=entry.purpose,
        about=text.partition("\n")[0],
        text=text,
        fields=fields,
    )


def _plain(value: object) -> JsonValue:
    """A default as one writes it; a list or a mapping as JSON."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    return json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else str(value)
