"""What stands before a promotion that can never be, and before clients that must not be moved."""

from __future__ import annotations

import pytest
from good_documents import Change, Lint

from drtool.catalog import Catalog

FENCE = "    - {step: fence, action: postgresql.fence, at: from, budget: 20s, deadline: 60s}\n"
PROMOTE = "    - {step: promote, action: postgresql.promote, at: to}\n"
REDIRECT = "    - {step: redirect, action: dns.redirect, budget: 10s}\n"
OFF = "    - {step: cut, action: power.off, at: from}\n"
RUN = "    - {step: stop, action: ssh.run, at: from, argv: [stop], purpose: fence}\n"
BY_HAND = '    - {step: pull, manual: "Pull the plug.", purpose: fence}\n'
ASKED = "{{ steps.loss_now.seconds < 5 }}"


@pytest.fixture
def catalog() -> Catalog:
    """The real actions: which of them prove what is the question."""
    return Catalog.load()


def patroni(text: str) -> str:
    return text.replace("postgresql.", "patroni.")


def about_order(told: list[str]) -> list[str]:
    """What is told but for places: the inventory has no cluster."""
    return [line for line in told if "actions on it begin with" not in line]


def promotion(keys: str, of: str = PROMOTE) -> Change:
    """The promotion, or another step, with more keys."""
    return of, of.replace("}\n", f", {keys}}}\n")


def no_proof(step: str, what: str, kind: str = "postgresql", keys: str = "at: from") -> str:
    """What is told of a promotion whose only fence proves nothing of a database."""
    return (
        f"orders.yaml:16:8: step promote: would be refused after the fence in step {step}: {what} "
        f"gives no proof of a {kind} system (procedure failover)\n"
        f"  hint: put {kind}.fence ({keys}) before it; {step} may stand besides"
    )


UNPROVEN: dict[str, tuple[list[Change], list[str]]] = {
    "power.off": (
        [(FENCE, OFF)],
        [no_proof("cut", "power.off", keys="at: from, paths: [power]")],
    ),
    "a command": ([(FENCE, RUN)], [no_proof("stop", "ssh.run")]),
    "power.off for a cluster": (
        [(FENCE, OFF), (PROMOTE, patroni(PROMOTE))],
        [no_proof("cut", "power.off", "patroni", "at: from, paths: [power]")],
    ),
    "a server's fence for a cluster": (
        [(PROMOTE, patroni(PROMOTE))],
        [no_proof("fence", "postgresql.fence", "patroni")],
    ),
    "a cluster's fence for a server": (
        [(FENCE, patroni(FENCE))],
        [no_proof("fence", "patroni.fence")],
    ),
    "power.off, and a fence that may fail": (
        [
            (
                FENCE,
                promotion("on_failure: continue", FENCE)[1].replace("step: fence", "step: soft")
                + OFF,
            )
        ],
        [no_proof("cut", "power.off", keys="at: from, paths: [power]").replace(":16:8:", ":17:8:")],
    ),
}


@pytest.mark.parametrize(("changes", "told"), UNPROVEN.values(), ids=UNPROVEN.keys())
def test_a_fence_that_proves_nothing_of_a_database_lets_no_promotion_through(
    changes: list[Change], told: list[str], lint: Lint
) -> None:
    assert about_order(lint(*changes)) == told


def test_a_manual_step_proves_nothing_of_a_database(lint: Lint) -> None:
    told = lint((FENCE, BY_HAND))
    assert no_proof("pull", "a manual step") in told


PROVEN: dict[str, list[Change]] = {
    "power.off besides": [(FENCE, OFF + FENCE)],
    "power.off after it": [(FENCE, FENCE + OFF)],
    "a command besides": [(FENCE, FENCE + RUN)],
    "the power alone, by the database's own fence": [promotion("paths: [power]", FENCE)],
    "a demotion": [(FENCE, FENCE.replace("postgresql.fence", "postgresql.demote"))],
    "a cluster's own fence": [(FENCE, patroni(FENCE)), (PROMOTE, patroni(PROMOTE))],
    "a cluster's own demotion": [
        (FENCE, patroni(FENCE).replace("patroni.fence", "patroni.demote")),
        (PROMOTE, patroni(PROMOTE)),
    ],
    "any fence where a command promotes": [
        (FENCE, OFF),
        (PROMOTE, "    - {step: promote, action: ssh.run, at: to, argv: [x], purpose: promote}\n"),
    ],
}


