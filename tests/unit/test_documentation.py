"""The reference says everything that the code has: keys, fields, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from drtool import errors
from drtool.catalog import ENGINE_KEYS, Catalog
from drtool.errors import DrtoolError
from drtool.model.inventory import Inventory
from drtool.model.purpose import Procedure, Purpose, Strategy
from drtool.runbook.schema import runbook_schema

DOCS = Path(__file__).parents[2] / "docs"
CATALOG = Catalog.load()


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def codes(text: str) -> set[str]:
    """The words that a page shows as code."""
    blocks = re.findall(r"```.*?```|^ {4}.*$", text, re.DOTALL | re.MULTILINE)
    shown = [*blocks, *re.findall(r"`([^`\n]+)`", text)]
    return {word for one in shown for word in re.findall(r"[a-z][a-z0-9_-]*", one)}


@pytest.mark.parametrize("name", CATALOG.names())
def test_an_action_has_its_section_and_a_sentence_for_each_field(name: str) -> None:
    assert f"\n### `{name}`\n" in page("reference/actions.md")
    for field, info in CATALOG.get(name).model_fields.items():
        assert len((info.description or "").split()) > 1, f"{name}.{field}"


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    for inside in get_args(annotation):
        yield from models(inside)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)


@pytest.mark.parametrize(
    "model", list(dict.fromkeys(models(Inventory))), ids=lambda model: model.__name__
)
def test_every_key_of_an_inventory_says_what_it_is(model: type[BaseModel]) -> None:
    for field, info in model.model_fields.items():
        assert len((info.description or "").split()) > 2, f"{model.__name__}.{field}"


def of_runbooks() -> Iterator[str]:
    """Every key of a runbook, as editors are told them."""
    schema = runbook_schema(Catalog())
    yield from schema["properties"]
    definitions = schema["definitions"]
    for part in (
        *(schema["properties"]["objectives"], schema["properties"]["waivers"]),
        schema["properties"]["parameters"]["additionalProperties"],
        *(definitions[name] for name in ("key", "use", "parallel", "each", "ramp")),
        *(definitions["approval"], definitions["approval"]["properties"]["approval"]),
    ):
        yield from part["properties"]


def test_the_language_names_every_key_of_a_runbook() -> None:
    known = {*of_runbooks(), *ENGINE_KEYS, *(one.value for one in Procedure)}
    known |= {one.value for one in Strategy} | {one.value for one in Purpose}
    assert not known - codes(page("reference/language.md")) - {"1"}


def test_the_languages_tables_name_nothing_else() -> None:
    text = page("reference/language.md")
    runbook, steps = text.partition("## Steps")[0].partition("## Runbook")[2], text
    first = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", runbook, re.MULTILINE)
    assert {word for cell in first for word in re.findall(r"\w+", cell)} == set(
        runbook_schema(Catalog())["properties"]
    )
    table = steps.partition("| key | for | default |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    keys = {word for cell in named for word in re.findall(r"\w+", cell)}
    assert keys == ENGINE_KEYS - {"use", "as", "with", "parallel", "each", "ramp"}


def test_the_exit_codes_are_those_of_the_errors() -> None:
    told = dict(re.findall(r"^\| (\d) \| (.*) \|$", page("reference/exit-codes.md"), re.MULTILINE))
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    raised = {one.exit_code for one in kinds if issubclass(one, DrtoolError)}
    assert {int(code) for code in told} == raised | {0, 6}
    for kind, word in ((errors.BadInput, "bad input"), (errors.Refused, "refused"),
                       (errors.Aborted, "aborted"), (errors.InDoubt, "in doubt"),
                       (errors.JournalUnusable, "journal"),
                       (errors.Interrupted, "interrupted")):  # fmt: skip
        assert word in told[str(kind.exit_code)]


def test_the_glossary_knows_every_procedure_strategy_and_purpose() -> None:
    words = page("glossary.md")
    for one in (*Procedure, *Strategy, *Purpose):
        assert one.value in words


def test_the_site_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-d", tmp_path, "-f", ".ci/mkdocs.yml"],
        cwd=DOCS.parent, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    fetched = re.compile(r'<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)="(?:https?:)?//[^>]*>')
    for path in tmp_path.rglob("*.html"):
        assert not fetched.findall(path.read_text(encoding="utf-8")), path.name
