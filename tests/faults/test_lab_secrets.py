"""The lab's own passwords and keys, searched for wherever its runs write."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest
from canaries import Canaries, Watcher
from lab_runs import EAST, RUNBOOK, WEST, Document, Operator, PracticeLab

from drtool.lab.layout import SITES
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
WRONG = "canary-wrong-2718+/="


def lab_secrets(lab: PracticeLab) -> dict[str, str]:
    names = ("drtool.password", "tsig", *(f"{site}_power.password" for site in SITES))
    return {name: lab.layout.secret(name).read_text(encoding="utf-8").strip() for name in names}


def of_every_kind(lab: PracticeLab) -> Callable[[Document], None]:
    """References of every kind: a file, a variable, a command."""

    def change(document: Document) -> None:
        tsig = shlex.join(["cat", str(lab.layout.secret("tsig"))])
        document["dns"]["key"] = {"secret": f"command:{tsig}"}
        for site in SITES:
            for system in document["sites"][site]["systems"].values():
                if "password" in system:
                    system["password"] = {"secret": "env:CANARY"}

    return change


def wrong(where: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        secret = {"secret": "env:CANARY"}
        if where == "dns":
            document["dns"]["key"] = secret
        elif where == "power":
            for host in document["hosts"].values():
                host["power"]["password"] = secret
        else:
            for site in SITES:
                for system in document["sites"][site]["systems"].values():
                    if "password" in system:
                        system["password"] = secret

    return change


def search_all(lab: PracticeLab, operator: Operator, canaries: Canaries, run: str) -> None:
    for words in (("status", run), ("explain", run), ("report", run), ("report", run, "--json")):
        typed = operator.type(*words)
        canaries.search(f"drtool {words[0]}", typed.out + typed.err)
    canaries.search_files(operator.home)
    for site in SITES:
        canaries.search_files(lab.layout.site(site).root / "state")


def test_no_secret_of_a_real_failover_leaves(
    spoiled_lab: PracticeLab, machines: Callable[[str], Operator]
) -> None:
    lab, operator = spoiled_lab, machines("home")
    secrets = lab_secrets(lab)
    canaries = Canaries(secrets)
    inventory = lab.inventory(of_every_kind(lab))
    lab.place_orders(EAST)
    lab.cut_power(EAST)
    with Watcher(canaries, {}) as watcher:
        words = ("--from", EAST, "--to", WEST, "--outage-since", "1s")
        run = operator.start(
            "failover", *words, inventory=inventory, CANARY=secrets["drtool.password"]
        )
        engine = operator.engine(run)
        assert engine is not None
        watcher.engines.add(str(engine.pid))
        ran = operator.follow(run)
        canaries.search("the terminal", ran.printed)
        search_all(lab, operator, canaries, run)
    assert ran.report.outcome is Outcome.SUCCEEDED, ran.said
    plan = operator.type(
        "plan", RUNBOOK, "failover", "-i", inventory, *words[:4], "--json",
        CANARY=secrets["drtool.password"],
    )  # fmt: skip
    canaries.search("the plan", plan.out + plan.err)
    assert canaries.found == []


@pytest.mark.parametrize("where", ["postgresql", "dns", "power"])
def test_a_secret_that_is_turned_away_is_told_to_nobody(
    lab: PracticeLab, operator: Operator, where: str
) -> None:
    secret = "Y2FuYXJ5LXdyb25nLTI3MTg=" if where == "dns" else WRONG
    canaries = Canaries({"wrong": secret})
    inventory = lab.inventory(wrong(where))
    with Watcher(canaries, {}):
        words = operator.words("switchover", inventory=inventory)
        typed = operator.type(*words, CANARY=secret)
        canaries.search("the terminal", typed.out + typed.err)
        if typed.code == 0:
            run = str(json.loads(typed.out)["run"])
            ran = operator.follow(run)
            # where SSH fences, nobody asks the power controller
            assert ran.code != 0 or where == "power", "a wrong secret was taken"
            search_all(lab, operator, canaries, run)
        canaries.search_files(operator.home)
    assert typed.code in {0, 2, 3}, typed.said
    assert canaries.found == []
