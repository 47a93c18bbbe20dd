"""The three things that a person may type now, with what each of them leads to."""

from __future__ import annotations

import re

from drtool.model.event import ConsentAsked, World
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.progress.approvals import answer_to, still_missing
from drtool.progress.commands import again, by_hand, has_command, is_in_runbook, start
from drtool.progress.next_run import leads_to, next_run
from drtool.progress.option import Option, option, report, runs, status
from drtool.progress.protection import unprotected
from drtool.progress.run_state import Consent, RunState
from drtool.progress.standing import MOVES, left, taking
from drtool.progress.words import (
    is_coming_back,
    may_be_escalated,
    may_be_unwound,
    resume_leads_to,
)

_ACCEPTABLE = re.compile(r"--accept-data-loss (\S+)")


def options(
    state: RunState, world: World, *, alive: bool | None, hung: bool = False
) -> tuple[Option, ...]:
    """Three options, the most likely one first; at least one of them changes nothing."""
    if state.ended is None and alive is not False:
        return _hanging(state) if hung else _going(state)
    if not has_command(state.plan.procedure):
        return _without_a_command(state)
    if state.ended is None:
        return _interrupted(state, world)
    if not state.mode.changes_the_world:
        return _after_a_look(state)
    if state.ended.outcome is Outcome.SUCCEEDED:
        return _after_success(state, world)
    return _after_trouble(state, world)


def _hanging(state: RunState) -> tuple[Option, ...]:
    """The engine is there and does not move: it is let go on, or ended and taken up."""
    resume = f"drtool resume {state.run}"
    return (
        option(f"drtool attach {state.run}", "follow the run; it says when the engine moves again"),
        option(resume, "takes it up once the engine's process was ended; refused before that"),
        report(state, "what was observed and changed so far; changes nothing"),
    )


def _going(state: RunState) -> tuple[Option, ...]:
    run, service = state.run, state.plan.service
    follow = option(f"drtool attach {run}", "follow the run; Ctrl-C leaves it alone")
    so_far = report(state, "what was observed and changed so far; changes nothing")
    if state.abort is not None or state.escalation is not None or is_coming_back(state):
        return (follow, so_far, status())
    abort = option(f"drtool abort {run}", _abort_leads_to(state))
    if state.waiting_for:
        return _asking(state, state.waiting_for[0].asked, follow)
    if state.paused is not None:
        return (_continue(state), abort, follow)
    fencing = [
        step.name for step in state.effects(Purpose.FENCE) if step.outcome is Outcome.RUNNING
    ]
    if fencing and state.plan.procedure.unplanned:
        word = f"drtool state {run} {fencing[0]} --service {service} --reason 'how you know'"
        leads = f"your word, which is no proof, that {left(state)} cannot write"
        return (follow, option(word, leads), abort)
    if may_be_escalated(state):
        leads = (
            f"if {left(state)} has died: this run ends, a failover takes over with its lease and "
            "asks for its own consent"
        )
        return (follow, option(f"drtool escalate {run}", leads), abort)
    return (follow, abort, so_far)


def _asking(state: RunState, asked: ConsentAsked, follow: Option) -> tuple[Option, ...]:
    run, service = state.run, state.plan.service
    approve = answer_to(run, asked.step, asked.what, service)
    yes, no = _answers(state, state.waiting_for[0])
    if state.paused is not None:
        return (option(approve, yes), _continue(state), follow)
    return (option(approve, yes), option(f"drtool deny {run} {asked.step}", no), follow)


def _continue(state: RunState) -> Option:
    return option(f"drtool continue {state.run}", "the pause ends; what comes next begins")


def _handed_over(state: RunState, heir: str) -> tuple[Option, ...]:
    """Another run goes on: what is to be done now is to be read there."""
    return (
        option(f"drtool attach {heir}", "follow the failover that took over"),
        option(f"drtool explain {heir}", "how that one stands, and what may be typed about it"),
        report(state, "what was observed and changed; changes nothing"),
    )


def _answers(state: RunState, consent: Consent) -> tuple[str, str]:
    """What yes and what no lead to."""
    stop = _abort_leads_to(state)
    match consent.asked.what:
        case "manual":
            return (
                "your word that it is done; the run goes on",
                "your word that it cannot be done: the step fails",
            )
        case "decision":
            return (
                "the step is tried once more",
                f"the step stays failed and the run ends: {stop}",
            )
        case _:
            leads = "the run goes on, with exactly the changes that were shown"
            if others := still_missing(consent) - 1:
                people = "one other person has" if others == 1 else f"{others} other people have"
                leads = f"your approval counts; once {people} approved too, {leads}"
            return (leads, f"the run stops here: {stop}")


