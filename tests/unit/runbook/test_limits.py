from __future__ import annotations

import pytest
from good_documents import Load

from drtool.catalog import Catalog
from drtool.model.purpose import Procedure
from drtool.runbook.direction import ObservedRoles
from drtool.runbook.limits import TimeLimits, add_up
from drtool.runbook.planning import plan

CONSENT = "consent, approval: {of: incident_commander, budget: 1m, otherwise: abort}"


def sums(loading: Load, catalog: Catalog, procedure: Procedure, *changes: tuple[str, str],
         inventory: list[tuple[str, str]] | None = None) -> TimeLimits:  # fmt: skip
    loaded = loading(*changes, inventory=inventory)
    left, taking = ("west", "east") if procedure is Procedure.FAILBACK else ("east", "west")
    made = plan(loaded, procedure, ObservedRoles(), from_site=left, to_site=taking, catalog=catalog)
    return add_up(made, catalog)


def test_a_failover_is_held_against_the_rto_up_to_the_look_from_outside(
    loading: Load, catalog: Catalog
) -> None:
    found = sums(loading, catalog, Procedure.FAILOVER)
    # 5 s loss_now, 1 m consent, 20 s fence, 10 s promote, 10 s redirect, 5 s answers
    assert str(found.budgets) == "1m50s"
    assert str(found).startswith("budgets 1m50s of RTO 5m; worst case by deadlines ")
    assert str(found.people) == "1m"


def test_what_comes_after_the_look_from_outside_is_not_counted(
    loading: Load, catalog: Catalog
) -> None:
    used = "    - use: move_clients\n  switchover:"
    later = "    - {step: later, check: postgresql.data_loss, at: to, budget: 9m, deadline: 9h}\n"
    found = sums(
        loading, catalog, Procedure.FAILOVER, (used, used.replace("  switch", f"{later}  switch"))
    )
    assert found == sums(loading, catalog, Procedure.FAILOVER)


def test_a_planned_procedure_counts_from_its_first_fence(loading: Load, catalog: Catalog) -> None:
    found = sums(loading, catalog, Procedure.SWITCHOVER)
    # 10 s demote, 10 s promote, 10 s redirect, 5 s answers; in_step comes before, follow after
    assert str(found).startswith("budgets 35s of downtime 1m;")
    assert sums(loading, catalog, Procedure.FAILBACK).budgets == found.budgets


def test_steps_side_by_side_count_once(loading: Load, catalog: Catalog) -> None:
    one = "- {step: answers, check: http.answers, passes: 3}"
    both = (
        "- parallel:\n"
        "        - {step: answers, check: http.answers, budget: 7s, deadline: 8m}\n"
        "        - {step: also, check: http.answers, budget: 30s, deadline: 2m}"
    )
    plain = sums(loading, catalog, Procedure.FAILOVER)
    found = sums(loading, catalog, Procedure.FAILOVER, (one, both))
    assert found.budgets.seconds == plain.budgets.seconds - 5 + 30
    alone = (one, "- {step: answers, check: http.answers, budget: 7s, deadline: 8m}")
    assert found.worst == sums(loading, catalog, Procedure.FAILOVER, alone).worst


def test_a_procedure_without_an_objective_has_sums_all_the_same(
    loading: Load, catalog: Catalog
) -> None:
    found = sums(loading, catalog, Procedure.REPROTECT)
    assert (found.objective, found.allowed) == ("", None)
    assert str(found).startswith("budgets 15s; worst case by deadlines 2h")


@pytest.mark.parametrize("procedure", [Procedure.FAILOVER, Procedure.SWITCHOVER])
def test_worst_is_never_less_than_the_budgets(
    loading: Load, catalog: Catalog, procedure: Procedure
) -> None:
    found = sums(loading, catalog, procedure)
    assert found.worst >= found.budgets


def test_without_a_fence_nobody_is_refused_and_all_steps_are_counted(
    loading: Load, catalog: Catalog
) -> None:
    text = (
        "version: 1\nrunbook: orders\ninventory: inventory.yaml\nservice: orders\n"
        "objectives: {downtime: 1m}\nwaivers: {failback: none}\nprocedures:\n"
        "  drain:\n    - {step: drained, check: postgresql.data_loss, at: west, budget: 9m}\n"
        "  refill:\n    - {step: filled, check: postgresql.data_loss, at: west}\n"
    )
    loaded = loading(text=text)
    made = plan(loaded, Procedure.DRAIN, ObservedRoles(), from_site="east", catalog=catalog)
    found = add_up(made, catalog)
    assert (found.objective, str(found.budgets)) == ("", "9m")