@pytest.mark.parametrize("changes", PROVEN.values(), ids=PROVEN.keys())
def test_a_fence_of_the_very_kind_does(changes: list[Change], lint: Lint) -> None:
    assert about_order(lint(*changes)) == []


def test_a_fence_whose_name_is_misspelt_is_only_that(lint: Lint) -> None:
    (told,) = lint((FENCE, FENCE.replace("postgresql.fence", "postgresql.fense")))
    assert "unknown action postgresql.fense" in told


def vain(what: str, hint: str, step: str = "promote") -> list[str]:
    done = "promotion" if step == "promote" else "restore"
    place = "orders.yaml:9:8: step redirect"
    told = f"moves clients although the {done} in step {step} {what} (procedure failover)"
    return [f"{place}: {told}\n  hint: {hint}"]


RESTORE = "    - {step: refill, action: ssh.run, at: to, argv: [x], purpose: restore}\n"
COLD = [("strategy: hot-standby\n", "# any strategy\n"), (PROMOTE, RESTORE)]
HOLD = "stop or ask holds the clients back"
IN_VAIN: dict[str, tuple[list[Change], list[str]]] = {
    "a promotion that may fail": (
        [promotion("on_failure: continue")],
        vain("may fail", f"take on_failure: continue from promote; {HOLD}"),
    ),
    "a promotion with a condition of its own": (
        [promotion(f'when: "{ASKED}"')],
        vain("may be skipped", "give both the same when, or promote none"),
    ),
    "a redirect with another condition": (
        [
            promotion(f'when: "{ASKED}"'),
            promotion('when: "{{ steps.loss_now.seconds < 9 }}"', REDIRECT),
            ("switchover:\n    - {step: in_step", "switchover:\n    - {step: loss_now"),
        ],
        vain("may be skipped", "give both the same when, or promote none"),
    ),
    "a restore that may fail": (
        [*COLD, promotion("on_failure: continue", RESTORE)],
        vain("may fail", f"take on_failure: continue from refill; {HOLD}", "refill"),
    ),
    "a restore with a condition of its own": (
        [*COLD, promotion(f'when: "{ASKED}"', RESTORE)],
        vain("may be skipped", "give both the same when, or refill none", "refill"),
    ),
}


@pytest.mark.parametrize(("changes", "told"), IN_VAIN.values(), ids=IN_VAIN.keys())
def test_clients_are_not_moved_to_what_may_not_have_been_promoted(
    changes: list[Change], told: list[str], lint: Lint
) -> None:
    assert lint(*changes) == told


SURE: dict[str, list[Change]] = {
    "one that a person is asked about": [promotion("on_failure: ask")],
    "one that is tried again": [promotion("attempts: 3, deadline: 2m")],
    "one that stops the run": [promotion("on_failure: stop")],
    "one with the redirect's own condition": [
        promotion(f'when: "{ASKED}"'),
        promotion(f'when: "{ASKED}"', REDIRECT),
        ("switchover:\n    - {step: in_step", "switchover:\n    - {step: loss_now"),
    ],
    "one whose redirect may be left out": [
        promotion(f'when: "{ASKED}"', REDIRECT),
        ("switchover:\n    - {step: in_step", "switchover:\n    - {step: loss_now"),
    ],
    "a restore that stops the run": COLD,
}


@pytest.mark.parametrize("changes", SURE.values(), ids=SURE.keys())
def test_clients_follow_a_promotion_that_is_sure(changes: list[Change], lint: Lint) -> None:
    assert lint(*changes) == []


def test_a_condition_that_cannot_be_read_is_only_that(lint: Lint) -> None:
    (told,) = lint(
        promotion(f'when: "{ASKED}"'),
        promotion("when: params.x", REDIRECT),
    )
    assert "when is not one whole expression" in told
