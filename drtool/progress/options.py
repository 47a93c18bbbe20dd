"""The three things that a person may type now, with what each of them leads to."""

from __future__ import annotations

import shlex
from pathlib import Path

from drtool.model.event import World
from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.model.value import Value
from drtool.progress.run_state import RunState


class Option(Value):
    """A command, and what follows when it is typed."""

    command: str
    consequence: str


def options(state: RunState, world: World, *, alive: bool | None) -> tuple[Option, ...]:
    """Three options, the most likely one first; the last is always safe to type."""
    if state.ended is None:
        return _interrupted(state, world) if alive is False else _going(state)
    if not state.mode.changes_the_world:
        return _after_a_dry_run(state)
    if state.ended.outcome is Outcome.SUCCEEDED:
        return _after_success(state)
    return _after_trouble(state, world)


def _going(state: RunState) -> tuple[Option, ...]:
    run, service = state.run, state.plan.service
    follow = _option(f"drtool attach {run}", "follow the run; Ctrl-C leaves it alone")
    abort = _option(f"drtool abort {run}", _abort_leads_to(state))
    if state.waiting_for:
        step = state.waiting_for[0].asked.step
        approve = f"drtool approve {run} {step} --service {service}"
        deny = f"drtool deny {run} {step}"
        return (
            _option(approve, "the run goes on with exactly the changes that were shown"),
            _option(deny, "the run stops here; " + _abort_leads_to(state)),
            follow,
        )
    fencing = [
        step.name
        for step in state.steps
        if step.purpose is Purpose.FENCE and step.outcome is Outcome.RUNNING
    ]
    if fencing:
        word = f"drtool state {run} {fencing[0]} --service {service} --reason '...'"
        leads = "your word that the old primary cannot write; it is recorded, and is no proof"
        return (follow, _option(word, leads), abort)
    report = _option(f"drtool report {run}", "what was observed and changed so far")
    return (follow, abort, report)


def _abort_leads_to(state: RunState) -> str:
    if state.past_no_return:
        return "a promotion was begun: the service stays half moved until a new run finishes it"
    if state.fence_began is not None:
        return "the old primary stays fenced and nothing is writable until a new run goes on"
    return "nothing new is begun; no role was changed"


def _interrupted(state: RunState, world: World) -> tuple[Option, ...]:
    run = state.run
    again = "a new run: it looks at everything, adopts what is done and proves fences again"
    if world is World.FENCED:
        again += "; until then nothing is writable"
    return (
        _option(
            f"drtool resume {run}",
            "takes it up where it ended: looks at what is in doubt, adopts what is done",
        ),
        _option(_again(state), again),
        _option(f"drtool report {run}", "what was observed and changed so far; changes nothing"),
    )


def _after_a_dry_run(state: RunState) -> tuple[Option, ...]:
    live = _command(state)
    return (
        _option(live, "the same plan, for real; consent is asked before anything changes"),
        _option(f"{live} --dry-run", "look again; changes nothing"),
        _option(f"drtool report {state.run}", "what was observed; changes nothing"),
    )


def _after_success(state: RunState) -> tuple[Option, ...]:
    report = _option(f"drtool report {state.run}", "what happened, against which objectives")
    status = _option("drtool status", "how all services stand; changes nothing")
    match state.plan.procedure:
        case Procedure.FAILOVER:
            command = verb_on_same(state, "reprotect")
            next_one = _option(command, "the site that was left is brought back as a standby")
        case Procedure.LOSE:
            next_one = _option(verb_on_same(state, "refill"), "the lost site takes traffic again")
        case Procedure.REPROTECT:
            home = "the service moves to its preferred site, with a short planned downtime"
            next_one = _option(verb_on_same(state, "failback"), home)
        case _:
            next_one = _option(
                f"{_command(state)} --dry-run", "what it would find to do now; changes nothing"
            )
    return (next_one, report, status)


def _after_trouble(state: RunState, world: World) -> tuple[Option, ...]:
    report = _option(f"drtool report {state.run}", "what was observed and changed; changes nothing")
    dry = _option(
        f"{_again(state)} --dry-run",
        "what is left to do, as the real systems are now; changes nothing",
    )
    again = _option(_again(state), _LEADS_TO[world])
    if world is World.FENCED:
        return (again, _release(state), dry)
    if _fence_unproven(state):
        stated = f"{_again(state)} --state-fenced 'how you know'"
        word = (
            "goes on with your word, which is no proof, that the old primary cannot write; "
            "if it can, two sites will"
        )
        return (dry, _option(stated, word), again)
    if world is World.IN_DOUBT:
        return (dry, again, report)
    return (again, dry, report)


_LEADS_TO = {
    World.UNTOUCHED: "a new run from the start",
    World.PREPARED: "a new run from the start; what is done is found done and not repeated",
    World.FENCED: "goes on: the fence is proven again, then the other site is promoted",
    World.PROMOTED: "goes on: the promotion is found done, clients are moved",
    World.REDIRECTED: "goes on: what is done is found done, the service is looked at again",
    World.RECOVERED: "a new run: what is done is found done, what failed is tried again",
    World.IN_DOUBT: "a new run: it looks first, adopts what is done, asks for its own consent",
}


def _fence_unproven(state: RunState) -> bool:
    return not state.past_no_return and any(
        step.purpose is Purpose.FENCE and step.outcome in {Outcome.REFUSED, Outcome.IN_DOUBT}
        for step in state.steps
    )


def _release(state: RunState) -> Option:
    old = state.plan.direction.from_site or "the old site"
    new = state.plan.direction.to_site or "the other site"
    return _option(
        f"{verb_on_same(state, 'plan')} {state.plan.procedure.value} --manual",
        f"prints each step for hands; releasing the fence is starting {old} again, and right only "
        f"as long as {new} was never promoted",
    )


def _again(state: RunState) -> str:
    """The same procedure in the same direction, with the same clock."""
    direction = state.plan.direction
    command = _command(state)
    if state.plan.procedure in {Procedure.FAILOVER, Procedure.SWITCHOVER, Procedure.REPROTECT}:
        command += f" --from {direction.from_site}" if direction.from_site else ""
        command += f" --to {direction.to_site}" if direction.to_site else ""
    if state.plan.procedure.unplanned and state.outage_start is not None:
        command += f" --outage-since {state.outage_start:%Y-%m-%dT%H:%M:%SZ}"
    return command


def _command(state: RunState) -> str:
    return verb_on_same(state, state.plan.procedure.value)


def verb_on_same(state: RunState, verb: str) -> str:
    """Another verb on the same runbook and inventory."""
    plan = state.plan
    runbook = plan.source or f"{plan.runbook}.yaml"
    words = ["drtool", verb, runbook]
    beside = (Path(runbook).parent / "inventory.yaml").absolute()
    if plan.inventory_source and Path(plan.inventory_source) != beside:
        words += ["--inventory", plan.inventory_source]
    return shlex.join(words)


def _option(command: str, consequence: str) -> Option:
    return Option(command=command, consequence=consequence)
