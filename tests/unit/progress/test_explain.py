"""Every state that a run can be found in, read by somebody who was asleep a minute ago."""

from __future__ import annotations

import re
import shlex
from itertools import product

import pytest
import typer
from told_states import (
    BACK,
    BAD,
    HANDED,
    HEIR,
    PAUSED,
    RUN,
    UNWINDING,
    Told,
    found,
    proof,
    with_end,
)
from typer.core import TyperGroup

from drtool.cli.main import app
from drtool.model.event import (
    NO_PROGRESS,
    AbortAsked,
    Body,
    RunEnded,
    StepEnded,
    Via,
    Warned,
    World,
)
from drtool.model.inventory import Inventory, Service, Site
from drtool.model.proof import AcceptedLoss, ProofKind
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.progress.explain import Explanation, explain
from drtool.progress.run_state import RunState

STATES = {name: (state, alive) for name, state, alive in found()}
HARMLESS = {"attach", "report", "status", "runs", "plan", "explain"}
STARTS = {"failover", "switchover", "failback", "reprotect"}
WITH_RUN = {"attach", "report", "approve", "deny", "abort", "state", "resume", "explain"} | {
    *("continue", "retry", "escalate", "unwind"),
}
CLUMSY = re.compile(r"None|[{}]|\S  \S|\.\.|: \.|safe")
COMMANDS = typer.main.get_command(app)


def parsed(command: str) -> tuple[str, dict[str, object]]:
    """The verb and its parameters, as the command line itself reads them."""
    program, *words = shlex.split(command)
    assert program == "drtool"
    assert isinstance(COMMANDS, TyperGroup)
    with typer.Context(COMMANDS) as context:
        verb, sub, rest = COMMANDS.resolve_command(context, words)
        assert sub is not None
        assert verb is not None
        return verb, sub.make_context(verb, rest, parent=context).params


def said(state: RunState, *, alive: bool | None = None, life: Life | None = None) -> Explanation:
    """The explanation, after what holds for each."""
    told = explain(state, alive=alive, life=life)
    assert len(told.options) == 3, told.options
    assert len({option.command for option in told.options}) == 3, told.options
    assert all(option.consequence.strip() for option in told.options)
    assert any(map(changes_nothing, told.options)), told.options
    for option in told.options:
        check_command(state, option.command)
    texts = (told.title, told.world, told.why, *(option.consequence for option in told.options))
    for text in texts:
        assert text
        assert not CLUMSY.search(text.replace(f"  ({RUN})", "")), text
    assert told.world.endswith(".")
    check_truth(state, told, alive=alive)
    return told


def changes_nothing(option: object) -> bool:
    verb, given = parsed(option.command)  # type: ignore[attr-defined]
    return verb in HARMLESS or bool(given.get("dry_run"))


def check_command(state: RunState, command: str) -> None:
    verb, given = parsed(command)
    if verb in WITH_RUN:
        heir = state.ended.heir if state.ended and verb in {"attach", "explain"} else ""
        assert given["run"] == (heir or state.run)
    if verb in {"approve", "state"}:
        assert given["service"] == state.plan.service
    if verb in {"approve", "deny", "state", "retry"}:
        assert given["step"] in {"start", *(step.name for step in state.steps)}
    if verb in STARTS | {"plan"}:
        assert str(given["runbook"]) == state.plan.source
        assert str(given["inventory"]) == state.plan.inventory_source
        assert given["parameters"] == ["pace=2", "quick=true", "only=a,b"]
    if verb in STARTS:
        live = state.mode in {Mode.LIVE, Mode.DRILL}
        wanted = Mode.DRY_RUN if given["dry_run"] else Mode.DRILL if given["drill"] else Mode.LIVE
        assert wanted in ({state.mode, Mode.DRY_RUN} if live else {Mode.LIVE, Mode.DRY_RUN})
    if verb == "failover":
        assert given["outage_since"]


def check_truth(state: RunState, told: Explanation, *, alive: bool | None) -> None:
    """What the sentences claim, against the steps."""
    if not state.mode.changes_the_world:
        assert "nothing is changed" in told.world
        return
    outcomes = {
        purpose: [step.outcome for step in state.effects(purpose)]
        for purpose in (Purpose.FENCE, Purpose.PROMOTE)
    }
    promoted = Outcome.SUCCEEDED in outcomes[Purpose.PROMOTE]
    world, doubt = told.world, "IN DOUBT" in told.world
    if "Nothing was changed" in world or "no role was" in world:
        assert not promoted
    if "NOTHING IS WRITABLE" in world:
        assert not promoted
        assert set(outcomes[Purpose.FENCE]) == {Outcome.SUCCEEDED}
    if "primary is at" in world or "is promoted." in world.replace("nobody is promoted.", ""):
        assert promoted
    if "Nobody was promoted" in world:
        assert not promoted
        assert not state.past_no_return
    if "Recovered" in world or "Protected" in world:
        verify = [step for step in state.steps if step.purpose is Purpose.VERIFY]
        assert all(step.ended_well and not step.skipped_by for step in verify)
    if alive is False and any(step.mid_effect for step in state.steps):
        assert doubt
    if state.plan.procedure is Procedure.REHEARSAL:
        assert "not touched" in world
        assert "UNPROTECTED" not in world


