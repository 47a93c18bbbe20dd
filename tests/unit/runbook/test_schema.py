"""The editors' schemas, judged by an independent validator on good and on bad documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from good_documents import INVENTORY, RUNBOOK, changed

from drtool.catalog import ENGINE_KEYS, Catalog
from drtool.model.purpose import Procedure
from drtool.runbook.document import read_document
from drtool.runbook.marks import FaultList, bare
from drtool.runbook.reading import _KEYS
from drtool.runbook.schema import inventory_schema, runbook_schema
from drtool.verbs.schema import DOCUMENTS, file_name, modeline, schema_text

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "runbooks").glob("*/*.yaml"))
Schema = dict[str, Any]
Validator = jsonschema.Draft7Validator


@pytest.fixture(scope="module")
def schemas() -> dict[str, Schema]:
    return {"runbook": runbook_schema(Catalog.load()), "inventory": inventory_schema()}


def kind_of(path: Path) -> str:
    return "inventory" if path.name == "inventory.yaml" else "runbook"


def faults(schema: Schema, document: object) -> list[str]:
    return [fault.message for fault in Validator(schema).iter_errors(document)]


def read(path: Path) -> object:
    root = read_document(path, FaultList())
    assert root is not None
    return bare(root)


@pytest.fixture
def judged(schemas: dict[str, Schema], tmp_path: Path) -> Any:
    """The faults of a text, as editors see it."""

    def judge(kind: str, text: str) -> list[str]:
        path = tmp_path / "document.yaml"
        path.write_text(text, encoding="utf-8")
        return faults(schemas[kind], read(path))

    return judge


@pytest.mark.parametrize("document", DOCUMENTS)
def test_it_is_a_schema_of_draft_07_and_small(document: str, schemas: dict[str, Schema]) -> None:
    Validator.check_schema(schemas[document])
    assert len(json.dumps(schemas[document], indent=1)) < 500_000


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_shipped_is_current(document: str) -> None:
    path = ROOT / "runbooks" / file_name(document)
    assert path.read_text(encoding="utf-8") == schema_text(document), (
        f"type: drtool schema {document} -o runbooks/{file_name(document)}"
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_examples_keep_it_and_say_where_it_is(path: Path, schemas: dict[str, Schema]) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == modeline(f"../{file_name(kind_of(path))}")
    assert (path.parent / first.partition("$schema=")[2]).exists()
    assert faults(schemas[kind_of(path)], read(path)) == []


def test_good_documents_keep_it(judged: Any) -> None:
    assert judged("runbook", RUNBOOK) == []
    assert judged("inventory", INVENTORY) == []


STEP = "{step: promote, action: postgresql.promote, at: to}"
LOSS = "{step: loss_now, check: postgresql.data_loss, at: to, max: "
BAD_RUNBOOKS = [
    ("version: 1", "version: 2"),
    ("runbook: orders", "runbok: orders"),
    ("service: orders", ""),
    ("hot-standby", "hot_standby"),
    ("rto: 5m", "rto: 5"),
    ("rto: 5m", "rt: 5m"),
    ("  failover:", "  fail-over:"),
    ("{switchover: to_preferred}", "{switchover: home}"),
    (STEP, "{step: promote, action: postgresql.promot, at: to}"),
    (STEP, "{step: promote, check: postgresql.promote, at: to}"),
    (STEP, "{step: promote, action: postgresql.promote}"),
    (STEP, "{step: promote, at: to}"),
    (STEP, "{action: postgresql.promote, at: to}"),
    (STEP, "{step: Promote, action: postgresql.promote, at: to}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, max_data_los: 3s}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, with: {max_data_los: 3s}}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, repeatable: true}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, purpose: fence}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, budget: 10}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, attempts: 0}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, on_failure: retry}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, when: steps.x.y}"),
    (STEP, "{step: promote, action: postgresql.promote, at: to, use: move_clients}"),
    (STEP, "{step: run, action: ssh.run, at: to}"),
    (STEP, "{step: port, check: tcp.answers, port: web}"),
    (STEP, "{step: keep, action: postgresql.reinstate, at: to, keep: wal}"),
    (STEP, "{each: n, steps: [{step: a, check: http.answers}]}"),
    (STEP, "{parallel: []}"),
    (STEP, "promote"),
    (f'{LOSS}"{{{{ objectives.rpo }}}}"}}', f"{LOSS}10}}"),
    ("approval: {of: incident_commander, ", "approval: {"),
    ("otherwise: abort}", "otherwise: ask}"),
]
BAD_INVENTORIES = [
    ("preferred: east", "prefered: east"),
    ("kind: postgresql", "kind: oracle"),
    ("kind: postgresql, ", ""),
    ("fence: [ssh, power]", "fence: [ssh, hope]"),
    ('secret: "env:BMC"', 'secret: "BMC"'),
    ("{at: postgresql}", "{at: somewhere}"),
    ("ssh-ed25519 ", "SHA256:"),
    ("version: 1", 'version: "1"'),
    ("user: postgres, ", ""),
]
GOOD_STEPS = [
    '{step: a, check: tcp.answers, port: "{{ params.port }}"}',
    "{step: a, check: tcp.answers, with: {port: 22}}",
    '{step: a, action: postgresql.reinstate, at: to, keep: "{{ params.keep }}"}',
    '{step: a, action: power.off, at: to, stay_off: "{{ params.stay }}"}',
    '{step: a, check: http.answers, status: "{{ params.codes }}"}',
    '{step: a, action: http.request, headers: {A: {secret: "env:A"}, B: b}, body: [1, {b: null}]}',
    '{each: host, in: "{{ params.hosts }}", steps: [{step: a, check: http.answers}]}',
    "{parallel: [[{step: a, check: http.answers}], {step: b, manual: look, budget: 1m}]}",
    '{step: a, action: dns.redirect, when: "{{ steps.loss_now.seconds > 5 }}"}',
]


@pytest.mark.parametrize(("old", "new"), BAD_RUNBOOKS)
def test_a_bad_runbook_is_marked(old: str, new: str, judged: Any) -> None:
    assert judged("runbook", changed(RUNBOOK, [(old, new)]))


@pytest.mark.parametrize(("old", "new"), BAD_INVENTORIES)
def test_a_bad_inventory_is_marked(old: str, new: str, judged: Any) -> None:
    assert judged("inventory", changed(INVENTORY, [(old, new)]))


@pytest.mark.parametrize("step", GOOD_STEPS)
def test_templates_and_fields_under_with_are_good(step: str, judged: Any) -> None:
    assert judged("runbook", changed(RUNBOOK, [(STEP, step)])) == []


def test_it_knows_every_key_of_the_language(schemas: dict[str, Schema]) -> None:
    runbook, definitions = schemas["runbook"], schemas["runbook"]["definitions"]
    assert set(runbook["properties"]) == set(_KEYS)
    assert set(runbook["properties"]["procedures"]["properties"]) == {p.value for p in Procedure}
    known = set(definitions["ssh.run"]["properties"]) | set(definitions["slack.post"]["properties"])
    known |= {
        key
        for name in ("http.answers", "approval", "manual", "use", "parallel", "each", "ramp")
        for key in definitions[name]["properties"]
    }
    assert known >= ENGINE_KEYS


def test_it_offers_every_action_that_is_installed(schemas: dict[str, Schema]) -> None:
    catalog, definitions = Catalog.load(), schemas["runbook"]["definitions"]
    assert set(catalog.names()) <= set(definitions)


def test_every_field_says_what_it_is(schemas: dict[str, Schema]) -> None:
    bare_fields = [
        f"{where}.{key}"
        for schema in schemas.values()
        for where, properties in fields_of(schema, "")
        for key, field in properties.items()
        if field is not True and "$ref" not in field and not field.get("description")
    ]
    assert bare_fields == []


def fields_of(schema: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping's fields, however deep; conditions have none of their own."""
    if isinstance(schema, list):
        for part in schema:
            yield from fields_of(part, where)
    elif isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield where, schema["properties"]
        for key, part in schema.items():
            if key != "if":
                yield from fields_of(part, f"{where}/{key}")
