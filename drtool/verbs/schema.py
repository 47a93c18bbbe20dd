"""What editors are told of runbooks and inventories."""

from __future__ import annotations

import json

from drtool.bootstrap import build
from drtool.errors import BadInput
from drtool.runbook.schema import inventory_schema, runbook_schema
from drtool.shipped import shipped

DOCUMENTS = ("runbook", "inventory")


def schema_text(document: str) -> str:
    """The JSON Schema of one kind of document, with the actions that are installed here."""
    if document not in DOCUMENTS:
        raise BadInput(f"schema {document}", "there is none", " or ".join(DOCUMENTS))
    made = runbook_schema(build().catalog) if document == "runbook" else inventory_schema()
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def file_name(document: str) -> str:
    """What a schema's file is called beside the documents that speak of it."""
    return f"{document}.schema.json"


def modeline(schema: str) -> str:
    """The comment that tells the YAML language server of editors where a document's schema is."""
    return f"# yaml-language-server: $schema={schema}"


def vscode_settings() -> str:
    """Settings for VS Code that know documents without a modeline, by the shipped schemas."""
    where = {one: (shipped("runbooks") / file_name(one)).as_uri() for one in DOCUMENTS}
    schemas = {
        where["inventory"]: ["inventory.yaml"],
        where["runbook"]: ["runbooks/**/*.yaml", "!**/inventory.yaml"],
    }
    return json.dumps({"yaml.schemas": schemas}, indent=2) + "\n"
