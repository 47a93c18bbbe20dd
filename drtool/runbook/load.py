"""Load a runbook and its inventory: all faults at once, or everything that planning needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drtool.catalog import Catalog
from drtool.errors import BadInput
from drtool.model.inventory import Inventory
from drtool.model.purpose import Procedure
from drtool.model.runbook import Runbook
from drtool.model.value import Fields
from drtool.runbook.blocks import all_steps, check_blocks
from drtool.runbook.budgets import check_budgets
from drtool.runbook.crossing import (
    check_against,
    check_rehearsal,
    check_variables,
    warnings_about,
)
from drtool.runbook.document import read_document
from drtool.runbook.entries import EntryCheck
from drtool.runbook.expansion import Expansion, Spread
from drtool.runbook.inventory import read_inventory
from drtool.runbook.marks import FaultList, Mark, Pairs, Scalar
from drtool.runbook.order import check_order, reason_for_warning
from drtool.runbook.parameters import given_parameters
from drtool.runbook.reading import Read, read_runbook
from drtool.runbook.references import ReferenceCheck
from drtool.runbook.rendering import shown
from drtool.runbook.standing import Order, stand, suppositions
from drtool.runbook.strategies import check_procedures, check_strategy


@dataclass(frozen=True)
class Loaded:
    """A runbook without faults, its inventory, and what to know about them.

    ``source`` is the runbook's path as it was given, ``inventory_source`` the inventory's;
    ``directory`` is the inventory's, to which secret files are relative. ``parameters`` are
    those given and the defaults of the others.
    """

    runbook: Runbook
    inventory: Inventory
    source: str
    inventory_source: str
    directory: Path
    parameters: Fields = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def load(
    runbook_path: Path,
    inventory_path: Path | None,
    catalog: Catalog,
    parameters: Mapping[str, str] | None = None,
) -> Loaded:
    """Read, check and lint a runbook with its inventory.

    Without ``inventory_path`` the runbook's own ``inventory`` is read, relative to the runbook.
    Raises Faults with all faults, sorted; BadInput for a wrong parameter.
    """
    faults = FaultList()
    root = read_document(runbook_path, faults, "runbook")
    where = inventory_path or (_own_inventory(root, runbook_path, faults) if root else None)
    inventory = read_inventory(where, faults) if where else None
    if root is None:
        faults.raise_any()
        raise BadInput(str(runbook_path), "cannot be read")
    read = read_runbook(root, faults)
    values = given_parameters(read.runbook, parameters or {}) if not len(faults) else {}
    warnings = _Lint(read, inventory, catalog, values, faults).warnings(str(runbook_path))
    faults.raise_any()
    if inventory is None or where is None:
        raise BadInput(str(runbook_path), "has no inventory", hint="--inventory FILE")
    return Loaded(
        runbook=read.runbook,
        inventory=inventory,
        source=str(runbook_path),
        inventory_source=str(where),
        directory=where.parent.resolve(),
        parameters=values,
        warnings=tuple(warnings),
    )


def inventory_named_in(runbook_path: Path) -> Path | None:
    """The inventory that a runbook names, if it is there; what is wrong is for ``load`` to tell."""
    faults = FaultList()
    root = read_document(runbook_path, faults)
    return _own_inventory(root, runbook_path, faults) if root else None


def _own_inventory(root: Pairs, runbook_path: Path, faults: FaultList) -> Path | None:
    node = root.nodes.get("inventory")
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
        path = runbook_path.parent / node.value
        if path.exists():
            return path
        faults.add(node.mark, f"inventory {node.value} is not there", "--inventory FILE")
    elif node is None:
        at = Mark(str(runbook_path), 1, 1)
        faults.add(at, "no inventory is named", "inventory: inventory.yaml, or --inventory FILE")
    return None


class _Lint:
    """Judges one runbook; the faults go to the list."""

    def __init__(
        self,
        read: Read,
        inventory: Inventory | None,
        catalog: Catalog,
        parameters: Fields,
        faults: FaultList,
    ) -> None:
        self.runbook: Runbook = read.runbook
        self.broken, self.inventory, self.catalog = read.broken, inventory, catalog
        self.faults = faults
        known = {n: p.default for n, p in self.runbook.parameters.items() if p.default is not None}
        self.values: dict[str, object] = {
            "params": shown({**known, **parameters}),
            "objectives": shown(self.runbook.objectives.model_dump(mode="json")),
        }

    def warnings(self, source: str) -> list[str]:
        """Note all faults; the warnings are given back."""
        runbook, faults = self.runbook, self.faults
        self.runbook = check_blocks(runbook, faults, broken=self.broken)
        check_variables(runbook, faults)
        check_procedures(runbook, faults, broken=self.broken)
        entries = EntryCheck(self.catalog, self.values, faults)
        for step in all_steps(runbook):
            entries.check(step)
        if self.inventory:
            check_against(runbook, self.inventory, self.catalog, faults)
        own = [procedure for procedure, way in runbook.procedures.items() if not way.same_as]
        orders = [order for procedure in own for order in self._procedure(procedure)]
        told = [f"{source}: {text}" for order in orders for text in reason_for_warning(order)]
        if self.inventory and not len(faults):
            told += warnings_about(runbook, self.inventory, orders, source)
        return told

    def _procedure(self, procedure: Procedure) -> list[Order]:
        runbook, way = self.runbook, self.runbook.procedures[procedure]
        steps = Expansion(runbook, self.values).spread(procedure)
        self._unique(procedure, steps)
        ReferenceCheck(runbook, self.catalog, self.faults).check(procedure, steps)
        if self.inventory and procedure is Procedure.REHEARSAL:
            check_rehearsal(steps, self.inventory, runbook.service, self.faults)
        orders = [
            Order(procedure, way.source, standing, FaultList())
            for standing in suppositions(stand(steps, self.catalog))
        ]
        for order in orders:
            check_order(order)
            check_strategy(order, runbook.strategy)
            check_budgets(order, runbook.objectives)
        self.faults.add_common(order.faults for order in orders)
        return orders

    def _unique(self, procedure: Procedure, steps: list[Spread]) -> None:
        first: dict[str, Spread] = {}
        scopes = {scope for s in steps for scope in _scopes(s.name)}
        for spread in steps:
            if spread.name in first and not spread.guessed:
                self._twice(procedure, spread, first[spread.name])
            elif spread.name in scopes:
                what = f"step {spread.step.name}: its name is that of a group of steps too"
                self.faults.add(spread.step.source, what, "rename one of them")
            first.setdefault(spread.name, spread)

    def _twice(self, procedure: Procedure, spread: Spread, other: Spread) -> None:
        name = spread.step.name
        if spread.step is other.step:
            what = f"step {name} stands twice in procedure {procedure.value}"
            self.faults.add(
                spread.step.source, what, "{use: BLOCK, as: NAME} where it is used again"
            )
            return
        line = other.step.source.rsplit(":", 2)[1]
        what = f"step {name} stands twice in procedure {procedure.value}, here and in line {line}"
        self.faults.add(spread.step.source, what, "rename one of them")


def _scopes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]
