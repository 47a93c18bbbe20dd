"""Whole commands to type about a run: they work as they stand, from any directory."""

from __future__ import annotations

import shlex
from datetime import datetime

from pydantic import JsonValue

from drtool.model.place import Direction
from drtool.model.proof import ProofKind
from drtool.model.purpose import Mode, Procedure, Purpose
from drtool.model.value import Fields
from drtool.progress.run_state import RunState

_SITE_FLAGS = {
    Procedure.FAILOVER: ("--from", "--to"),
    Procedure.SWITCHOVER: ("--from", "--to"),
    Procedure.REPROTECT: ("--from", "--to"),
    Procedure.FAILBACK: ("--from",),
}
_MODE_FLAGS = {
    Mode.DRILL: ("--drill",),
    Mode.DRY_RUN: ("--dry-run",),
    Mode.TABLETOP: ("--dry-run",),
}


def has_command(procedure: Procedure) -> bool:
    """Whether a procedure can be started from the command line."""
    return procedure in _SITE_FLAGS


def is_in_runbook(state: RunState, procedure: Procedure) -> bool:
    """Whether the run's runbook has a procedure; a plan that does not say is believed to."""
    return not state.plan.procedures or procedure in state.plan.procedures


def again(state: RunState, *more: str, mode: Mode | None = None, accept: str = "") -> str:
    """The same procedure, in the same direction, with the same clock and the same words given.

    ``accept`` is the data loss to accept instead of what was accepted.
    """
    plan, words = state.plan, list(more)
    accepted = state.accepted_loss
    if accept:
        words += ["--accept-data-loss", accept, "--reason", "why"]
    elif accepted is not None:
        words += ["--accept-data-loss", str(accepted.at_most), "--reason", accepted.reason]
    if _rests_on_a_word(state) and "--state-fenced" not in words:
        words += ["--state-fenced", "how you know"]
    since = state.outage_start if plan.procedure is Procedure.FAILOVER else None
    return start(state, plan.procedure, plan.direction, *_clock(since), *words, mode=mode)


def failover_instead(state: RunState, mode: Mode | None = None) -> str:
    """A failover that finishes a planned procedure; the outage began with its fence."""
    since = state.fence_began.wall if state.fence_began else None
    return start(state, Procedure.FAILOVER, state.plan.direction, *_clock(since), mode=mode)


def start(
    state: RunState,
    procedure: Procedure,
    direction: Direction,
    *more: str,
    mode: Mode | None = None,
) -> str:
    """A procedure of the same runbook, in the run's own mode unless another is told."""
    flags = dict(zip(("--from", "--to"), (direction.from_site, direction.to_site), strict=True))
    words = _words(state, procedure.value)
    for flag in _SITE_FLAGS[procedure]:
        words += [flag, site] if (site := flags[flag]) else []
    return shlex.join([*words, *_MODE_FLAGS.get(mode or state.mode, ()), *more])


def by_hand(state: RunState, procedure: Procedure) -> str:
    """What prints each step of a procedure for hands."""
    words = _words(state, "plan", procedure.value)
    for flag, site in (
        ("--from", state.plan.direction.from_site),
        ("--to", state.plan.direction.to_site),
    ):
        words += [flag, site] if site else []
    return shlex.join([*words, "--manual"])


def documents(runbook: str, inventory: str, parameters: Fields) -> list[str]:
    """A runbook with its inventory and its parameters, as words to type."""
    words = [runbook, "--inventory", inventory] if inventory else [runbook]
    for said in typed_parameters(parameters):
        words += ["--set", said]
    return words


def typed_parameters(parameters: Fields) -> tuple[str, ...]:
    """Parameters as they are typed: ``NAME=VALUE``."""
    return tuple(f"{name}={_typed(value)}" for name, value in parameters.items())


def _words(state: RunState, verb: str, *objects: str) -> list[str]:
    """The verb on the run's runbook."""
    plan = state.plan
    source = plan.source or f"{plan.runbook}.yaml"
    runbook, *rest = documents(source, plan.inventory_source, plan.parameters)
    return ["drtool", verb, runbook, *objects, *rest]


def _typed(value: JsonValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_typed, value)) if isinstance(value, list) else str(value)


def _clock(since: datetime | None) -> tuple[str, ...]:
    """Whole seconds, as people type them: at most one earlier, which flatters no recovery time."""
    return () if since is None else ("--outage-since", f"{since:%Y-%m-%dT%H:%M:%S}Z")


def _rests_on_a_word(state: RunState) -> bool:
    """Whether nothing but a person's word says that the old primary is fenced."""
    fences = [step for step in state.steps if step.purpose is Purpose.FENCE]
    kinds = {proof.kind for step in fences for proof in step.proofs}
    return state.plan.procedure is Procedure.FAILOVER and kinds == {ProofKind.STATEMENT}
