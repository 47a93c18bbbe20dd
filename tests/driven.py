"""Drive one action as the engine does, without an engine."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, TypeVar

from drtool.action import Facts, Hands, Look, StateAction
from drtool.connections.reach import Connections
from drtool.errors import Refused, StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.purpose import Mode, Procedure
from drtool.model.value import Value

S = TypeVar("S", bound=Value)


def facts_of(
    inventory: Inventory,
    at: str = "east",
    *,
    procedure: Procedure = Procedure.FAILOVER,
    from_site: str = "east",
    to_site: str = "west",
    **changed: Any,
) -> Facts:
    """The facts of a run that acts on a site's database."""
    return Facts(
        run="20261123-051401-7f3a",
        step="tested",
        mode=Mode.LIVE,
        procedure=procedure,
        service="orders",
        inventory=inventory,
        direction=Direction(from_site=from_site, to_site=to_site),
        at=Place(site=at, system="orders_db"),
        started=datetime.now(UTC),
        **changed,
    )


def drive(
    action: StateAction[S],
    connections: Connections,
    facts: Facts,
    seconds: float = 20.0,
    shown: list[str] | None = None,
) -> S:
    """Observe and apply until nothing is left to change; raises what the engine would tell.

    What is about to change is told to ``shown``, as the journal has it.
    """
    end, problem = time.monotonic() + seconds, "nothing was seen"
    look, hands = Look(connections, facts), Hands(connections, facts)
    while time.monotonic() < end:
        try:
            seen = action.observe(look)
        except (Unreachable, StepFailed) as error:
            problem = error.line()
            time.sleep(0.02)
            continue
        changes = action.changes(seen)
        if not changes:
            return seen
        waiting = action.reason_to_wait(seen)
        if waiting is None:
            reason = action.reason_not_to_apply(seen, facts)
            if reason is not None:
                raise Refused("step tested", reason)
            if shown is not None:
                shown += map(str, changes)
            try:
                action.apply(hands, changes)
                problem = "; ".join(map(str, changes))
            except (Unreachable, StepFailed) as error:
                problem = error.line()
        else:
            problem = waiting
        time.sleep(0.02)
    raise StepFailed("step tested", f"not done within {seconds:g} s: {problem}")