def _abort_leads_to(state: RunState) -> str:
    old, new = left(state), taking(state)
    takeover, fences = state.takeover, state.effects(Purpose.FENCE)
    if not state.mode.changes_the_world or state.plan.procedure is Procedure.REHEARSAL:
        leads = "nothing new is begun; the service is as it was"
    elif takeover and all(step.ended_well for step in takeover):
        leads = f"{new} stays as it is now; what is left to do waits for a new run"
    elif state.past_no_return:
        leads = (
            f"the promotion that was begun is carried to its end: the primary is at {new} then, "
            "and what is left to do waits for a new run"
        )
    elif state.fence_began is None:
        leads = f"nothing new is begun; {_left_half(state)}"
    elif not takeover and _begun(state, *MOVES):
        leads = f"{old} stays fenced, and clients stay as far as they were moved"
    else:
        fenced = f"{old} stays fenced"
        if not all(step.ended_well for step in fences):
            fenced = f"the fence that was begun is carried to its end: {old} is down then"
        rest = "nothing is writable" if takeover else "clients are not moved"
        on = "a new run goes on" if has_command(state.plan.procedure) else "somebody moves them"
        leads = f"{fenced}, and {rest} until {on}"
    return leads


def _left_half(state: RunState) -> str:
    """What an abort leaves behind that no fence has begun."""
    if state.plan.procedure is Procedure.REPROTECT and _begun(state, Purpose.REPROTECT):
        return (
            f"{left(state)} is left as far as it was brought back, and {state.plan.service} counts "
            "as UNPROTECTED until a new run goes on"
        )
    if _begun(state, *MOVES):
        return "clients stay as far as they were moved"
    return "no role was changed"


def _begun(state: RunState, *purposes: Purpose) -> bool:
    """Whether something for one of these purposes was begun and not taken back."""
    return any(
        step.intent_at is not None and step.outcome is not Outcome.UNWOUND
        for purpose in purposes
        for step in state.effects(purpose)
    )


def _moved(state: RunState) -> bool:
    """Whether clients were moved by every step that does it, with none left out."""
    moves = [step for purpose in MOVES for step in state.effects(purpose)]
    return bool(moves) and all(step.ended_well and not step.skipped_by for step in moves)


def _interrupted(state: RunState, world: World) -> tuple[Option, ...]:
    resume = _resume(state)
    so_far = report(state, "what was observed and changed so far; changes nothing")
    if not state.mode.changes_the_world:
        return (resume, option(again(state), "looks at everything anew; changes nothing"), so_far)
    if may_be_unwound(state):
        leads = (
            f"takes back what was done: {left(state)} serves again, where its fence can be given "
            "back; refused otherwise"
        )
        return (resume, option(f"drtool unwind {state.run} --reason 'why'", leads), so_far)
    return (resume, option(next_run(state, world), leads_to(state, world)), so_far)


def _after_a_look(state: RunState) -> tuple[Option, ...]:
    """After a dry-run or a tabletop; what was refused there would be refused again."""
    look = option(again(state, mode=Mode.DRY_RUN), "looks again; changes nothing")
    so_far = report(state, "what was observed and would be changed; changes nothing")
    if state.ended is not None and state.ended.outcome is Outcome.SUCCEEDED:
        live = again(state, mode=Mode.LIVE)
        return (
            option(live, "the same for real; consent is asked before anything is changed"),
            look,
            so_far,
        )
    amount = _acceptable(state)
    live = again(state, mode=Mode.LIVE, accept=amount)
    leads = _accept_leads_to(state, amount) if amount else (
        "the same for real; it is refused where this one was, unless that was mended"
    )  # fmt: skip
    return (look, option(live, leads), so_far)


def _after_success(state: RunState, world: World) -> tuple[Option, ...]:
    so_far = report(state, "what happened, against which objectives; changes nothing")
    on = option(next_run(state, world), leads_to(state, world))
    if state.plan.procedure is Procedure.FAILOVER and world is World.PROMOTED:
        return (on, so_far, _next(state))
    if state.plan.procedure is Procedure.FAILOVER and world is World.REDIRECTED:
        return (_next(state), so_far, on)
    if state.plan.procedure is Procedure.REPROTECT and world is not World.RECOVERED:
        return (on, so_far, status())
    return (_next(state), so_far, status())