@pytest.mark.parametrize("name", STATES)
def test_a_state_is_told_truly_with_three_commands_that_work(name: str) -> None:
    state, alive = STATES[name]
    said(state, alive=alive)


@pytest.mark.parametrize("name", [name for name, (_, alive) in STATES.items() if alive])
def test_an_engine_that_does_not_move_is_told_with_what_lets_it_go_on(name: str) -> None:
    state, _ = STATES[name]
    life = Life(word=Living.HUNG, since=state.last.wall, pid=4711, stopped=True)
    told = said(state, life=life)
    assert "does not move" in told.title
    assert "kill -CONT 4711" in told.why
    assert told.why.endswith(f"end it: kill -9 4711, then drtool resume {RUN}.")
    assert "drtool resume" in told.options[1].command


def test_an_engine_that_is_gone_is_told_since_when() -> None:
    state, _ = STATES["failover-live-at-promote-False"]
    told = said(state, life=Life(word=Living.GONE, since=state.last.wall))
    assert (
        f"process is gone since {state.last.wall:%H:%M:%S}Z and the run has not ended" in told.why
    )


def test_no_procedure_mode_or_outcome_is_left_out() -> None:
    states = [state for state, _ in STATES.values()]
    assert {state.plan.procedure for state in states} == set(Procedure)
    assert {state.mode for state in states} == set(Mode)
    ends = {state.ended.outcome for state in states if state.ended}
    assert ends >= {Outcome.SUCCEEDED, *BAD}
    assert {state.world for state in states} == set(World)


ENDS = [one for one in Outcome if one.ended and one is not Outcome.SKIPPED]


@pytest.mark.parametrize("procedure", Procedure)
@pytest.mark.parametrize(("world", "outcome"), list(product(World, ENDS)))
def test_whatever_world_stands_at_the_end_there_is_something_to_type(
    procedure: Procedure, world: World, outcome: Outcome
) -> None:
    state = with_end(procedure, RunEnded(outcome=outcome, exit_code=1, world=world, reason="x"))
    told = explain(state)
    assert len({option.command for option in told.options}) == 3
    for option in told.options:
        check_command(state, option.command)
    assert any(map(changes_nothing, told.options))


def test_a_stopped_primary_is_failed_over_and_not_switched_over_again() -> None:
    """A switchover wants both sites healthy: begun again, it would be refused."""
    for procedure, direction in ((Procedure.SWITCHOVER, "west"), (Procedure.FAILBACK, "east")):
        told = Told(procedure).through(2).tell(AbortAsked(by="ben"))
        first = said(told.over()).options[0]
        verb, given = parsed(first.command)
        assert (verb, given["to_site"]) == ("failover", direction)
        assert given["outage_since"] == "2026-03-01T03:00:04Z"
        assert "is stopped" in first.consequence


def test_a_switchover_that_lacks_a_standby_only_is_reprotected() -> None:
    told = Told(Procedure.SWITCHOVER)
    told.through(5).begin(told.steps[5]).end(told.steps[5], Outcome.FAILED)
    explained = said(told.over())
    assert "UNPROTECTED" in explained.world
    verb, given = parsed(explained.options[0].command)
    assert (verb, given["from_site"], given["to_site"]) == ("reprotect", "east", "west")


def test_what_the_runbook_does_not_have_is_not_offered() -> None:
    bare = {"procedures": (Procedure.FAILOVER,)}
    told = Told(Procedure.FAILOVER, plan=bare)
    verbs = [parsed(one.command)[0] for one in said(told.through(7).over()).options]
    assert not {"reprotect", "failback", "switchover"} & set(verbs)


def test_home_is_where_the_service_goes_back_to() -> None:
    inventory = Inventory(
        version=1,
        services={"orders": Service(preferred="west")},
        sites={"east": Site(address="127.0.1.1"), "west": Site(address="127.0.2.1")},
    )
    there = Told(Procedure.SWITCHOVER, plan={"inventory": inventory})
    assert parsed(said(there.through(6).over()).options[0].command)[0] == "switchover"
    away = Told(Procedure.SWITCHOVER)
    verb, given = parsed(said(away.through(6).over()).options[0].command)
    assert (verb, given["from_site"]) == ("failback", "west")


