"""An entry that cannot be resolved is told once: what only follows from it is not told at all."""

from __future__ import annotations

import re

import pytest
from good_documents import RUNBOOK, Change, Lint

NAMED = list(re.finditer(r"(?:action|check): ([a-z_.]+)", RUNBOOK))
WRONG = ("teapot.boil", "postgresql.x", "postgresql.promot", "postgresql.fenc", "ssh.answers")
FOLLOWS = "    - use: move_clients\n  switchover"
SPEAKS = (
    '    - {step: told, check: http.answers, url: "{{ steps.loss_now.note }} '
    '{{ steps.fence.note }} {{ steps.promote.note }} {{ steps.redirect.note }}"}\n'
)
SPEAKER = (FOLLOWS, FOLLOWS.replace("  switchover", SPEAKS + "  switchover"))
PROMOTE = "- {step: promote, action: postgresql.promote, at: to}"
DEMOTE = "    - {step: demote, action: postgresql.demote, at: from}\n"
NO_FENCE = "step promote: promotes with no fence before it (procedure switchover)"


def told(lines: list[str]) -> list[str]:
    """The faults without their places and hints."""
    return [re.sub(r"^\S+ ", "", line.partition("\n")[0]) for line in lines]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("spot", range(len(NAMED)))
def test_an_unknown_action_is_the_only_fault(lint: Lint, spot: int, wrong: str) -> None:
    found = NAMED[spot]
    text = RUNBOOK[: found.start(1)] + wrong + RUNBOOK[found.end(1) :]
    (fault,) = told(lint(SPEAKER, text=text))
    assert f"unknown action {wrong}" in fault


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("{step: loss_now, check", "{stp: loss_now, check"), "step is missing"),
        (("{step: loss_now, check", "{step: Loss-now, check"), "step Loss-now: step 'Loss-now'"),
        (("{step: loss_now, check", "{step: loss_now, chek"), "step loss_now: says nothing to do"),
        (("check: postgresql.data_loss", "check: [1]"), "step loss_now: check is a list"),
        (("fence, action: postgresql.fence", "fence, action: 7"), "step fence: action is 7"),
        (("postgresql.fence, at: from", "postgresql.fence, at: [from]"), "step fence: at is a"),
        ((PROMOTE, "- promote"), "'promote' is no step"),
        (("- use: move_clients", "- ues: move_clients"), "an entry has one of"),
        (("- use: move_clients", "- use: move_client"), "unknown block move_client"),
        (
            ("- {step: answers", "- use: move_clients\n    - {step: answers"),
            "blocks use each other",
        ),
        (("  failback:", "  failbak:"), "procedures: unknown procedure failbak"),
        (("  switchover:", "  switchovr:"), "procedures: unknown procedure switchovr"),
        (("strategy: hot-standby", "strategy: hot"), "strategy is 'hot'"),
    ],
)
def test_an_entry_that_cannot_be_read_is_the_only_fault(
    lint: Lint, change: Change, fault: str
) -> None:
    (line,) = told(lint(SPEAKER, change))
    assert line.startswith(fault)


def test_a_block_of_another_name_is_told_where_it_is_used(lint: Lint) -> None:
    lines = told(lint(("  move_clients:", "  move_client:")))
    assert lines == ["unknown block move_clients"] * 2


def test_a_purpose_that_cannot_be_read_may_be_any(lint: Lint) -> None:
    by_hand = '    - {step: demote, manual: "stop it", purpose: fense}\n'
    (line,) = told(lint((DEMOTE, by_hand)))
    assert line.startswith("step demote: purpose is 'fense'")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("postgresql.fence", "teapot.boil"), "step fence: unknown action teapot.boil"),
        (("- {step: fence, action", "- {step: fence, acton"), "step fence: says nothing to do"),
        (("- use: move_clients", "- use: move_client"), "unknown block move_client"),
        (("  reprotect:", "  reprotct:"), "procedures: unknown procedure reprotct"),
    ],
)
def test_what_another_procedure_lacks_is_told_all_the_same(
    lint: Lint, change: Change, fault: str
) -> None:
    lines = told(lint(change, (DEMOTE, "")))
    assert sorted(line.startswith(fault) or line == NO_FENCE for line in lines) == [True, True]
    assert NO_FENCE in lines


def test_what_no_entry_could_mend_is_told_all_the_same(lint: Lint) -> None:
    """A check fences nothing, whatever its name; and a step that is known comes too early."""
    checked = ("action: postgresql.demote, at: from", "check: postgresql.demot")
    lines = told(lint(checked, ("at: to, max: 0s}", "at: to, maxx: 0s}")))
    assert NO_FENCE in lines
    assert "step in_step: unknown key maxx" in lines
    early = told(lint((PROMOTE, "- {step: told, action: slack.tel}\n    " + PROMOTE.replace(
        "}", ', note: "{{ steps.redirect.note }}"}'))))  # fmt: skip
    assert len(early) == 2
    assert "step redirect, which does not come before it" in early[1]
