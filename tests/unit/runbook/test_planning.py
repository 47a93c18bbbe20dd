"""From a loaded runbook and observed roles to a frozen plan."""

# ruff: noqa: ISC004 - messages stand as they are told

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from good_documents import EAST_KEY, INVENTORY, RUNBOOK, WEST_KEY, Change, Load

from drtool.catalog import Catalog
from drtool.errors import BadInput, Faults, Refused
from drtool.model.plan import Plan
from drtool.model.purpose import OnFailure, Procedure, Purpose, StepKind
from drtool.runbook.planning import ObservedRoles, plan
from drtool.units import Duration

LOST = ObservedRoles(standbys=("west",), unreachable=("east",))
HEALTHY = ObservedRoles(primaries=("east",), standbys=("west",))
SWAPPED = ObservedRoles(primaries=("west",), standbys=("east",))
LANGUAGE = """\
version: 1
runbook: language
service: orders
inventory: inventory.yaml
objectives: {rto: 1h, rpo: 10s}
waivers: {failback: "a test"}
parameters:
  size: {type: integer, default: 3}
  hosts: {type: list, default: [a, b, c]}
  who: {type: text, about: "a name"}
blocks:
  pair:
    - {step: one, check: http.answers, url: "http://{{ to_site.address }}/{{ params.size }}"}
    - {step: two, check: http.answers, url: "{{ steps.one.note }}"}
procedures:
  failover:
    - {step: consent, approval: {of: incident_commander, budget: 1m}}
    - {use: pair, as: first}
    - {use: pair, as: second}
    - parallel:
        - - {step: p, check: http.answers, budget: 2m}
          - {step: q, check: http.answers, url: "{{ steps.p.note }}"}
        - each: host
          in: "{{ params.hosts }}"
          pace: 2
          steps:
            - step: go
              action: ssh.run
              at: to
              argv: ["{{ host }}", "{{ params.size | string }}", "{{ steps.first.two.note }}"]
              when: "{{ params.size > 2 }}"
            - {step: went, check: http.answers, url: "{{ steps.go.note | default('x') }}"}
    - ramp: weight
      start: 0
      through: [10, 50]
      never: "{{ steps.first.one.seconds > 3 }}"
      steps: [{step: set, action: ssh.run, at: to, argv: [x, "{{ weight | string }}"]}]
      between: [{step: fine, check: http.answers}]
    - {step: tell, notice: slack.tell, text: "done by {{ params.who }}"}
    - {step: look, manual: "Look around.", budget: 1m, purpose: verify}
"""


@pytest.fixture
def failover(loading: Load, catalog: Catalog) -> Plan:
    return plan(loading(), Procedure.FAILOVER, LOST, catalog=catalog)


@pytest.fixture
def language(loading: Load, catalog: Catalog) -> Plan:
    loaded = loading(text=LANGUAGE, parameters={"who": "me"})
    return plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog)


def needs(made: Plan) -> dict[str, tuple[str, ...]]:
    return {step.name: step.needs for step in made.steps}


def test_places_and_values_are_those_of_the_direction(failover: Plan) -> None:
    assert [(step.name, str(step.place or "")) for step in failover.steps] == [
        ("loss_now", "west.orders_db"),
        ("consent", ""),
        ("fence", "east.orders_db"),
        ("promote", "west.orders_db"),
        ("redirect", "west"),
        ("answers", ""),
    ]
    assert failover.step("loss_now").fields == {"max": "10s"}
    assert failover.step("fence").source == "orders.yaml:15:8"


def test_limits_are_the_written_ones_or_the_class_s(failover: Plan) -> None:
    fence, promote = failover.step("fence"), failover.step("promote")
    assert (fence.budget, fence.deadline) == (Duration(20), Duration(60))
    assert (promote.budget, promote.deadline) == (None, Duration(60))
    assert promote.one_way
    assert failover.step("answers").passes == 3


def test_who_is_asked_has_the_written_deadline_or_the_budget_or_the_usual_time(
    loading: Load, catalog: Catalog
) -> None:
    told = "budget: 1m, otherwise: abort"
    for written, limit in (
        (told, 60),
        ("budget: 1m, deadline: 1h", 3600),
        ("deadline: 1h", 3600),
        ("otherwise: abort", 900),
    ):
        made = plan(loading((told, written)), Procedure.FAILOVER, LOST, catalog=catalog)
        assert made.step("consent").deadline == Duration(limit), written