def test_a_loss_that_stopped_the_run_can_be_accepted() -> None:
    """In the early look, or by the guard of the promotion."""
    hint = "start again with --accept-data-loss unknown --reason 'why'"
    for stopped in (0, 3):
        told = Told(Procedure.FAILOVER).through(stopped)
        told.end(told.steps[stopped], Outcome.REFUSED, hint=hint)
        explained = said(told.over())
        verb, given = parsed(explained.options[0].command)
        assert (verb, given["accept_data_loss"], given["reason"]) == ("failover", "unknown", "why")
        assert "whatever is lost" in explained.options[0].consequence
        assert f"Hint: {hint}" in explained.why


def test_what_was_accepted_is_said_and_given_again() -> None:
    accepted = AcceptedLoss(at_most="unknown", by="ann", reason="customers wait")
    told = Told(Procedure.FAILOVER, accepted_loss=accepted)
    explained = said(told.through(1).tell(AbortAsked(by="ben")).over())
    assert explained.accepted == (
        "ann accepted any data loss, even an unknown one: customers wait."
    )
    _, given = parsed(explained.options[0].command)
    assert (given["accept_data_loss"], given["reason"]) == ("unknown", "customers wait")


def test_a_fence_on_a_word_is_called_that_and_the_word_is_asked_for_again() -> None:
    told = Told(Procedure.FAILOVER).through(2)
    told.begin(told.steps[2]).end(told.steps[2], proofs=(proof(ProofKind.STATEMENT),))
    explained = said(told.tell(AbortAsked(by="ben")).over())
    assert "counts as fenced by the word of a person alone" in explained.world
    assert any("by a person's word, which is no proof" in line for line in explained.done)
    assert parsed(explained.options[0].command)[1]["state_fenced"] == "how you know"


def test_a_question_says_until_when_and_what_a_yes_changes() -> None:
    state, alive = STATES["switchover-live-asks-start"]
    explained = said(state, alive=alive)
    assert explained.why == (
        "The start waits until 03:01:30Z for a person: "
        "failover of orders east -> west: type the service's name to begin.\n"
        "It would change:\n  postgresql east: running -> stopped"
    )


def test_an_interrupted_run_does_not_look_as_if_it_went_on() -> None:
    state, alive = STATES["failover-live-at-promote-False"]
    explained = said(state, alive=alive)
    assert explained.in_doubt == ("promote: begun, its effect is not known",)
    assert not any(line.endswith((": running", ": pending")) for line in explained.not_done)
    assert "its last word is of 03:00:" in explained.why


def test_a_step_that_gets_no_further_says_what_stands_in_its_way() -> None:
    told = Told(Procedure.REPROTECT)
    first = told.steps[0]
    name = first.name
    told.begin(first).tell(Warned(about=NO_PROGRESS, text=f"step {name}: host east: no mains"))
    told.tell(Warned(about=NO_PROGRESS, text="step another: is none of it"))
    explained = said(told.state, alive=True)
    assert explained.why == f"Step {name} is under way.\n{name} was held up: host east: no mains"


def test_a_promotion_that_failed_half_way_does_not_speak_of_the_fence() -> None:
    state, alive = STATES["failover-live-failed-promote"]
    world = said(state, alive=alive).world
    assert "whether west was promoted is not known" in world
    assert "east is fenced" in world
    assert "could not be proven" not in world


def test_a_drill_goes_on_as_a_drill() -> None:
    state, alive = STATES["failover-drill-aborted-before-promote"]
    assert "drill" in said(state, alive=alive).title
    assert parsed(said(state, alive=alive).options[0].command)[1]["drill"] is True


def test_a_dry_run_says_what_it_would_change_and_is_not_repeated_for_real_unasked() -> None:
    state, alive = STATES["failover-dry-run-succeeded"]
    explained = said(state, alive=alive)
    assert "fence (it fences): would change: fence: no -> yes" in explained.not_done
    assert not parsed(explained.options[0].command)[1]["dry_run"]
    told = Told(Procedure.FAILOVER, Mode.DRY_RUN)
    refused = said(told.end(told.steps[0], Outcome.REFUSED).over())
    assert parsed(refused.options[0].command)[1]["dry_run"] is True


def steered(*bodies: Body, alive: bool = True, count: int = 1) -> Explanation:
    """A switchover of which something is asked after its first steps."""
    told = Told(Procedure.SWITCHOVER).through(count).tell(*bodies)
    return said(told.state, alive=alive)


