"""Runs told as events, for tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drtool.model.change import Change
from drtool.model.event import (
    Body,
    ConsentAsked,
    ConsentGiven,
    Event,
    Instant,
    LeaseEnded,
    LeaseTaken,
    RunEnded,
    RunStarted,
    StatementMade,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
    World,
)
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.plan import Objectives, Plan, PlanStep
from drtool.model.proof import Proof, ProofKind, Statement
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind, Strategy
from drtool.model.value import Fields
from drtool.model.verdict import Verdict
from drtool.units import Duration

BEGAN = datetime(2026, 11, 23, 5, 14, 1, 200_000, tzinfo=UTC)
WEST, EAST = Place(site="west", system="orders_db"), Place(site="east", system="orders_db")


class Told:
    """A run that is told step by step; ``at`` are seconds since its start."""

    def __init__(self, plan: Plan, mode: Mode = Mode.LIVE, **started: Any) -> None:
        self.events: list[Event] = []
        self.plan = plan
        self.tell(
            0.0,
            RunStarted(
                plan=plan, mode=mode, requester="ann", host="desk", pid=4711,
                version="0.1.0", engine="prefect", **started,
            ),
        )  # fmt: skip

    def tell(self, at: float, *bodies: Body) -> Told:
        for body in bodies:
            moment = Instant(wall=BEGAN + timedelta(seconds=at), monotonic=1000 + at, boot="b")
            self.events.append(
                Event(run="20261123-051401-3333", seq=len(self.events) + 1, at=moment, body=body)
            )
        return self

    def step(
        self,
        name: str,
        begin: float,
        end: float,
        *changes: Change,
        outcome: Outcome = Outcome.SUCCEEDED,
        via: Via = Via.PREFECT,
        answered: float | None = None,
        **more: Any,
    ) -> Told:
        """A step from its start to its end, with the intent of its changes."""
        self.tell(begin, StepStarted(step=name, via=via, via_reason=more.pop("why", "")))
        if changes:
            promotes = self.plan.step(name).purpose is Purpose.PROMOTE
            self.tell(
                begin + 0.01,
                StepIntent(
                    step=name, seen=more.get("seen", {}), changes=changes, promotes=promotes
                ),
            )
        moment = None
        if answered is not None:
            moment = Instant(
                wall=BEGAN + timedelta(seconds=answered), monotonic=1000 + answered, boot="b"
            )
        ended = StepEnded(
            step=name, outcome=outcome, via=via, changes=changes, seconds=end - begin,
            answered=moment, **more,
        )  # fmt: skip
        return self.tell(end, ended)


def plan_step(name: str, action: str, purpose: Purpose, **more: Any) -> PlanStep:
    kind = StepKind.ACTION if purpose not in {Purpose.ASSESS, Purpose.VERIFY} else StepKind.CHECK
    fields = {"kind": kind, "deadline": Duration(60), "source": "runbooks/orders.yaml:9:7", **more}
    return PlanStep(name=name, action=action, purpose=purpose, **fields)


def failover_plan(**changed: Any) -> Plan:
    steps = (
        plan_step(
            "loss_now", "postgresql.data_loss", Purpose.ASSESS, place=WEST, budget=Duration(2)
        ),
        plan_step(
            "consent", "approval", Purpose.ASSESS, kind=StepKind.APPROVAL, budget=Duration(60)
        ),
        plan_step("fence", "postgresql.fence", Purpose.FENCE, place=EAST, budget=Duration(20)),
        plan_step("promote", "postgresql.promote", Purpose.PROMOTE, place=WEST, budget=Duration(5)),
        plan_step("redirect", "dns.redirect", Purpose.REDIRECT, place=WEST, budget=Duration(10)),
        plan_step("dns_agrees", "dns.resolves", Purpose.VERIFY, budget=Duration(0.2)),
        plan_step("orders_accepted", "http.writes", Purpose.VERIFY, kind=StepKind.ACTION),
        plan_step("tell_people", "notice.slack", Purpose.ANNOUNCE, kind=StepKind.NOTICE),
    )
    path = ("loss_now", "consent", "fence", "promote", "redirect", "orders_accepted")
    fields = {
        "runbook": "orders",
        "strategy": Strategy.HOT_STANDBY,
        "service": "orders",
        "procedure": Procedure.FAILOVER,
        "direction": Direction(from_site="east", to_site="west"),
        "objectives": Objectives(rto=Duration(300), rpo=Duration(10)),
        "inventory": Inventory(version=1, services={}, sites={}),
        "steps": steps,
        "critical_path": path,
        "expected": Duration(97),
        "source": "runbooks/hot-standby/orders.yaml",
        "digest": "5f0c" * 16,
        "warnings": ("orders.yaml:31:5: step redirect has no deadline of its own",),
        **changed,
    }
    return Plan(**fields)


def proof(kind: ProofKind = ProofKind.POWER) -> Proof:
    return Proof(
        kind=kind,
        subject="east.orders_db",
        identity="7412345678901234567",
        evidence="Redfish says Off, restore policy AlwaysOff",
        at=BEGAN + timedelta(seconds=9.4),
        max_age=Duration(60),
        durable=kind is not ProofKind.STATEMENT,
    )


LOSS: Fields = {
    "seconds": 1.4,
    "source": "heartbeat row at west",
    "upper_bound": True,
    "behind_bytes": 8192,
}


def beginning(plan: Plan | None = None, **started: Any) -> Told:
    """A failover up to and with its consent."""
    started.setdefault("outage_start", BEGAN - timedelta(seconds=4.2))
    started.setdefault("outage_source", "given by --outage-since")
    told = Told(plan or failover_plan(), **started)
    told.tell(0.02, LeaseTaken(arbiter="postgresql west.orders_db", token="2026-1", holder="ann"))
    told.step("loss_now", 0.05, 0.12, seen=LOSS)
    told.tell(0.13, StepStarted(step="consent", via=Via.DIRECT))
    changes = (Change(subject="east.orders_db", before="running", after="off"),)
    told.tell(0.14, ConsentAsked(step="consent", what="approval", of="incident_commander",
                                 text="Fence east and promote west", changes=changes))  # fmt: skip
    return told


def consented(plan: Plan | None = None, **started: Any) -> Told:
    """A failover that was consented to by its own requester."""
    told = beginning(plan, **started)
    told.tell(
        8.3,
        ConsentGiven(
            step="consent",
            decision="approved",
            by="ann",
            self_consented=True,
            reason="east is dark",
        ),
    )
    return told.tell(8.31, StepEnded(step="consent", outcome=Outcome.SUCCEEDED, via=Via.DIRECT,
                                     seconds=8.18))  # fmt: skip


def met(plan: Plan | None = None, loss: Fields | None = None, **started: Any) -> Told:
    """A failover that met its objectives, one step run directly, one over its budget."""
    told = consented(plan, **started)
    told.step("fence", 8.33, 9.5, Change(subject="east_db", before="On", after="Off"),
              proofs=(proof(),), seen={"state": "Off", "restore_policy": "AlwaysOff"})  # fmt: skip
    seen = {"role": "primary", "timeline": 2, "loss": loss or LOSS}
    told.step("promote", 9.51, 9.63, Change(subject="west.orders_db", before="standby",
              after="primary"), seen=seen)  # fmt: skip
    told.step("redirect", 9.64, 9.66, Change(subject="orders.lab.test at ns_west",
              before="127.0.1.1", after="127.0.2.1"), via=Via.DIRECT,
              why="Prefect had not started it within 250 ms")  # fmt: skip
    told.step("dns_agrees", 9.67, 10.2, seen={"servers": ["ns_west"], "unreachable": ["ns_east"]})
    told.step("orders_accepted", 9.67, 10.1, answered=9.8, seen={"accepted": 3, "status": 201})
    told.step("tell_people", 10.2, 10.3, outcome=Outcome.FAILED, reason="slack: no answer in 2 s")
    return told.tell(10.31, Warned(about="executor", text="step redirect ran directly"))


def ended(told: Told, outcome: Outcome, code: int, world: World, *verdicts: Verdict) -> list[Event]:
    """The run's end."""
    told.tell(10.4, RunEnded(outcome=outcome, exit_code=code, world=world, verdicts=verdicts))
    return told.tell(10.41, LeaseEnded(lost=False)).events


