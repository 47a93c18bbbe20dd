"""The runbooks that drtool brings, and those in the language reference, are linted and planned."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from drtool.catalog import Catalog
from drtool.model.purpose import Procedure, Strategy
from drtool.runbook.load import Loaded, load
from drtool.runbook.planning import ObservedRoles, plan

ROOT = Path(__file__).parents[3]
RUNBOOKS = sorted(
    path for path in (ROOT / "runbooks").glob("*/*.yaml") if path.name != "inventory.yaml"
)
REFERENCE = (ROOT / "docs/reference/language.md").read_text(encoding="utf-8")
EXAMPLES = list(re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL))
INVENTORY, SNIPPETS = EXAMPLES[0], EXAMPLES[1:]
ONE_SIDED = {Procedure.DRAIN, Procedure.LOSE, Procedure.REFILL}


@pytest.fixture(scope="module")
def installed() -> Catalog:
    return Catalog.load()


def plan_all(loaded: Loaded, catalog: Catalog) -> None:
    """Plan every procedure in both directions."""
    for procedure in loaded.runbook.procedures:
        preferred = loaded.inventory.services[loaded.runbook.service].preferred
        for left, taking in (("east", "west"), ("west", "east")):
            if procedure is Procedure.FAILBACK and taking != preferred:
                continue
            made = plan(
                loaded,
                procedure,
                ObservedRoles(),
                from_site=left,
                to_site=None if procedure in ONE_SIDED else taking,
                catalog=catalog,
            )
            assert made.steps
            assert len(made.digest) == 64
            assert made.expected.seconds > 0


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.parent.name)
def test_runbook_is_clean_and_planned(path: Path, installed: Catalog) -> None:
    loaded = load(path, None, installed, {})
    assert loaded.warnings == ()
    assert loaded.runbook.strategy is not None
    assert path.parent.name.startswith(loaded.runbook.strategy.value)
    assert (path.parent / "README.md").exists()
    plan_all(loaded, installed)


@pytest.mark.parametrize("strategy", ["hot-standby", "warm-standby", "pilot-light"])
@pytest.mark.parametrize("procedure", [Procedure.FAILOVER, Procedure.SWITCHOVER])
def test_the_verdict_rests_on_a_row_committed_where_was_promoted(
    strategy: str, procedure: Procedure, installed: Catalog
) -> None:
    path = next(path for path in RUNBOOKS if path.parent.name == strategy)
    loaded = load(path, None, installed, {})
    made = plan(
        loaded, procedure, ObservedRoles(), from_site="east", to_site="west", catalog=installed
    )
    steps = {step.action: step for step in made.steps}
    probe, promotion = steps["postgresql.write_probe"], steps["postgresql.promote"]
    assert probe.place == promotion.place
    assert steps["dns.redirect"].name in probe.needs


def test_there_is_one_for_every_strategy() -> None:
    assert {path.parent.name for path in RUNBOOKS} >= {strategy.value for strategy in Strategy}


def test_machines_may_be_started_before_anybody_is_asked(
    tmp_path: Path, installed: Catalog
) -> None:
    light = ROOT / "runbooks" / "pilot-light"
    text = (light / "ledger.yaml").read_text(encoding="utf-8")
    text = text.replace("        - use: light_up\n", "", 1)
    text = text.replace("  failover:\n", "  failover:\n    - use: light_up\n", 1)
    (tmp_path / "ledger.yaml").write_text(text, encoding="utf-8")
    loaded = load(tmp_path / "ledger.yaml", light / "inventory.yaml", installed, {})
    made = plan(
        loaded,
        Procedure.FAILOVER,
        ObservedRoles(),
        from_site="east",
        to_site="west",
        catalog=installed,
    )
    assert [step.action for step in made.steps].index("power.on") < [
        step.action for step in made.steps
    ].index("approval")


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.split("\n")[0][:30])
def test_what_the_reference_shows_is_clean(
    snippet: str, tmp_path: Path, installed: Catalog
) -> None:
    beside, steps = (snippet, "") if snippet.startswith("parameters:") else ("", snippet)
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    (tmp_path / "orders.yaml").write_text(
        "version: 1\nrunbook: orders\nservice: orders\ninventory: inventory.yaml\n"
        'objectives: {rto: 1h, rpo: 10s}\nwaivers: {failback: "an example"}\n'
        f"{beside}procedures:\n"
        "  failover:\n"
        "    - {step: consent, approval: {of: incident_commander, budget: 1m}}\n"
        + textwrap.indent(steps, "    ")
    )
    given = {"colour": "blue"} if beside else {}
    loaded = load(tmp_path / "orders.yaml", None, installed, given)
    assert [text for text in loaded.warnings if "outside" not in text] == []
    plan_all(loaded, installed)


@pytest.mark.parametrize("word", sorted({"steps", "params", "objectives", "service", "at"}))
def test_the_reference_names_what_templates_have(word: str) -> None:
    assert f"`{word}" in REFERENCE