def test_a_paused_run_says_who_paused_it_and_what_goes_on() -> None:
    told = steered(PAUSED)
    assert ": paused" in told.title
    assert told.why == (
        "ben paused it at 03:00:03Z: wait for the storage team. Nothing more begins until it is "
        "continued."
    )
    assert told.options[0].command == f"drtool continue {RUN}"
    gone = steered(PAUSED, alive=False)
    assert "It was paused by ben, and stays so when it is resumed." in gone.why
    assert "still paused" in gone.options[0].consequence


def test_an_unwinding_that_was_cut_off_says_what_is_back() -> None:
    assert (
        "The unwinding was cut off: nothing was taken back yet."
        in steered(BACK, UNWINDING, alive=False).why
    )
    back = StepEnded(step="in_step", outcome=Outcome.UNWOUND, via=Via.DIRECT)
    cut = steered(BACK, UNWINDING, back, alive=False)
    assert "in_step was taken back, the rest was not." in cut.why
    assert cut.options[0].command == f"drtool resume {RUN}"
    assert cut.options[0].consequence.startswith("takes back what is left, newest first")


def test_a_run_that_was_handed_over_leads_to_the_other() -> None:
    told = said(Told(Procedure.SWITCHOVER).through(1).tell(HANDED).over())
    assert [one.command for one in told.options[:2]] == [
        f"drtool attach {HEIR}",
        f"drtool explain {HEIR}",
    ]
    assert HEIR in told.why


def test_the_failover_that_took_over_names_the_run_before_it() -> None:
    told = said(Told(Procedure.FAILOVER, escalates=HEIR).through(1).state, alive=True)
    assert told.why == f"It took over run {HEIR}. The run goes on."


def test_a_planned_run_whose_primary_may_die_says_how_it_is_handed_over() -> None:
    told = Told(Procedure.SWITCHOVER).through(1)
    options = said(told.begin(told.steps[1]).state, alive=True).options
    assert f"drtool escalate {RUN}" in [one.command for one in options]


def test_a_step_that_was_left_out_is_not_told_as_done() -> None:
    told = Told(Procedure.SWITCHOVER).through(4)
    one = told.steps[4]
    told.end(one, Outcome.SKIPPED, by="ben", reason="left out by ben: it hangs").rest(5)
    explained = said(told.over())
    assert explained.why == "accepted was left out by ben; downtime not measured."
    assert "accepted: left out by ben: it hangs" in explained.not_done
    assert explained.world.startswith("Redirected, not verified.")


def consequence_of(verb: str, name: str) -> str:
    state, alive = STATES[name]
    options = said(state, alive=alive).options
    return next(one.consequence for one in options if parsed(one.command)[0] == verb)


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("lose-live-before-redirect", "clients are not moved until somebody moves them"),
        ("lose-live-before-look", "clients stay as far as they were moved"),
        ("drain-live-at-weight-True", "clients stay as far as they were moved"),
        ("reprotect-live-before-reinstate", "no role was changed"),
        ("reprotect-live-at-reinstate-True", "orders counts as UNPROTECTED until a new run"),
    ],
)
def test_an_abort_says_what_it_leaves_behind(name: str, leads: str) -> None:
    assert leads in consequence_of("abort", name)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("failover-live-left-out-redirect", "drtool failover "),
        ("reprotect-live-left-out-reinstate", "drtool reprotect "),
        ("reprotect-live-left-out-caught_up", "drtool reprotect "),
        ("drain-live-left-out-weight", "drtool plan '/runs/books/or ders.yaml' drain "),
        ("lose-live-left-out-redirect", "drtool plan '/runs/books/or ders.yaml' lose "),
        ("lose-live-left-out-capacity", "drtool plan '/runs/books/or ders.yaml' refill "),
        ("refill-live-succeeded", f"drtool report {RUN}"),
    ],
)
def test_after_a_success_comes_what_is_still_missing(name: str, first: str) -> None:
    state, alive = STATES[name]
    assert said(state, alive=alive).options[0].command.startswith(first)


def test_an_approval_of_several_does_not_let_the_run_go_on_alone() -> None:
    assert consequence_of("approve", "one-of-two").startswith("the run goes on, ")
    assert consequence_of("approve", "revoked").startswith(
        "your approval counts; once one other person has approved too, the run goes on, "
    )


def test_a_fence_that_was_handed_over_half_way_says_what_is_in_doubt() -> None:
    state, alive = STATES["switchover-live-handed-over-at-demote"]
    explained = said(state, alive=alive)
    assert explained.world == (
        "IN DOUBT. east could not be proven fenced, so it may still be writing. "
        "Nobody was promoted by this run."
    )
    assert "Hint" not in explained.why


def test_an_engine_that_was_lost_after_an_abort_was_asked_says_so() -> None:
    state, alive = STATES["switchover-live-aborting-at-demote-False"]
    assert said(state, alive=alive).why.endswith("ben asked to abort; that is not done yet.")