def verdict(objective: str, measured: float | None, *, ok: bool | None, **more: Any) -> Verdict:
    limit = Duration(300) if objective == "rto" else Duration(10)
    fields = {"objective": objective, "limit": limit, "measured_seconds": measured, "met": ok}
    return Verdict.model_validate({**fields, **more})


def failover_met() -> list[Event]:
    return ended(
        met(), Outcome.SUCCEEDED, 0, World.RECOVERED,
        verdict("rto", 14.0, ok=True),
        verdict("rpo", 1.4, ok=True, upper_bound=True, note="heartbeat row at west"),
    )  # fmt: skip


def failover_not_measured() -> list[Event]:
    told = met(outage_start=None, outage_source="not measured")
    return ended(
        told, Outcome.SUCCEEDED, 6, World.RECOVERED,
        verdict("rto", None, ok=None, note="the outage's start is not known"),
        verdict("rpo", 14.0, ok=False, upper_bound=True, note="heartbeat row at west"),
    )  # fmt: skip


def failover_on_a_statement() -> list[Event]:
    """Fenced by a person's word, then the promotion failed."""
    told = consented()
    said = Statement(by="ben", reason="I pulled <both> power cords", at=BEGAN)
    told.tell(8.6, StatementMade(step="fence", statement=said))
    told.step("fence", 8.33, 9.5, proofs=(proof(ProofKind.STATEMENT),))
    told.step("promote", 9.51, 15.6, Change(subject="west.orders_db", before="standby",
              after="primary"), outcome=Outcome.FAILED, reason="still in recovery after 5 s",
              hint="look at the server's log at west")  # fmt: skip
    return ended(
        told, Outcome.FAILED, 1, World.IN_DOUBT,
        verdict("rto", None, ok=None, note="no success was seen from outside"),
        verdict("rpo", None, ok=None, note="not looked at"),
    )  # fmt: skip


def failover_under_way() -> list[Event]:
    return beginning().events


def failover_dry() -> list[Event]:
    told = Told(failover_plan(), Mode.DRY_RUN)
    told.step("loss_now", 0.05, 0.12, seen=LOSS)
    told.step("promote", 0.2, 0.3, Change(subject="west.orders_db", before="standby",
              after="primary"))  # fmt: skip
    told.step("dns_agrees", 0.3, 0.3, outcome=Outcome.SKIPPED, reason="will be checked")
    return ended(told, Outcome.SUCCEEDED, 0, World.UNTOUCHED)