def _next(state: RunState) -> Option:
    """What is most likely wanted once all is well."""
    way = state.plan.direction
    known = state.plan.inventory.services.get(state.plan.service)
    home = known.preferred if known else None
    if unprotected(state) and is_in_runbook(state, Procedure.REPROTECT):
        leads = f"{left(state)} is brought back as a standby of {taking(state)}"
        return option(start(state, Procedure.REPROTECT, way), leads)
    if way.to_site != home and is_in_runbook(state, Procedure.FAILBACK):
        back = Direction(from_site=way.to_site, to_site=home)
        leads = "the service moves to its preferred site, with a short planned downtime"
        return option(start(state, Procedure.FAILBACK, back), leads)
    if is_in_runbook(state, Procedure.SWITCHOVER):
        back = Direction(from_site=way.to_site, to_site=way.from_site)
        command = start(state, Procedure.SWITCHOVER, back, mode=Mode.DRY_RUN)
        return option(command, f"whether it could move to {left(state)} now; changes nothing")
    return runs()


def _after_trouble(state: RunState, world: World) -> tuple[Option, ...]:
    if state.ended is not None and state.ended.heir:
        return _handed_over(state, state.ended.heir)
    on = option(next_run(state, world), leads_to(state, world))
    look = option(
        next_run(state, world, Mode.DRY_RUN),
        "what is left to do, as the real systems are now; changes nothing",
    )
    amount = _acceptable(state)
    if amount:
        on = option(again(state, accept=amount), _accept_leads_to(state, amount))
    if world is World.FENCED:
        return (on, _release(state), look)
    if not amount and _fence_unproven(state) and state.plan.procedure is Procedure.FAILOVER:
        return (look, _on_your_word(state), on)
    if world is World.IN_DOUBT:
        return (look, _beside(state, world, on), on)
    return (on, _beside(state, world, on), look)


def _beside(state: RunState, world: World, on: Option) -> Option:
    """What else may be wanted: to try again what another procedure does not, or to read."""
    retry, unplanned = again(state), state.plan.procedure is Procedure.FAILOVER
    if on.command != retry and unplanned and world is World.RECOVERED:
        return option(retry, "what is done is found done, what failed is tried again")
    doubtful = world is World.IN_DOUBT and not state.past_no_return
    if on.command != retry and not unplanned and doubtful:
        leads = f"from the start, where {left(state)} is seen running; refused where it is not"
        return option(retry, leads)
    return report(state, "what was observed and changed; changes nothing")


def _on_your_word(state: RunState) -> Option:
    leads = (
        f"goes on with your word, which is no proof, that {left(state)} cannot write; if it can, "
        "two sites will"
    )
    return option(again(state, "--state-fenced", "how you know"), leads)


def _acceptable(state: RunState) -> str:
    """The data loss that would have to be accepted, where that stopped the run; else ""."""
    stopped = (
        _ACCEPTABLE.search(step.hint)
        for step in state.steps
        if step.outcome in {Outcome.REFUSED, Outcome.FAILED}
    )
    return next((found[1] for found in stopped if found), "")


def _accept_leads_to(state: RunState, amount: str) -> str:
    most = "whatever is lost" if amount == "unknown" else f"if no more than {amount} is lost"
    return (
        f"goes on and promotes {taking(state)} {most}; it stands in the report with your name and "
        "your reason"
    )


def _fence_unproven(state: RunState) -> bool:
    unproven = {Outcome.REFUSED, Outcome.IN_DOUBT, Outcome.FAILED}
    return not state.past_no_return and any(
        step.outcome in unproven for step in state.effects(Purpose.FENCE)
    )


def _release(state: RunState) -> Option:
    old, new = left(state), taking(state)
    leads = (
        f"prints each step for hands, changes nothing. To release {old} instead: switch its "
        "machine on if it is off and set its restore policy back, remove standby.signal from the "
        f"data directory, start PostgreSQL; right only as long as {new} was never promoted"
    )
    return option(by_hand(state, state.plan.procedure), leads)


def _without_a_command(state: RunState) -> tuple[Option, ...]:
    """A procedure that cannot be started from the command line is resumed, or done by hand."""
    so_far = report(state, "what was observed and changed; changes nothing")
    if state.ended is None:
        return (_resume(state), so_far, status())
    wanted = state.plan.procedure
    if state.ended.outcome is Outcome.SUCCEEDED:
        if wanted in {Procedure.DRAIN, Procedure.LOSE} and _moved(state):
            wanted = Procedure.REFILL
        elif state.ended.world is World.RECOVERED:
            return (so_far, status(), runs())
    leads = f"prints each step of {wanted.value} for hands; changes nothing"
    return (option(by_hand(state, wanted), leads), so_far, status())


def _resume(state: RunState) -> Option:
    leads = "takes it up where it ended: looks at what is in doubt, adopts what is done"
    leads = resume_leads_to(state) or leads
    if state.abort is not None:
        leads = f"ends it as {state.abort.by} asked: what was begun is finished, nothing more"
    return option(f"drtool resume {state.run}", leads)