def test_only_planned_procedures_ask_at_the_start(loading: Load, catalog: Catalog) -> None:
    loaded = loading()
    asked = {
        procedure: plan(loaded, procedure, roles, catalog=catalog).consent_at_start
        for procedure, roles in (
            (Procedure.FAILOVER, LOST),
            (Procedure.SWITCHOVER, HEALTHY),
            (Procedure.REPROTECT, SWAPPED),
            (Procedure.FAILBACK, SWAPPED),
        )
    }
    assert asked == {
        Procedure.FAILOVER: False,
        Procedure.SWITCHOVER: True,
        Procedure.REPROTECT: True,
        Procedure.FAILBACK: True,
    }


def test_failback_is_the_switchover_to_the_preferred_site(loading: Load, catalog: Catalog) -> None:
    made = plan(loading(), Procedure.FAILBACK, SWAPPED, catalog=catalog)
    assert made.procedure is Procedure.FAILBACK
    assert str(made.step("demote").place) == "west.orders_db"
    assert str(made.step("promote").place) == "east.orders_db"


def test_the_critical_path_is_the_longest_by_budgets(failover: Plan, language: Plan) -> None:
    # a check without a budget counts 5 s, an action 10 s
    assert failover.expected == Duration(5 + 60 + 20 + 10 + 10 + 5)
    assert failover.critical_path == tuple(step.name for step in failover.steps)
    assert language.critical_path == (
        "consent",
        "first.one",
        "first.two",
        "second.one",
        "second.two",
        "p",
        "q",
        "weight_10.set",
        "weight_10.fine",
        "weight_50.set",
        "weight_50.fine",
        "tell",
        "look",
    )


def test_steps_follow_one_another_and_branches_join(language: Plan) -> None:
    told = needs(language)
    assert told["first.one"] == ("consent",)
    assert told["second.one"] == ("first.two",)
    assert told["p"] == ("second.two",)
    assert told["q"] == ("p",)
    # two at once: the third waits for the first
    assert told["a.go"] == told["b.go"] == ("second.two",)
    assert told["c.go"] == ("a.went",)
    assert told["weight_10.set"] == ("q", "b.went", "c.went")
    assert told["weight_50.set"] == ("weight_10.fine",)
    assert told["tell"] == ("weight_50.fine",)


def test_what_is_known_is_filled_in_and_the_rest_waits(language: Plan) -> None:
    assert language.step("first.one").fields == {"url": "http://192.0.2.2/3"}
    assert language.step("second.two").fields == {"url": "{{ steps.one.note }}"}
    go = language.step("b.go")
    assert go.fields["argv"] == [
        "{{ host }}",
        "{{ params.size | string }}",
        "{{ steps.first.two.note }}",
    ]
    assert go.bindings == {"host": "b"}
    assert go.when == "{{ params.size > 2 }}"
    assert language.step("weight_50.set").fields == {"argv": ["x", "50"]}
    assert language.step("tell").fields == {"text": "done by me"}


def test_a_ramp_goes_back_to_the_last_good_value(language: Plan) -> None:
    back = language.step("weight_50.back.set")
    assert back.fields == {"argv": ["x", "10"]}
    assert back.rescues == ("weight_50.set", "weight_50.fine")
    assert back.needs == ("weight_10.fine",)
    assert language.step("weight_10.back.set").fields == {"argv": ["x", "0"]}
    assert language.step("weight_50.set").never == "{{ steps.first.one.seconds > 3 }}"
    assert back.never is None


def test_notices_and_people(language: Plan) -> None:
    tell, look = language.step("tell"), language.step("look")
    assert (tell.kind, tell.on_failure) == (StepKind.NOTICE, OnFailure.CONTINUE)
    assert (look.kind, look.purpose, look.instructions) == (
        StepKind.MANUAL,
        Purpose.VERIFY,
        "Look around.",
    )
    consent = language.step("consent")
    assert (consent.kind, consent.action) == (StepKind.APPROVAL, "approval")
    assert consent.approval is not None
    assert consent.approval.of == "incident_commander"


def test_each_step_stands_after_those_it_needs(language: Plan) -> None:
    seen: set[str] = set()
    for step in language.steps:
        assert {*step.needs, *step.rescues} <= seen
        seen.add(step.name)
    assert len(seen) == len(language.steps)


def test_the_digest_is_of_what_will_be_done(loading: Load, catalog: Catalog) -> None:
    def digest(*changes: tuple[str, str], roles: ObservedRoles = LOST) -> str:
        return plan(loading(*changes), Procedure.FAILOVER, roles, catalog=catalog).digest

    same = digest()
    assert len(same) == 64
    assert same == digest()
    assert same == digest(("blocks:", "# a comment moves every line\nblocks:"))
    assert same == digest(
        ("  failback: {switchover: to_preferred}\n", 'waivers: {failback: "x"}\n')
    )
    assert same != digest(("budget: 20s", "budget: 21s"))
    assert same != digest(("rpo: 10s", "rpo: 11s"))
    assert same != digest(roles=SWAPPED)


