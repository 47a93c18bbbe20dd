"""JSON Schema of runbooks and inventories, for editors; lint stays the judge."""

from __future__ import annotations

from drtool.catalog import Catalog
from drtool.model.inventory import Inventory
from drtool.model.plan import Objectives
from drtool.model.purpose import Procedure, Strategy
from drtool.model.runbook import Parameter
from drtool.model.value import NAME
from drtool.runbook.schema_steps import step_definitions
from drtool.runbook.schema_values import DRAFT, REF, Schema, schemas_of

_NAME: Schema = {"type": "string", "pattern": NAME, "maxLength": 63}
_STEPS: Schema = {"type": "array", "minItems": 1, "items": {"$ref": f"{REF}entry"}}
_HOME: Schema = {
    "type": "object",
    "properties": {
        "switchover": {"description": "The way of switchover.", "const": "to_preferred"},
    },
    "required": ["switchover"],
    "additionalProperties": False,
}
_HEADING: Schema = {
    "version": {"description": "The version of this language.", "const": 1},
    "runbook": {"description": "The runbook's name.", **_NAME},
    "strategy": {
        "description": "How the other site stands by; its rules are asked of the runbook.",
        "enum": [one.value for one in Strategy],
    },
    "inventory": {
        "description": "The inventory's file, relative to the runbook.",
        "type": "string",
        "minLength": 1,
    },
    "service": {"description": "A service of the inventory.", **_NAME},
}
_PROCEDURES = {
    Procedure.FAILOVER: "The site with the primary is lost.",
    Procedure.SWITCHOVER: "A planned move between healthy sites.",
    Procedure.REPROTECT: "The site that was left becomes the standby.",
    Procedure.FAILBACK: "The return to the preferred site; {switchover: to_preferred} is enough.",
    Procedure.REHEARSAL: "On an isolated copy, cleaned up afterwards.",
    Procedure.DRAIN: "A site is taken out of use, in stages.",
    Procedure.LOSE: "A site is gone; the others carry on.",
    Procedure.REFILL: "A drained or lost site comes back.",
}


def inventory_schema() -> Schema:
    """What an inventory may say."""
    (made,), shared = schemas_of([Inventory])
    return {**_head("inventory"), **made, "definitions": shared}


def runbook_schema(catalog: Catalog) -> Schema:
    """What a runbook may say, with the fields of every action that is installed."""
    (objectives, parameter), shared = schemas_of([Objectives, Parameter])
    properties: Schema = {
        **_HEADING,
        "objectives": objectives,
        "parameters": _named(parameter, "What may be given at the command line."),
        "blocks": _named(_STEPS, "Named lists of steps that procedures use."),
        "procedures": {
            "description": "The ways through the runbook.",
            "minProperties": 1,
            **_mapping({one.value: _procedure(one) for one in Procedure}),
        },
        "waivers": {
            "description": "What is left out on purpose, and why.",
            **_mapping(
                {
                    "failback": {"description": "Why none is needed.", "type": "string"},
                    "static_stability": {
                        "description": "Why it may need what is lost with a site.",
                        "type": "string",
                    },
                }
            ),
        },
    }
    return {
        **_head("runbook"),
        **_mapping(properties, "version", "runbook", "service", "procedures"),
        "definitions": {**shared, **step_definitions(catalog)},
    }


def _mapping(properties: Schema, *required: str) -> Schema:
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def _head(what: str) -> Schema:
    return {"$schema": DRAFT, "$comment": f"written by: drtool schema {what}"}


def _named(of: Schema, about: str) -> Schema:
    return {
        "description": about,
        "type": "object",
        "propertyNames": {"pattern": NAME, "maxLength": 63},
        "additionalProperties": of,
    }


def _procedure(procedure: Procedure) -> Schema:
    about = {"description": _PROCEDURES[procedure]}
    if procedure is Procedure.FAILBACK:
        return {**about, "anyOf": [_STEPS, _HOME]}
    return {**about, **_STEPS}
