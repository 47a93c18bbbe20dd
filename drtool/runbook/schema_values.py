"""From pydantic's JSON Schema to draft-07, which the YAML language server of editors knows best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from drtool.model.inventory import HostKey, Plain
from drtool.model.value import NAME
from drtool.runbook.validation import pattern_of
from drtool.units import Duration

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
REF = "#/definitions/"
TEMPLATE: Schema = {"type": "string", "pattern": r"\{[{%#]"}
_ANNOTATIONS = ("description", "default")
_SAID = {
    NAME: "small letters, digits and underscores, a letter first",
    pattern_of(Plain): "no space in it, and no dash in front",
    pattern_of(HostKey): "a host key as ssh-keyscan prints it: ssh-ed25519 AAAA...",
}


class _Generator(GenerateJsonSchema):
    """Writes the default of a duration as people do."""

    def encode_default(self, dft: Any) -> Any:
        """A default as it would be written in the document."""
        return str(dft) if isinstance(dft, Duration) else super().encode_default(dft)


def schemas_of(models: Iterable[type[BaseModel]]) -> tuple[list[Schema], Schema]:
    """The schema of each model, and the definitions that they refer to."""
    wanted = list(models)
    places, found = models_json_schema(
        [(model, "validation") for model in wanted],
        ref_template=REF + "{model}",
        schema_generator=_Generator,
    )
    definitions = {name: draft_07(part) for name, part in found.get("$defs", {}).items()}
    names = [places[model, "validation"]["$ref"].removeprefix(REF) for model in wanted]
    made = [definitions[name] for name in names]
    return made, {name: part for name, part in definitions.items() if name not in names}


def draft_07(node: Schema) -> Schema:
    """The same for draft-07, without what editors need not: titles, examples, null."""
    if "discriminator" in node:
        return _by_key(node)
    made = {key: node[key] for key in node if key not in {"title", "examples", "format"}}
    if made.get("default", ...) is None:
        del made["default"]
    if made.get("pattern") in _SAID:
        made["patternErrorMessage"] = _SAID[made["pattern"]]
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = draft_07(made[key])
    if "properties" in made:
        made["properties"] = {key: draft_07(part) for key, part in made["properties"].items()}
    options = [draft_07(part) for part in made.pop("anyOf", []) if part != {"type": "null"}]
    if len(options) == 1:
        return {**options[0], **made}
    return {**made, "anyOf": options} if options else made


def _by_key(node: Schema) -> Schema:
    """One of several mappings, told by one key: so that only the right one is offered."""
    key, mapping = node["discriminator"]["propertyName"], node["discriminator"]["mapping"]
    return {
        **{name: node[name] for name in _ANNOTATIONS if name in node},
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": list(mapping)}},
        "allOf": [
            {"if": having(key, word), "then": {"$ref": place}} for word, place in mapping.items()
        ],
    }


def having(key: str, word: str | None = None) -> Schema:
    """A condition: the key is there, and says that word where one is given."""
    made: Schema = {"type": "object", "required": [key]}
    return made if word is None else {**made, "properties": {key: {"const": word}}}


def or_template(node: Schema) -> Schema:
    """The same value, or a template that will give it; nested values too.

    Alternatives are avoided where one type or one pattern says both: they cost editors time.
    """
    made, kind = dict(node), node.get("type")
    if "properties" in made:
        made["properties"] = {key: or_template(part) for key, part in made["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = or_template(made[key])
    if "anyOf" in made:
        made["anyOf"] = [or_template(part) for part in made["anyOf"]]
    elif "enum" in made or "const" in made:
        said = {key: made.pop(key) for key in _ANNOTATIONS if key in made}
        made = {**said, "anyOf": [made, TEMPLATE]}
    elif kind == "string" and "pattern" in made:
        made["pattern"] += f"|{TEMPLATE['pattern']}"
    elif kind in {"integer", "number", "boolean", "array"}:
        made |= {"type": [kind, "string"], "pattern": TEMPLATE["pattern"]}
        made["patternErrorMessage"] = f'expected {kind}, or a template as "{{{{ params.NAME }}}}"'
    return made


DURATION = draft_07(TypeAdapter(Duration).json_schema())
