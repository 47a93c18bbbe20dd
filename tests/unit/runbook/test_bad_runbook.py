"""The runbook rows of the bad-input list: each gives its place, its reason and its fix."""

# ruff: noqa: E501 - messages stand as they are told

from __future__ import annotations

from typing import NamedTuple

import pytest
from good_documents import RUNBOOK, Change, Lint

LOSS = '    - {step: loss_now, check: postgresql.data_loss, at: to, max: "{{ objectives.rpo }}"}\n'
CONSENT = (
    "    - {step: consent, approval: {of: incident_commander, budget: 1m, otherwise: abort}}\n"
)
FENCE = "    - {step: fence, action: postgresql.fence, at: from, budget: 20s, deadline: 60s}\n"
PROMOTE = "    - {step: promote, action: postgresql.promote, at: to}\n"
MOVE = "    - use: move_clients\n"
REF = '{secret: "env:NAME"}, {secret: "file:PATH"} or {secret: "command:PROGRAM"}'
IN_A_FILE = (
    "leave it in a file on the host, that the command reads itself, and name the file: "
    "PGPASSFILE, curl --netrc-file"
)
UNIT = "write a number with its unit, as in 30s, 5m or 2h"


class Row(NamedTuple):
    """Changes to the good runbook, and what is told of them."""

    changes: list[Change]
    told: list[str]


def note(text: str) -> list[Change]:
    """The promotion with a note."""
    return [(PROMOTE, PROMOTE.replace("at: to}", f"at: to, note: {text}}}"))]


def extra(line: str) -> list[Change]:
    """One more step before the fence, in line 15."""
    return [(FENCE, f"    - {line}\n{FENCE}")]


