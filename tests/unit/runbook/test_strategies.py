"""What each strategy asks, and the warnings about order."""

# ruff: noqa: ISC004 - messages stand as they are told

from __future__ import annotations

import pytest
from good_documents import Lint, Load

HEAD = """\
version: 1
runbook: orders
strategy: {strategy}
inventory: inventory.yaml
service: orders
waivers: {{failback: "a test"}}
procedures:
"""
CONSENT = "{step: consent, approval: {of: incident_commander, budget: 1m}}"
FENCE = "{step: fence, action: postgresql.fence, at: from}"
PROMOTE = "{step: promote, action: postgresql.promote, at: to}"
REDIRECT = "{step: redirect, action: dns.redirect}"
LOOK = "{step: look, check: http.answers}"
ROOM = "{step: room, check: http.answers, at: others}"


def command(purpose: str, name: str = "") -> str:
    return f"{{step: {name or purpose}, action: ssh.run, at: to, argv: [x], purpose: {purpose}}}"


def lenient(step: str) -> str:
    return f"{step[:-1]}, on_failure: continue}}"


def sometimes(step: str) -> str:
    return step[:-1] + """, when: "{{ to_site.name == 'west' }}"}"""


def text(strategy: str, **procedures: list[str]) -> str:
    body = "".join(
        f"  {name}:\n" + "".join(f"    - {step}\n" for step in steps)
        for name, steps in procedures.items()
    )
    return HEAD.format(strategy=strategy) + body