def test_a_plan_says_where_its_runbook_is_and_what_else_that_can_do(
    loading: Load, catalog: Catalog
) -> None:
    made = plan(loading(), Procedure.FAILOVER, LOST, catalog=catalog)
    assert made.source == str(Path.cwd() / "orders.yaml")
    assert made.procedures == (
        Procedure.FAILOVER,
        Procedure.SWITCHOVER,
        Procedure.REPROTECT,
        Procedure.FAILBACK,
    )


def test_the_plan_survives_json(language: Plan) -> None:
    assert Plan.model_validate_json(language.model_dump_json()) == language


def test_others_are_each_of_the_remaining_sites(loading: Load, catalog: Catalog) -> None:
    third = INVENTORY.replace("hosts:\n", "  north: {address: 192.0.2.3}\nhosts:\n", 1)
    look = '    - {step: look, check: http.answers, at: others, url: "http://{{ at.address }}"}\n'
    loaded = loading(
        ("    - {step: consent", look + "    - {step: consent"), inventory=[(INVENTORY, third)]
    )
    made = plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog)
    assert made.step("north.look").fields == {"url": "http://192.0.2.3"}
    assert made.step("consent").needs == ("north.look",)

    alone = plan(
        loading(("    - {step: consent", look + "    - {step: consent")),
        Procedure.FAILOVER,
        LOST,
        catalog=catalog,
    )
    assert alone.step("consent").needs == ("loss_now",)


def test_a_procedure_that_is_not_there(loading: Load, catalog: Catalog) -> None:
    with pytest.raises(BadInput) as wrong:
        plan(loading(), Procedure.DRAIN, HEALTHY, catalog=catalog)
    assert wrong.value.text() == (
        "runbook orders: has no procedure drain; expected failover, switchover, reprotect or "
        "failback"
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "parameter who: is not given; expected a name\n  hint: add --set who=VALUE"),
        (
            {"whoo": "me"},
            "parameter whoo: runbook language has no such parameter; expected hosts, size or "
            "who\n  hint: did you mean who?",
        ),
        ({"size": "many"}, "parameter size: is 'many'; expected a whole number"),
        (
            {"who": "-oProxyCommand=x"},
            "parameter who: is '-oProxyCommand=x', which starts with a dash and could be taken "
            "for an option",
        ),
        (
            {"hosts": "a,-b"},
            "parameter hosts: is '-b', which starts with a dash and could be taken for an option",
        ),
    ],
)
def test_parameters_that_are_wrong(
    given: dict[str, str], text: str, loading: Load, catalog: Catalog
) -> None:
    with pytest.raises(BadInput) as wrong:
        plan(loading(text=LANGUAGE, parameters=given), Procedure.FAILOVER, LOST, catalog=catalog)
    assert wrong.value.text() == text


def test_parameters_change_the_plan(loading: Load, catalog: Catalog) -> None:
    loaded = loading(text=LANGUAGE, parameters={"who": "me", "hosts": "x, y", "size": "7"})
    made = plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog)
    assert made.parameters == {"who": "me", "hosts": ["x", "y"], "size": 7}
    assert made.step("first.one").fields == {"url": "http://192.0.2.2/7"}
    assert [step.name for step in made.steps if step.name.endswith(".go")] == ["x.go", "y.go"]


def test_a_value_that_does_not_fit_is_told_with_its_place(loading: Load, catalog: Catalog) -> None:
    note = ("at: to}\n    - use", 'at: to, after: "{{ to_site.name }}"}\n    - use')
    with pytest.raises(Faults) as faults:
        plan(loading(note), Procedure.FAILOVER, LOST, catalog=catalog)
    assert faults.value.lines == (
        "orders.yaml:16:66: step promote: after: 'west' is not a duration\n"
        "  hint: write a number with its unit, as in 30s, 5m or 2h",
    )


def test_a_place_that_is_not_there_in_this_direction(loading: Load, catalog: Catalog) -> None:
    loaded = loading(("at: to, max: ", "at: to.orders_db, max: "))
    made = plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog)
    assert str(made.step("loss_now").place) == "west.orders_db"

    with pytest.raises(Faults) as faults:
        plan(
            loading(
                inventory=[
                    (
                        "    systems:\n      orders_db: {kind: postgresql, host: west_db, data_"
                        "directory: /srv/pg, boot_guard: true,\n                  system_identifi"
                        'er: "7412", fence: [ssh]}\n',
                        "",
                    )
                ]
            ),
            Procedure.FAILOVER,
            LOST,
            catalog=catalog,
        )
    assert faults.value.lines == (
        "orders.yaml:13:57: step loss_now: site west has no postgresql system\n"
        "  hint: add it to the inventory",
        "orders.yaml:16:55: step promote: site west has no postgresql system\n"
        "  hint: add it to the inventory",
    )