ROWS: dict[str, Row] = {
    "unknown key": Row(
        [("strategy:", "stratgy:")],
        ["3:1: unknown key stratgy\n  hint: did you mean strategy?"],
    ),
    "unknown key of a step": Row(
        [(PROMOTE, PROMOTE.replace("at: to", "at: to, max_data_los: 3s"))],
        ["16:59: step promote: unknown key max_data_los\n  hint: did you mean max_data_loss?"],
    ),
    "unknown key of the engine": Row(
        [("deadline: 60s", "dedline: 60s")],
        ["15:70: step fence: unknown key dedline\n  hint: did you mean deadline?"],
    ),
    "unknown key of an approval": Row(
        [("otherwise: abort", "otherwize: abort")],
        ["14:70: step consent: unknown key otherwize\n  hint: did you mean otherwise?"],
    ),
    "unknown key under with": Row(
        extra("{step: a, check: http.answers, with: {maxx: 1s}}"),
        ["15:45: step a: unknown key maxx\n  hint: did you mean max?"],
    ),
    "key twice, beside and with": Row(
        extra("{step: a, check: http.answers, max: 1s, with: {max: 2s}}"),
        ["15:54: step a: key max stands twice"],
    ),
    "negative duration": Row(
        [("budget: 20s", "budget: -5s")],
        [f"15:65: step fence: budget: '-5s' is a negative duration\n  hint: {UNIT}"],
    ),
    "zero duration": Row(
        [("budget: 20s", "budget: 0s")],
        ["15:65: step fence: budget is 0s, expected more than nothing"],
    ),
    "infinite duration": Row(
        [("budget: 20s", "budget: .inf")],
        ['15:65: .inf is not a finite number\n  hint: ".inf" is text'],
    ),
    "infinite in words": Row(
        [("budget: 20s", "budget: inf")],
        [f"15:65: step fence: budget: 'inf' is not a duration\n  hint: {UNIT}"],
    ),
    "duration without a unit": Row(
        [("budget: 20s", "budget: 20")],
        [f"15:65: step fence: budget: '20' is not a duration\n  hint: {UNIT}"],
    ),
    "an action's duration without a unit": Row(
        [("max: 0s, deadline", "max: 0, deadline")],
        [f"26:69: step caught_up: max: '0' is not a duration\n  hint: {UNIT}"],
    ),
    "objective that is nothing": Row(
        [("rto: 5m", "rto: 0s")],
        ["6:19: objectives: rto is 0s, expected more than nothing"],
    ),
    "deadline shorter than budget": Row(
        [("deadline: 60s", "deadline: 10s")],
        ["15:80: step fence: deadline 10s is shorter than budget 20s"],
    ),
    "text for a number": Row(
        [("passes: 3", "passes: on")],
        ["10:52: step answers: passes is 'on', expected a whole number from 1 to 10000"],
    ),
    "on for a flag": Row(
        [("passes: 3", "repeatable: on")],
        [
            "10:56: step answers: repeatable is 'on', expected true or false\n  hint: write true",
        ],
    ),
    "on for an action's flag": Row(
        [(PROMOTE, PROMOTE.replace("at: to", "at: to, loudly: on"))],
        ["16:67: step promote: loudly is 'on', expected true or false\n  hint: write true"],
    ),
    "duplicate step": Row(
        [("step: fence", "step: consent")],
        [
            (
                "15:8: step consent stands twice in procedure failover, here and in line 14\n"
                "  hint: rename one of them"
            )
        ],
    ),
    "a block used twice": Row(
        [(MOVE, MOVE + MOVE)],
        [
            (
                "9:8: step redirect stands twice in procedure failover\n"
                "  hint: {use: BLOCK, as: NAME} where it is used again"
            ),
            (
                "10:8: step answers stands twice in procedure failover\n"
                "  hint: {use: BLOCK, as: NAME} where it is used again"
            ),
        ],
    ),
    "step and group of one name": Row(
        [(MOVE, "    - {use: move_clients, as: promote}\n")],
        [
            (
                "16:8: step promote: its name is that of a group of steps too\n"
                "  hint: rename one of them"
            )
        ],
    ),
    "a name that is none": Row(
        [("step: fence", "step: Fence-East")],
        [
            (
                "15:14: step Fence-East: step 'Fence-East' is not a name: small letters, digits and "
                "underscores, a letter first\n  hint: write fence_east"
            )
        ],
    ),
    "unknown block": Row(
        [("use: move_clients", "use: move_client")],
        ["17:7: unknown block move_client\n  hint: did you mean move_clients?"],
    ),
    "blocks that use each other": Row(
        [
            ("    - {step: redirect", "    - use: other\n    - {step: redirect"),
            ("procedures:\n", "  other:\n    - use: move_clients\nprocedures:\n"),
        ],
        [
            (
                "13:7: blocks use each other: move_clients -> other -> move_clients\n"
                "  hint: break the circle"
            )
        ],
    ),
    "a block never used": Row(
        [("procedures:\n", "  other:\n    - {step: a, check: http.answers}\nprocedures:\n")],
        ["11:3: block other is never used\n  hint: remove it"],
    ),
    "promote with no fence before it": Row(
        [(FENCE, "")],
        [
            (
                "15:8: step promote: promotes with no fence before it (procedure failover)\n"
                "  hint: put postgresql.fence (at: from) before it; a demotion is a fence too"
            )
        ],
    ),
    "a fence beside the promotion": Row(
        [
            (FENCE, f"    - parallel:\n    {FENCE}"),
            (PROMOTE, f"    {PROMOTE}"),
        ],
        [
            (
                "17:12: step promote: promotes with no fence before it (procedure failover)\n"
                "  hint: put postgresql.fence (at: from) before it; a demotion is a fence too"
            )
        ],
    ),
    "a fence that may not run": Row(
        [("budget: 20s, deadline: 60s", 'when: "{{ steps.loss_now.done }}"')],
        [
            (
                "16:8: step promote: promotes with no fence before it (procedure failover)\n"
                "  hint: put postgresql.fence (at: from) before it; a demotion is a fence too"
            )
        ],
    ),
    "a fence that may fail": Row(
        [("budget: 20s, deadline: 60s", "on_failure: continue")],
        [
            (
                "16:8: step promote: promotes with no fence before it (procedure failover)\n"
                "  hint: put postgresql.fence (at: from) before it; a demotion is a fence too"
            )
        ],
    ),
    "a fence of what is promoted": Row(
        [("at: from, budget: 20s", "at: to, budget: 20s")],
        [
            (
                "16:8: step promote: promotes at to, which step fence fences (procedure failover)\n"
                "  hint: fence at from, promote at to"
            )
        ],
    ),
    "one-way without an approval": Row(
        [(CONSENT, ""), (MOVE, "")],
        [
            (
                "14:8: step fence: cannot be taken back and has no approval before it "
                "(procedure failover)\n"
                "  hint: put {step: consent, approval: {of: ROLE, budget: 1m}} before it"
            ),
            (
                "15:8: step promote: cannot be taken back and has no approval before it "
                "(procedure failover)\n"
                "  hint: put {step: consent, approval: {of: ROLE, budget: 1m}} before it"
            ),
        ],
    ),
    "redirect before promote": Row(
        [(PROMOTE + MOVE, MOVE + PROMOTE)],
        [
            (
                "9:8: step redirect: moves clients before the promotion in step promote "
                "(procedure failover)\n  hint: put it after promote"
            )
        ],
    ),
    "an approval between fence and verify": Row(
        [(CONSENT, ""), (FENCE, FENCE + CONSENT)],
        [
            (
                "14:8: step fence: cannot be taken back and has no approval before it "
                "(procedure failover)\n"
                "  hint: put {step: consent, approval: {of: ROLE, budget: 1m}} before it"
            ),
            (
                "15:8: step consent: is an approval between the fence in step fence and the "
                "verification (procedure failover)\n"
                "  hint: ask before the fence, or after the service was verified"
            ),
        ],
    ),
    "a manual step between fence and verify": Row(
        [(PROMOTE, f'{PROMOTE}    - {{step: look, manual: "Look around."}}\n')],
        [
            (
                "17:8: step look: is a manual step between the fence in step fence and the "
                "verification (procedure failover)\n"
                "  hint: ask before the fence, or after the service was verified"
            )
        ],
    ),
    "a manual step beside the promotion": Row(
        [
            (PROMOTE, f"    - parallel:\n    {PROMOTE}"),
            (MOVE, f'        - {{step: look, manual: "Look around."}}\n{MOVE}'),
        ],
        [
            (
                "18:12: step look: is a manual step between the fence in step fence and the "
                "verification (procedure failover)\n"
                "  hint: ask before the fence, or after the service was verified"
            )
        ],
    ),
    "unwinding across the promotion": Row(
        [(PROMOTE, PROMOTE.replace("at: to", "at: to, on_failure: unwind"))],
        [
            (
                "16:59: step promote: would unwind across the promotion in step promote "
                "(procedure failover)\n"
                "  hint: after the promotion there is only forward: on_failure: stop or ask"
            )
        ],
    ),
    "no failback and no waiver": Row(
        [("  failback: {switchover: to_preferred}\n", "")],
        [
            (
                "11:1: there is no way back: no failback\n"
                '  hint: failback: {switchover: to_preferred}, or waivers: {failback: "why"}'
            )
        ],
    ),
    "failback without switchover": Row(
        [(RUNBOOK[RUNBOOK.index("  switchover:") : RUNBOOK.index("  reprotect:")], "")],
        ["21:3: procedures: failback goes the way of switchover; there is none"],
    ),
    "budgets over the RTO": Row(
        [("budget: 20s, deadline: 60s", "budget: 4m, deadline: 5m")],
        [
            (
                "12:3: procedure failover: budgets on the critical path add up to 5m10s, more than "
                "the rto of 5m\n  hint: consent 1m, fence 4m, redirect 10s"
            )
        ],
    ),
    "budgets over the downtime": Row(
        [
            (
                "action: postgresql.demote, at: from",
                "action: postgresql.demote, at: from, budget: 1m",
            )
        ],
        [
            (
                "18:3: procedure switchover: budgets on the critical path add up to 1m10s, more than "
                "the downtime of 1m\n  hint: demote 1m, redirect 10s"
            )
        ],
    ),
    "reference to a step that is not upstream": Row(
        [("objectives.rpo", "steps.promote.seconds")],
        [
            (
                "13:66: step loss_now: template speaks of step promote, which does not come before "
                "it\n  hint: only what is upstream can be spoken of"
            )
        ],
    ),
    "reference to an unknown step": Row(
        note('"{{ steps.los_now.seconds }}"'),
        [
            (
                "16:65: step promote: template speaks of the unknown step los_now\n"
                "  hint: did you mean loss_now?"
            )
        ],
    ),
    "reference to a field that is not given": Row(
        note('"{{ steps.loss_now.secs }}"'),
        ["16:65: step promote: step loss_now gives no field secs\n  hint: did you mean seconds?"],
    ),
    "reference below a field": Row(
        note('"{{ steps.loss_now.seconds.real }}"'),
        ["16:65: step promote: seconds has no field real"],
    ),
    "reference to a whole step": Row(
        note('"{{ steps.loss_now }}"'),
        [
            (
                "16:65: step promote: template speaks of step loss_now as a whole\n"
                "  hint: it gives done, seconds, lag, note, ports"
            )
        ],
    ),
    "reference to an approval": Row(
        note('"{{ steps.consent.by }}"'),
        ["16:65: step promote: template speaks of step consent, which gives no fields"],
    ),
    "reference that does not fit": Row(
        [(PROMOTE, PROMOTE.replace("to}", 'to, after: "{{ steps.loss_now.seconds }}"}'))],
        [
            (
                "16:66: step promote: after does not take a number, which steps.loss_now.seconds is\n"
                '  hint: after: "{{ steps.loss_now.seconds }}s"'
            )
        ],
    ),
    "reference to a step that may be skipped": Row(
        [
            ('at: to, max: "{{ objectives.rpo }}"', 'at: to, when: "{{ objectives.rpo != 0 }}"'),
            *note('"{{ steps.loss_now.note }} {{ steps.loss_now.lag | default(0) }}"'),
        ],
        [
            (
                "16:65: step promote: template speaks of step loss_now, which may be skipped\n"
                "  hint: give it | default(...), or the same when"
            )
        ],
    ),
    "objective that is not set": Row(
        [("rpo: 10s, ", "")],
        [
            (
                "13:66: step loss_now: template speaks of objectives.rpo, which the runbook does not "
                "set\n  hint: objectives: {rpo: 5m}"
            )
        ],
    ),
    "unknown name": Row(
        note('"{{ from.name }}"'),
        [
            (
                "16:65: step promote: template speaks of the unknown from.name\n"
                "  hint: did you mean from_site?"
            )
        ],
    ),
    "unknown parameter": Row(
        note('"{{ params.x }}"'),
        ["16:65: step promote: template speaks of params.x, which is not there"],
    ),
    "template that calls": Row(
        note('"{{ steps.loss_now.note.upper() }}"'),
        [
            (
                "16:65: step promote: template calls something\n"
                "  hint: a template is only {{ an expression }}, without calls or statements"
            )
        ],
    ),
    "template with a statement": Row(
        note('"{% set x = 1 %}{{ x }}"'),
        [
            (
                "16:65: step promote: template has a statement\n"
                "  hint: a template is only {{ an expression }}, without calls or statements"
            )
        ],
    ),
    "template that reaches into internals": Row(
        note('"{{ steps.loss_now.__class__ }}"'),
        ["16:65: step promote: template reaches into internals: __class__"],
    ),
    "template that looks up": Row(
        note("\"{{ steps['loss_now'].note }}\""),
        ["16:65: step promote: template looks up by a key\n  hint: write a.b instead of a['b']"],
    ),
    "template that is not readable": Row(
        note('"{{ steps. }}"'),
        ["16:65: step promote: template is not readable: expected name or number"],
    ),
    "condition that is no expression": Row(
        [(PROMOTE, PROMOTE.replace("at: to", "at: to, when: params.x"))],
        ['16:65: step promote: when is not one whole expression\n  hint: when: "{{ params.x }}"'],
    ),
    "place that depends on a step": Row(
        [(PROMOTE, PROMOTE.replace("at: to", 'at: "{{ steps.loss_now.note }}"'))],
        [
            (
                "16:55: step promote: at cannot depend on an earlier step\n"
                "  hint: the place is known when planned"
            )
        ],
    ),
    "secret in clear": Row(
        extra("{step: a, action: ssh.run, at: to, argv: [x], password: hunter2}"),
        [f"15:63: step a: password is a secret in clear\n  hint: {REF}"],
    ),
    "secret in a URL": Row(
        extra('{step: a, check: http.answers, url: "https://me:hunter2@x.test"}'),
        [f"15:43: step a: url is a URL with a password in clear\n  hint: {REF}"],
    ),
    "secret in an argument": Row(
        extra("{step: a, action: ssh.run, at: to, argv: [x, --password=hunter2]}"),
        [f"15:52: step a: argv.1 gives a secret in clear\n  hint: {IN_A_FILE}"],
    ),
    "secret in a header": Row(
        extra("{step: a, check: http.answers, with: {headers: {Authorization: Bearer hunter2}}}"),
        [
            "15:45: step a: unknown key headers",
            f"15:70: step a: Authorization is a secret in clear\n  hint: {REF}",
        ],
    ),
    "private key in clear": Row(
        note('"-----BEGIN OPENSSH PRIVATE KEY-----\\nabc"'),
        [f"16:65: step promote: note holds a private key in clear\n  hint: {REF}"],
    ),
    "unknown action": Row(
        [("postgresql.fence", "postgresql.fense")],
        [
            "15:29: step fence: unknown action postgresql.fense\n  hint: did you mean postgresql.fence?"
        ],
    ),
    "unknown action unlike any": Row(
        extra("{step: a, action: teapot.boil}"),
        ["15:25: step a: unknown action teapot.boil\n  hint: drtool actions lists them all"],
    ),
    "check called an action": Row(
        [("check: postgresql.data_loss, at: to", "action: postgresql.data_loss, at: to")],
        [
            (
                "13:24: step loss_now: postgresql.data_loss is a check, not an action\n"
                "  hint: write check: postgresql.data_loss"
            )
        ],
    ),
    "misspelt kind": Row(
        [("action: postgresql.fence", "acton: postgresql.fence")],
        [
            (
                "15:8: step fence: says nothing to do: none of action, check, notice, approval or "
                "manual\n  hint: did you mean action?"
            )
        ],
    ),
    "two kinds in one": Row(
        [("action: postgresql.fence", "manual: x, action: postgresql.fence")],
        ["15:21: step fence: action and manual in one step\n  hint: a step does one thing"],
    ),
    "step without a name": Row(
        extra("{check: http.answers}"),
        ["15:7: step is missing\n  hint: every step has a name: {step: NAME, ...}"],
    ),
    "entry of no form": Row(
        extra("{parralel: []}"),
        [
            (
                "15:7: an entry has one of step, use, parallel, each or ramp\n"
                "  hint: did you mean parallel?"
            )
        ],
    ),
    "missing field": Row(
        extra("{step: a, action: ssh.run, at: to}"),
        ["15:8: step a: argv is missing"],
    ),
    "wrong field": Row(
        extra("{step: a, action: ssh.run, at: to, argv: ls}"),
        ["15:48: step a: argv is 'ls', expected a list"],
    ),
    "missing place": Row(
        extra("{step: a, action: ssh.run, argv: [ls]}"),
        ["15:8: step a: at is missing: ssh.run acts on a host\n  hint: at: to"],
    ),
    "unknown site": Row(
        [("at: to, max", "at: wset, max")],
        ["13:57: step loss_now: at speaks of the unknown site wset\n  hint: did you mean west?"],
    ),
    "unknown system": Row(
        [("at: to, max", "at: to.orders, max")],
        ["13:57: step loss_now: site east has no system orders\n  hint: did you mean orders_db?"],
    ),
    "purpose of what has one": Row(
        [(PROMOTE, PROMOTE.replace("at: to", "at: to, purpose: verify"))],
        [
            (
                "16:59: step promote: postgresql.promote has the purpose promote and no other\n"
                "  hint: only commands and manual steps may set it"
            )
        ],
    ),
    "unknown purpose": Row(
        extra("{step: a, manual: x, purpose: verfy}"),
        [
            (
                "15:37: step a: purpose is 'verfy', expected assess, provision, restore, fence, "
                "promote, scale, redirect, verify, announce, reprotect, drain or refill\n"
                "  hint: did you mean verify?"
            )
        ],
    ),
    "repeatable that looks first": Row(
        [("deadline: 60s", "repeatable: true")],
        [
            (
                "15:70: step fence: repeatable is for commands; postgresql.fence looks before it "
                "acts\n  hint: remove it"
            )
        ],
    ),
    "unknown role": Row(
        [("of: incident_commander", "of: commander")],
        [
            (
                "14:38: step consent: role commander is not in the inventory\n"
                "  hint: did you mean incident_commander?"
            )
        ],
    ),
    "unknown service": Row(
        [("service: orders", "service: order")],
        ["5:10: service order is not in the inventory\n  hint: did you mean orders?"],
    ),
    "unknown procedure": Row(
        [("  reprotect:", "  reprotct:")],
        ["24:3: procedures: unknown procedure reprotct\n  hint: did you mean reprotect?"],
    ),
    "unknown strategy": Row(
        [("hot-standby", "hot-stanby")],
        [
            (
                "3:11: strategy is 'hot-stanby', expected cold-standby, warm-standby, pilot-light, "
                "hot-standby or active-active\n  hint: did you mean hot-standby?"
            )
        ],
    ),
    "missing version": Row(
        [("version: 1\n", "")],
        ["1:1: version is missing\n  hint: version: 1"],
    ),
    "version of the future": Row(
        [("version: 1", "version: 2")], ["1:10: version is 2, expected 1"]
    ),
    "inventory that is not there": Row(
        [("inventory.yaml", "no.yaml")],
        ["4:12: inventory no.yaml is not there\n  hint: --inventory FILE"],
    ),
    "variable that hides a name": Row(
        [
            (
                FENCE,
                "    - {each: service, in: [a], steps: [{step: x, check: http.answers}]}\n" + FENCE,
            )
        ],
        ["15:8: the variable service hides a name that templates have\n  hint: name it otherwise"],
    ),
    "several at once, sorted": Row(
        [
            ("strategy:", "stratgy:"),
            ("budget: 20s", "budget: 20"),
            ("use: move_clients", "use: move_client"),
            ("at: to, max: 0s", "at: to, maxx: 0s"),
        ],
        [
            "3:1: unknown key stratgy\n  hint: did you mean strategy?",
            f"15:65: step fence: budget: '20' is not a duration\n  hint: {UNIT}",
            "17:7: unknown block move_client\n  hint: did you mean move_clients?",
            "19:60: step in_step: unknown key maxx\n  hint: did you mean max?",
        ],
    ),
}


@pytest.mark.parametrize(("changes", "told"), ROWS.values(), ids=ROWS.keys())
def test_told_with_place_reason_and_fix(changes: list[Change], told: list[str], lint: Lint) -> None:
    assert lint(*changes) == [f"orders.yaml:{line}" for line in told]


def test_the_good_runbook_is_clean(lint: Lint) -> None:
    assert lint() == []


def test_a_waiver_stands_for_the_way_back(lint: Lint) -> None:
    without = ("  failback: {switchover: to_preferred}\n", 'waivers: {failback: "one way"}\n')
    assert lint(without) == []


def test_no_secret_is_repeated(lint: Lint) -> None:
    told = lint(
        *extra("{step: a, action: ssh.run, at: to, argv: [x, --token=hunter2], password: hunter2}")
    )
    assert len(told) == 2
    assert "hunter2" not in "".join(told)