BEFORE = [CONSENT, FENCE]
RAMP = f"{{ramp: weight, through: [50, 0], steps: [{command('drain')}]}}"
LOSE = [ROOM, CONSENT, FENCE, command("redirect", "away"), LOOK]
DRAIN = [ROOM, RAMP]
GOOD = {
    "hot-standby": text("hot-standby", failover=[*BEFORE, PROMOTE, REDIRECT, LOOK]),
    "warm-standby": text(
        "warm-standby", failover=[*BEFORE, PROMOTE, command("scale"), REDIRECT, LOOK]
    ),
    "pilot-light": text(
        "pilot-light",
        failover=[*BEFORE, command("provision"), "{step: up, check: http.answers}", REDIRECT, LOOK],
    ),
    "cold-standby": text(
        "cold-standby",
        failover=[
            *BEFORE,
            command("provision"),
            "{step: age, check: http.answers}",
            command("restore"),
            REDIRECT,
            LOOK,
        ],
    ),
    "active-active": text("active-active", drain=DRAIN, lose=LOSE),
}
BAD = {
    "hot-standby without a promotion": (
        text("hot-standby", failover=[*BEFORE, REDIRECT, LOOK]),
        ["8:3: procedure failover: hot-standby wants a step with the purpose promote"],
    ),
    "hot-standby that restores": (
        text("hot-standby", failover=[*BEFORE, command("restore"), PROMOTE, REDIRECT, LOOK]),
        [
            "11:8: step restore: restores something; a hot standby has it all "
            "(procedure failover)\n  hint: that is cold-standby"
        ],
    ),
    "warm-standby that does not scale": (
        text("warm-standby", failover=[*BEFORE, PROMOTE, REDIRECT, LOOK]),
        ["8:3: procedure failover: warm-standby wants a step with the purpose scale"],
    ),
    "warm-standby that scales too late": (
        text("warm-standby", failover=[*BEFORE, PROMOTE, REDIRECT, LOOK, command("scale")]),
        [
            "12:8: step redirect: moves clients before the standby is scaled "
            "(procedure failover)\n  hint: put a step with the purpose scale first"
        ],
    ),
    "pilot-light that starts nothing": (
        text("pilot-light", failover=[*BEFORE, REDIRECT, LOOK]),
        ["8:3: procedure failover: pilot-light wants a step with the purpose provision"],
    ),
    "pilot-light that does not wait": (
        text("pilot-light", failover=[*BEFORE, command("provision"), REDIRECT, LOOK]),
        [
            "12:8: step redirect: moves clients to what was started and not seen healthy "
            "(procedure failover)\n  hint: put a check or wait.until between them"
        ],
    ),
    "cold-standby that restores nothing": (
        text("cold-standby", failover=[*BEFORE, command("provision"), REDIRECT, LOOK]),
        ["8:3: procedure failover: cold-standby wants a step with the purpose restore"],
    ),
    "cold-standby with a backup of any age": (
        text(
            "cold-standby",
            failover=[*BEFORE, command("provision"), command("restore"), REDIRECT, LOOK],
        ),
        [
            "12:8: step restore: restores a backup whose age nobody judged (procedure failover)\n"
            "  hint: put a check of the backup's age before it, with objectives.rpo as its limit"
        ],
    ),
    "warm-standby that may go on unscaled": (
        text(
            "warm-standby",
            failover=[*BEFORE, PROMOTE, lenient(command("scale")), REDIRECT, LOOK],
        ),
        [
            "13:8: step redirect: moves clients although step scale may fail (procedure failover)\n"
            "  hint: take on_failure: continue from scale"
        ],
    ),
    "cold-standby that may have provisioned nothing": (
        text(
            "cold-standby",
            failover=[
                *BEFORE,
                sometimes(command("provision")),
                "{step: age, check: http.answers}",
                command("restore"),
                REDIRECT,
                LOOK,
            ],
        ),
        [
            "13:8: step restore: is to restore although step provision may be skipped "
            "(procedure failover)\n  hint: give both the same when, or provision none"
        ],
    ),
    "cold-standby with a check of the backup's age that may fail": (
        text(
            "cold-standby",
            failover=[
                *BEFORE,
                command("provision"),
                lenient("{step: age, check: http.answers}"),
                command("restore"),
                REDIRECT,
                LOOK,
            ],
        ),
        [
            "13:8: step restore: restores a backup whose age nobody judged (procedure failover)\n"
            "  hint: put a check of the backup's age before it, with objectives.rpo as its limit"
        ],
    ),
    "active-active that fails over": (
        text("active-active", drain=DRAIN, lose=LOSE, failover=[CONSENT]),
        [
            "17:3: procedure failover has no place in active-active\n"
            "  hint: active-active has drain, lose and refill"
        ],
    ),
    "active-active that cannot lose": (
        text("active-active", drain=DRAIN),
        ["7:1: active-active wants a procedure lose; there is none"],
    ),
    "active-active that drains at once": (
        text("active-active", drain=[command("drain")], lose=LOSE),
        ["8:3: procedure drain: drains all at once\n  hint: ramp: weight, through: [50, 10, 0]"],
    ),
    "active-active that loses in stages": (
        text("active-active", drain=DRAIN, lose=[ROOM, CONSENT, FENCE, RAMP, LOOK]),
        ["15:49: step drain: stands in a ramp; a lost site is left all at once (procedure lose)"],
    ),
    "active-active that does not fence": (
        text("active-active", drain=DRAIN, lose=[ROOM, CONSENT, command("redirect"), LOOK]),
        ["11:3: procedure lose: active-active wants a step with the purpose fence"],
    ),
    "active-active that does not look for room": (
        text("active-active", drain=DRAIN, lose=[CONSENT, FENCE, command("redirect"), LOOK]),
        [
            "14:8: step redirect: moves clients before the capacity of the other sites was "
            "checked (procedure lose)\n  hint: put a check at others before it"
        ],
    ),
    "drain in a hot-standby": (
        text("hot-standby", drain=[command("drain")]),
        ["8:3: procedure drain has no place in hot-standby\n  hint: that is active-active's"],
    ),
}


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD.keys())
def test_good_ones_are_clean(good: str, lint: Lint) -> None:
    assert lint(text=good) == []


@pytest.mark.parametrize(("bad", "told"), BAD.values(), ids=BAD.keys())
def test_told(bad: str, told: list[str], lint: Lint) -> None:
    assert lint(text=bad) == [f"orders.yaml:{line}" for line in told]


def test_without_a_strategy_only_the_rules_of_order_apply(lint: Lint) -> None:
    told = text("hot-standby", failover=[CONSENT, REDIRECT, LOOK])
    assert lint(text=told.replace("strategy: hot-standby\n", "")) == []


def test_a_redirect_that_nobody_sees_is_warned_of(loading: Load) -> None:
    loaded = loading(text=text("hot-standby", failover=[*BEFORE, PROMOTE, REDIRECT]))
    assert loaded.warnings == (
        "orders.yaml: procedure failover: nothing looks at the service from outside after the "
        "redirect, so that its recovery time cannot be measured; add http.answers or http.writes",
    )


def test_preparation_that_can_be_taken_back_may_come_before_consent(lint: Lint) -> None:
    start = "{step: start, action: power.on, at: to}"
    assert lint(text=text("hot-standby", failover=[start, *BEFORE, PROMOTE, REDIRECT, LOOK])) == []