REHEARSAL = (
    "  reprotect:\n",
    "  rehearsal:\n    - {step: copy, action: ssh.run, at: to, argv: [restore]}\n  reprotect:\n",
)


def test_a_rehearsal_keeps_away_from_production(loading: Load, catalog: Catalog) -> None:
    made = plan(loading(REHEARSAL), Procedure.REHEARSAL, HEALTHY, catalog=catalog)
    assert str(made.step("copy").place) == "west.west_db"

    with pytest.raises(Refused):
        plan(loading(REHEARSAL), Procedure.REHEARSAL, HEALTHY, to_site="east", catalog=catalog)
    with pytest.raises(Refused):
        plan(loading(REHEARSAL), Procedure.REHEARSAL, SWAPPED, to_site="west", catalog=catalog)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            "{step: copy, action: ssh.run, at: east, argv: [x]}",
            "orders.yaml:25:41: step copy: a rehearsal at east would reach production\n"
            "  hint: at: to, on a host that bears only the copy",
        ),
        (
            "{step: copy, action: ssh.run, at: from, argv: [x]}",
            "orders.yaml:25:41: step copy: acts at from, which is production (procedure "
            "rehearsal)\n  hint: at: to",
        ),
        (
            "{step: copy, action: dns.redirect}",
            "orders.yaml:25:8: step copy: has the purpose redirect, which would reach production "
            "(procedure rehearsal)\n  hint: a rehearsal works on a copy",
        ),
    ],
)
def test_a_rehearsal_that_names_production_is_a_fault(step: str, told: str, loading: Load) -> None:
    with pytest.raises(Faults) as faults:
        loading((REHEARSAL[0], f"  rehearsal:\n    - {step}\n  reprotect:\n"))
    assert told in faults.value.lines


def test_a_refusal_repeats_what_was_said_beside_the_runbook(
    loading: Load, catalog: Catalog
) -> None:
    named = ("procedures:", "parameters: {pace: {type: integer, default: 1}}\nprocedures:")
    loaded = loading(named, parameters={"pace": "2"})
    loaded = replace(loaded, inventory_source="else where.yaml")
    with pytest.raises(Refused) as refused:
        plan(loaded, Procedure.SWITCHOVER, LOST, catalog=catalog)
    assert refused.value.hint == (
        "when it is lost: drtool failover orders.yaml --inventory 'else where.yaml' --set pace=2 "
        "--from east --to west"
    )


def test_a_fence_at_the_other_site_is_none_of_the_one_that_is_left(
    loading: Load, catalog: Catalog
) -> None:
    loaded = loading(("action: postgresql.fence, at: from", "action: postgresql.fence, at: east"))
    assert plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog).steps
    with pytest.raises(Faults) as faults:
        plan(loaded, Procedure.FAILOVER, SWAPPED, catalog=catalog)
    assert "promotes east.orders_db with west.orders_db not fenced" in faults.value.lines[0]


BILLING = """\
      billing_db: {kind: postgresql, host: SITE_billing, data_directory: /srv/billing,
                   boot_guard: true, system_identifier: "7413", fence: [ssh]}
"""
BILLING_HOST = """\
  SITE_billing:
    ssh: {address: 192.0.2.9, user: postgres, host_key: "KEY"}
"""


def test_a_promotion_wants_what_it_leaves_behind_fenced(loading: Load, catalog: Catalog) -> None:
    both = [
        change
        for site, address, key in (("east", 1, EAST_KEY), ("west", 2, WEST_KEY))
        for change in _with_billing(site, f"192.0.2.{address}", key)
    ]
    text = RUNBOOK.replace("at: from", "at: from.orders_db").replace("at: to", "at: to.orders_db")
    fence = ("postgresql.fence, at: from.orders_db", "postgresql.fence, at: from.billing_db")
    loaded = loading(fence, text=text, inventory=both)
    with pytest.raises(Faults) as faults:
        plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog)
    assert faults.value.lines == (
        "orders.yaml:16:8: step promote: promotes west.orders_db with east.orders_db not fenced: "
        "step fence fences east.billing_db\n"
        "  hint: put postgresql.fence (at: from.orders_db) before it",
    )
    loaded = loading(text=text, inventory=both)
    assert plan(loaded, Procedure.FAILOVER, LOST, catalog=catalog).steps


def _with_billing(site: str, address: str, key: str) -> Iterator[Change]:
    systems = f"    address: {address}\n    systems:\n"
    yield systems, systems + BILLING.replace("SITE", site)
    yield (
        "hosts:\n",
        "hosts:\n"
        + BILLING_HOST.replace("SITE", site)
        .replace("192.0.2.9", f"{address}9")
        .replace("KEY", key[:-1] + "E"),
    )
